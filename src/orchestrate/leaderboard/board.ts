/** The models of a problem in order, those that none beats in everything, and what the best costs, in words. Pure. */
import { formatBytes, formatMicros, formatSpan } from "../../base/index.ts";
import type { OutputOf } from "../../contract/index.ts";

type Board = OutputOf<"getLeaderboard">;
export type Candidate = Omit<Board["models"][number], "front">;

export interface Quality {
  readonly measure: string;
  readonly better: "higher" | "lower";
}

interface Cost {
  /** null: not known. */
  of(candidate: Candidate): number | null;
  readonly words: string;
  text(value: number): string;
}

/** The less the better. */
export const COSTS = {
  latency: {
    of: ({ latency }) => latency?.medianMicros ?? null,
    words: "the quickest to answer",
    text: (micros) => `${formatMicros(micros)} a row`,
  },
  time: { of: ({ trainMs }) => trainMs, words: "the quickest to train", text: (ms) => `${formatSpan(ms)} of training` },
  memory: {
    of: ({ memoryBytes }) => memoryBytes,
    words: "trained in the least memory",
    text: (bytes) => `${formatBytes(bytes)} of memory`,
  },
  size: { of: ({ sizeBytes }) => sizeBytes, words: "the smallest", text: (bytes) => formatBytes(bytes) },
} as const satisfies Record<string, Cost>;
export type CostName = keyof typeof COSTS;

/** `by` is a cost, or the measure of `quality`. */
export function boardOf(
  candidates: readonly Candidate[],
  by: CostName | null,
  quality: Quality,
): Pick<Board, "models" | "sentence"> {
  const worth = by === null ? lossBy(quality) : (one: Candidate) => COSTS[by].of(one) ?? Number.POSITIVE_INFINITY;
  const ranked = [...candidates].sort(
    (a, b) => difference(worth(a), worth(b)) || a.model.localeCompare(b.model) || b.version - a.version,
  );
  const passed = ranked.filter(({ standing }) => standing !== "refused");
  const front = frontOf(passed, quality);
  return {
    models: ranked.map((one) => ({ ...one, front: front.has(one) })),
    sentence: [sentenceOf(passed, by, quality), rowsText(passed)].filter(Boolean).join(" "),
  };
}

/** Two that are not known are equal. */
const difference = (a: number, b: number) => (a === b ? 0 : a - b);

/** Lower is better; what is not known is worse than anything. */
const lossBy =
  ({ measure, better }: Quality) =>
  ({ measures }: Candidate): number => {
    const value = measures[measure] ?? null;
    return value === null ? Number.POSITIVE_INFINITY : better === "higher" ? -value : value;
  };

const byLoss = (quality: Quality) => {
  const loss = lossBy(quality);
  return (a: Candidate, b: Candidate) => difference(loss(a), loss(b));
};

const FRONT = ["time", "latency", "size"] as const satisfies readonly CostName[];

/** Those that no other equals in quality, time, latency and size and beats in one of them. */
export function frontOf(candidates: readonly Candidate[], quality: Quality): ReadonlySet<Candidate> {
  const loss = lossBy(quality);
  const points = candidates.map((one) => [loss(one), ...FRONT.map((name) => COSTS[name].of(one) ?? Number.POSITIVE_INFINITY)]);
  const beats = (a: readonly number[], b: readonly number[]) =>
    a.every((value, at) => value <= b[at]!) && a.some((value, at) => value < b[at]!);
  return new Set(candidates.filter((_, index) => !points.some((other) => beats(other, points[index]!))));
}

function sentenceOf(passed: readonly Candidate[], by: CostName | null, quality: Quality): string {
  const [first] = passed;
  if (first === undefined) return "No model that solves it has passed its gate.";
  const loss = lossBy(quality);
  const best = passed.reduce((a, b) => (loss(b) < loss(a) ? b : a));
  if (by === null || passed.length === 1) return `${bestText(best, quality)} ${rivalText(best, passed, quality)}`.trim();
  const beside =
    best === first
      ? "no other is better in it"
      : `the best, ${best.model}, has ${valueText(best, quality)} at ${costsText(best, by)}`;
  return `${first.model} is ${COSTS[by].words}, at ${costsText(first, by)}; its ${quality.measure} on test is ${valueText(first, quality)}, ${beside}.`;
}

const bestText = (best: Candidate, quality: Quality) =>
  `${best.model} has the ${quality.better === "higher" ? "highest" : "lowest"} ${quality.measure} on test, ${valueText(best, quality)}, at ${costsText(best)}, under ${licenseText(best)}.`;

/** The quickest of those that the rows cannot tell from the best, or, where nobody knows how sure they are, the next one. */
function rivalText(best: Candidate, passed: readonly Candidate[], quality: Quality): string {
  const others = passed.filter((one) => one !== best).sort(byLoss(quality));
  if (others.length === 0) return "No other has passed its gate.";
  const said = (rival: Candidate, how: string) =>
    `${rival.model}, ${valueText(rival, quality)}, ${how}, at ${costsText(rival)}, under ${licenseText(rival)}.`;
  const interval = best.intervals[quality.measure];
  if (interval === undefined) return said(others[0]!, "comes next");
  const near = others.filter(({ measures }) => {
    const value = measures[quality.measure] ?? Number.NaN;
    return value >= interval[0]! && value <= interval[1]!;
  });
  if (near.length === 0) return said(others[0]!, "comes next, outside of that interval");
  const more = near.length > 1 ? ` (as do ${near.length - 1} more)` : "";
  return said(near.sort((a, b) => difference(latencyOf(a), latencyOf(b)))[0]!, `comes within that interval${more}`);
}

const latencyOf = (one: Candidate) => COSTS.latency.of(one) ?? Number.POSITIVE_INFINITY;

function valueText({ measures, intervals }: Candidate, { measure }: Quality): string {
  const value = measures[measure] ?? null;
  const interval = intervals[measure];
  if (value === null) return "not defined";
  return `${short(value)}${interval ? ` (${interval.map(short).join(" to ")})` : ""}`;
}

const short = (value: number) => String(Number(value.toPrecision(4)));

/** `1.2 s of training, 5.1 us a row and 20 KB`; with `by` where that is another cost. */
function costsText(candidate: Candidate, by: CostName | null = null): string {
  const known = [...new Set([...FRONT, ...(by === null ? [] : [by])])].flatMap((name) => {
    const value = COSTS[name].of(candidate);
    return value === null ? [] : COSTS[name].text(value);
  });
  return [known.slice(0, -1).join(", "), known.at(-1)].filter(Boolean).join(" and ");
}

const licenseText = ({ license, licensedBy, packages }: Candidate) =>
  packages.length === 0
    ? `${license} and without a dependency`
    : `${license} (${licensedBy}, the strictest of ${packages.length} ${packages.length === 1 ? "package" : "packages"})`;

/** Of a split that grew, or of another data set, a measure says something else. */
function rowsText(passed: readonly Candidate[]): string {
  const measuredOn = ({ dataset, rows }: Candidate) => `${rows} rows of ${dataset.name}, version ${dataset.version}`;
  const groups = [...Map.groupBy(passed, measuredOn)];
  if (groups.length < 2) return "";
  const told = groups.map(([on, some]) => `${some.map(({ model }) => model).join(", ")} on ${on}`);
  return `They were not measured on the same rows: ${told.join("; ")}.`;
}
