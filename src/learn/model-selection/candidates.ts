/** Which parameters a search will try: decided, checked and shown before anything is trained. */
import { canonicalJson, createRandom, type Json, MillError, type Random } from "../../base/index.ts";
import type { Estimator, ParamSpec, Params, ParamValue } from "../estimator.ts";
import { completeParams } from "../params.ts";

/** The values to try of each parameter; those not named keep what `fixed` or the default says. */
export type SearchSpace = Readonly<Record<string, readonly ParamValue[] | ParamRange>>;

/** Ends default to those of the parameter's own interval; booleans and choices have all of their values. */
export interface ParamRange {
  readonly from?: number;
  readonly to?: number;
  /** `log`: equal ratios are as likely, for what spans orders of magnitude; above 0. Default `linear`. */
  readonly scale?: "linear" | "log";
  /** Values in a grid, both ends included; default 5. */
  readonly steps?: number;
}

export interface SearchPlan {
  readonly estimator: string;
  /** Complete parameters, each once. */
  readonly candidates: readonly Params[];
}

/** Every combination of the values, the last parameter changing fastest. Error: `learn.bad-parameter`. */
export function gridPlan(estimator: Estimator, space: SearchSpace, fixed: Params = {}): SearchPlan {
  const lists = Object.entries(space).map(([name, range]) => [name, gridValues(estimator, name, range)] as const);
  const combined = lists.reduce<readonly Params[]>(
    (found, [name, values]) => found.flatMap((params) => values.map((value) => ({ ...params, [name]: value }))),
    [fixed],
  );
  return { estimator: estimator.name, candidates: distinct(combined.map((params) => completeParams(estimator, params))) };
}

/**
 * `count` combinations drawn at random, which finds good values sooner than a grid where few parameters matter (Bergstra and Bengio, 2012); fewer when the
 * space has no more. Error: `learn.bad-parameter`.
 */
export function randomPlan(
  estimator: Estimator,
  space: SearchSpace,
  options: { readonly count: number; readonly seed: number },
  fixed: Params = {},
): SearchPlan {
  if (!(options.count >= 1))
    throw new MillError("learn.bad-parameter", `A search of ${options.count} candidates finds none.`, {
      expected: "a count of at least 1",
      got: String(options.count),
      fix: "Say how many candidates to try.",
    });
  const random = createRandom(options.seed);
  const draws = Object.entries(space).map(([name, range]) => [name, drawer(estimator, name, range, random)] as const);
  let candidates: readonly Params[] = [];
  for (let attempt = 0; attempt < options.count * ATTEMPTS && candidates.length < options.count; attempt++) {
    const drawn = Object.fromEntries(draws.map(([name, draw]) => [name, draw()]));
    candidates = distinct([...candidates, completeParams(estimator, { ...fixed, ...drawn })]);
  }
  return { estimator: estimator.name, candidates };
}

/** Draws for each candidate, until the space is taken to be used up. */
const ATTEMPTS = 10;

const distinct = (candidates: readonly Params[]): readonly Params[] => [
  ...new Map(candidates.map((params) => [canonicalJson(params as Json), params])).values(),
];

function gridValues(estimator: Estimator, name: string, range: readonly ParamValue[] | ParamRange): readonly ParamValue[] {
  const listed = listedValues(estimator, name, range);
  if (listed !== null) return listed;
  const { at, isInteger } = rangeOf(estimator, name, range as ParamRange);
  const steps = (range as ParamRange).steps ?? 5;
  const values = Array.from({ length: steps }, (_, step) => at(steps === 1 ? 0 : step / (steps - 1)));
  return [...new Set(isInteger ? values.map(Math.round) : values)];
}

function drawer(estimator: Estimator, name: string, range: readonly ParamValue[] | ParamRange, random: Random): () => ParamValue {
  const listed = listedValues(estimator, name, range);
  if (listed !== null) return () => listed[random.below(listed.length)]!;
  const { at, isInteger } = rangeOf(estimator, name, range as ParamRange);
  return () => (isInteger ? Math.round(at(random.next())) : at(random.next()));
}

/** The values, where they are listed or can be; null for an interval of numbers. */
function listedValues(
  estimator: Estimator,
  name: string,
  range: readonly ParamValue[] | ParamRange,
): readonly ParamValue[] | null {
  const spec = specOf(estimator, name);
  if (Array.isArray(range)) {
    if (range.length === 0) throw badRange(estimator, name, "at least one value", "none");
    return range;
  }
  if (spec.type === "boolean") return [false, true];
  if (spec.type === "choice") return spec.choices;
  if (spec.type === "by-name") throw badRange(estimator, name, "a list of values", "an interval");
  return null;
}

function rangeOf(estimator: Estimator, name: string, range: ParamRange): { at(share: number): number; isInteger: boolean } {
  const spec = specOf(estimator, name) as Extract<ParamSpec, { type: "integer" | "number" }>;
  const { from = spec.min, to = spec.max, scale = "linear" } = range;
  const { steps = 5 } = range;
  if (from === undefined || to === undefined || !(from <= to) || !Number.isInteger(steps) || steps < 1)
    throw badRange(estimator, name, "an interval with both ends, the lower first, in 1 step or more", JSON.stringify(range));
  if (scale === "log" && !(from > 0)) throw badRange(estimator, name, "a lower end above 0, as a ratio needs", String(from));
  const ratio = to / from;
  const inside = (value: number) => Math.min(Math.max(value, from), to);
  const at = (share: number) => inside(scale === "log" ? from * ratio ** share : from + (to - from) * share);
  return { at, isInteger: spec.type === "integer" };
}

function specOf(estimator: Estimator, name: string): ParamSpec {
  if (!Object.hasOwn(estimator.params, name)) completeParams(estimator, { [name]: 0 });
  return estimator.params[name]!;
}

const badRange = (estimator: Estimator, name: string, expected: string, got: string) =>
  new MillError("learn.bad-parameter", `${estimator.name}.${name}: expected ${expected}, got ${got}.`, {
    at: `${estimator.name}.${name}`,
    expected,
    got,
    fix: "List the values to try, or give an interval that both ends bound.",
  });
