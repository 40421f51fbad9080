import { didYouMean, MillError } from "../base/index.ts";
import type { NumberRange, ParamCheck, ParamSpec, ParamSpecs, Params, ParamValue } from "./estimator.ts";

/** An estimator or a transformer. */
export interface HasParams {
  readonly name: string;
  readonly params: ParamSpecs;
}

/**
 * Checks parameters against the estimator's table and fills in the defaults, in the order of the table.
 * Error (returned, not thrown): `learn.bad-parameter`.
 */
export function checkParams(estimator: HasParams, params: Params): ParamCheck {
  const { name, params: specs } = estimator;
  const bad = (detail: { at: string; expected: string; got: string; fix: string }): ParamCheck => ({
    ok: false,
    error: new MillError("learn.bad-parameter", `${detail.at}: expected ${detail.expected}, got ${detail.got}.`, detail),
  });
  for (const given of Object.keys(params))
    if (!Object.hasOwn(specs, given))
      return bad({
        at: `${name}.${given}`,
        expected: `one of ${Object.keys(specs).join(", ")}`,
        got: `a parameter "${given}"`,
        fix: `Remove it.${didYouMean(given, Object.keys(specs))}`,
      });
  const complete: Record<string, ParamValue> = {};
  for (const [key, spec] of Object.entries(specs)) {
    const value = params[key] ?? spec.default;
    if (!fits(value, spec))
      return bad({
        at: `${name}.${key}`,
        expected: expectation(spec),
        got: JSON.stringify(value) ?? String(value),
        fix: `${key}: ${spec.about}; the default is ${JSON.stringify(spec.default)}.`,
      });
    complete[key] = value as ParamValue;
  }
  return { ok: true, params: complete };
}

/** The complete parameters; throws `learn.bad-parameter`. */
export function completeParams(estimator: HasParams, params: Params): Params {
  const check = checkParams(estimator, params);
  if (!check.ok) throw check.error;
  return check.params;
}

function fits(value: unknown, spec: ParamSpec): boolean {
  switch (spec.type) {
    case "boolean":
      return typeof value === "boolean";
    case "choice":
      return typeof value === "string" && spec.choices.includes(value);
    case "by-name":
      return isRecord(value) && Object.values(value).every((number) => isWithin(number, spec.each));
    default:
      return isWithin(value, spec);
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isWithin(value: unknown, { type, min = -Infinity, max = Infinity, openMin = false, openMax = false }: Range): boolean {
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (type === "integer" && !Number.isInteger(value)) return false;
  return (openMax ? value < max : value <= max) && (openMin ? value > min : value >= min);
}

type Range = NumberRange & { readonly type: "integer" | "number" };

/** What a parameter takes, in words. */
export function expectation(spec: ParamSpec): string {
  switch (spec.type) {
    case "boolean":
      return "true or false";
    case "choice":
      return `one of ${spec.choices.map((choice) => JSON.stringify(choice)).join(", ")}`;
    case "by-name":
      return `an object with, for each name, ${rangeText(spec.each)}`;
    default:
      return rangeText(spec);
  }
}

function rangeText({ type, min, max, openMin = false, openMax = false }: Range): string {
  const low = min === undefined ? [] : [openMin ? `above ${min}` : `at least ${min}`];
  const high = max === undefined ? [] : [openMax ? `below ${max}` : `at most ${max}`];
  const kind = type === "integer" ? "an integer" : "a number";
  return [kind, [...low, ...high].join(" and ")].filter((part) => part !== "").join(" ");
}
