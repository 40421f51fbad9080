/**
 * What of a day is wrong. Few measures are judged, and only to the worse: those that tell whether the model is as good as it was, not those that
 * follow from how often something happens: on a day of storms more is predicted wrong by any model, but the ranking and the stated shares hold.
 */
import type { DayReport, Task } from "../contract/index.ts";
import { MEASURES, type MeasureInfo } from "../contract/index.ts";
import type { Counted } from "./bins.ts";
import type { Drifted } from "./drift.ts";
import type { Finding } from "./finding.ts";
import { type Group, lasting } from "./realised-groups.ts";
import type { Band, GroupResiduals, Reference } from "./reference.ts";
import { decimal, percent, shiftInWords } from "./words.ts";

const REALISED: Readonly<Record<Task, readonly string[]>> = {
  "binary-classification": ["auc", "calibrationError", "gain"],
  "multiclass-classification": ["accuracy", "logLoss"],
  regression: ["mae", "rmse"],
};
const ESTIMATED: Readonly<Record<Task, readonly string[]>> = {
  "binary-classification": ["auc", "gain"],
  "multiclass-classification": ["accuracy"],
  regression: [],
};

export function driftFindings(
  day: string,
  drift: Readonly<Record<string, Drifted>>,
  counted: Readonly<Record<string, Counted>>,
  { features, importance, reads }: Reference,
): Finding[] {
  return Object.entries(drift).flatMap(([feature, { psi, bound }]) => {
    if (psi <= bound) return [];
    const shift = shiftInWords(features[feature]!, counted[feature]!);
    return [
      {
        ...{ cause: `drift/${feature}`, kind: "drift" as const, columns: reads[feature] ?? [] },
        severity: importance[feature]! * Math.min(1, psi / bound / 4),
        sentence: `${feature} drifted on ${day}: PSI ${decimal(psi)}, above ${decimal(bound)}, which no day of the reference comes to (${shift})`,
        detail: { day, feature, psi, bound },
      },
    ];
  });
}

export function predictionDriftFindings(
  day: string,
  { psi, bound }: Drifted,
  counted: Counted,
  { prediction }: Reference,
): Finding[] {
  if (psi <= bound) return [];
  return [
    {
      ...{ cause: "drift/predictions", kind: "drift" as const, columns: [], severity: Math.min(1, psi / bound / 4) },
      sentence: `The predictions drifted on ${day}: PSI ${decimal(psi)}, above ${decimal(bound)}, which no day of the reference comes to (${shiftInWords(prediction, counted)})`,
      detail: { day, psi, bound },
    },
  ];
}

/** Estimated or realised measures that are worse than the band, their whole interval. */
export function qualityFindings(
  which: "estimated" | "realised",
  { day, rows, ...report }: DayReport,
  { task, quality, estimated }: Reference,
): Finding[] {
  const [bands, judged, prefix] =
    which === "estimated" ? ([estimated, ESTIMATED, "quality/estimated/"] as const) : ([quality, REALISED, "quality/"] as const);
  return judged[task].flatMap((measure) => {
    const [found, band] = [report[which]?.[measure], bands[measure]];
    if (!found || !band || found.value === null) return [];
    const { better } = (MEASURES[task] as Readonly<Record<string, MeasureInfo>>)[measure]!;
    const nearest = better === "higher" ? (found.interval?.[1] ?? found.value) : (found.interval?.[0] ?? found.value);
    const beyond = better === "higher" ? band.low - nearest : nearest - band.high;
    if (beyond <= 0) return [];
    const bound = better === "higher" ? `below ${decimal(band.low)}` : `above ${decimal(band.high)}`;
    return [
      {
        ...{ cause: `${prefix}${measure}`, kind: "quality" as const, columns: [], severity: severityOf(beyond, band) },
        sentence: `${measure} ${which === "estimated" ? "is estimated at" : "was"} ${decimal(found.value)} on ${day} over ${rows.toLocaleString("en")} predictions, ${bound}: worse than a day of the reference is (${decimal(band.mean)} on average)`,
        detail: {
          day,
          measure,
          value: found.value,
          low: band.low,
          high: band.high,
          interval: found.interval ? [...found.interval] : null,
        },
      },
    ];
  });
}

/** Half from the start, and all at three standard deviations beyond the band. */
const severityOf = (beyond: number, { sd, mean }: Band) =>
  Math.min(1, 0.5 + beyond / (6 * Math.max(sd, Math.abs(mean) * 1e-3, 1e-12)));

/** So much more than the reference's groups ever were: for one day, and for two days in a row. */
const ONE_DAY = 2;
const TWO_DAYS = 1.25;
/** Shares that differ by less need no one's attention. */
const SHARE_MIN = 0.05;
/** Of the groups that are told, so many may be chance (Benjamini and Hochberg, 1995). */
const FALSE_SHARE = 0.01;
/** More groups of one feature are one finding. */
const GROUPS_TOLD_MAX = 5;

export type Groups = Readonly<Record<string, readonly Group[]>>;

/** Below this a group is none that the next day could make a finding of. */
const lastingBound = ({ worst, lasting }: GroupResiduals, { task }: Reference) =>
  Math.max(task === "regression" ? 0 : SHARE_MIN, TWO_DAYS * (lasting || worst));

/** The groups that are far enough off to be looked for on the next day. */
export const strayGroups = (groups: Groups, reference: Reference): Groups =>
  Object.fromEntries(
    Object.entries(groups).map(([feature, all]) => {
      const known = reference.groups[feature];
      return [feature, known ? all.filter(({ residual }) => Math.abs(residual) > lastingBound(known, reference)) : []];
    }),
  );

/**
 * Groups whose labels and predictions fell further apart than the reference's groups did. What lasts one day only (a storm over one airport) must be
 * much greater than what lasts two. Each group is a test, and there are hundreds: so the false discovery rate is held.
 * `held`: causes that the day before found; a group among them is found again as long as it is further off than any was for two days.
 */
export function groupFindings(
  day: string,
  groups: Groups,
  before: { readonly groups: Groups; readonly held: ReadonlySet<string> } | null,
  reference: Reference,
): Finding[] {
  const chances = reference.task !== "regression";
  const tests = Object.entries(groups).flatMap(([feature, now]) => {
    const known = reference.groups[feature];
    if (known === undefined) return [];
    const one = Math.max(chances ? SHARE_MIN : 0, ONE_DAY * known.worst);
    const two = lastingBound(known, reference);
    return now.map((group) => {
      const earlier = before?.groups[feature]?.find(({ value }) => value === group.value);
      const shared = earlier ? Math.abs(lasting(earlier, group)) - two : Number.NEGATIVE_INFINITY;
      const [far, sd] = [Math.abs(group.residual) - one, Math.max(group.sd, earlier?.sd ?? 0, 1e-12)];
      const isHeld = before?.held.has(causeOf(feature, group)) === true && Math.abs(group.residual) > two / TWO_DAYS;
      return { feature, group, days: shared >= far ? 2 : 1, p: isHeld ? 0 : upperTail(Math.max(far, shared) / sd) };
    });
  });
  const told = falseDiscoveries(tests, FALSE_SHARE).sort((a, b) => Math.abs(b.group.residual) - Math.abs(a.group.residual));
  const counts = new Map<string, number>();
  return told.flatMap(({ feature, group, days }) => {
    const nth = (counts.get(feature) ?? 0) + 1;
    counts.set(feature, nth);
    if (nth > GROUPS_TOLD_MAX) return [];
    const { value, rows, happened, expected, residual } = group;
    const show = chances ? percent : decimal;
    const what = { "binary-classification": "true", "multiclass-classification": "right", regression: "on average" }[
      reference.task
    ];
    return [
      {
        ...{ cause: causeOf(feature, group), kind: "quality" as const, columns: reference.reads[feature] ?? [] },
        severity: Math.min(1, chances ? Math.abs(residual) : 0.5),
        sentence: `Rows with ${feature} "${value}" were ${what} ${show(happened)}${chances ? " of the time" : ""} on ${day}, predicted ${show(expected)}${days === 2 ? ", and off the day before too" : ""} (${rows.toLocaleString("en")} rows): further apart than any such group was in the reference`,
        detail: { day, feature, value, rows, happened, expected, days },
      },
    ];
  });
}

const causeOf = (feature: string, { value }: Group) => `quality/group/${feature}=${value}`;

/** The tests that stand when so many of those that do may be false: all up to the greatest rank k with p(k) <= share k / n. */
function falseDiscoveries<T extends { readonly p: number }>(tests: readonly T[], share: number): T[] {
  const rising = [...tests].sort((a, b) => a.p - b.p);
  return rising.slice(0, rising.findLastIndex(({ p }, at) => p <= (share * (at + 1)) / tests.length) + 1);
}

/** Chance that a standard normal draw is greater, to about 1e-7 (Abramowitz and Stegun, 26.2.17). */
function upperTail(z: number): number {
  if (z === Number.NEGATIVE_INFINITY) return 1;
  if (z < 0) return 1 - upperTail(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const sum = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}
