/** Whether a model is to be trained again, and why. Pure; everything counts in data time. */
import { DAY_MICROS, formatDay, formatMoment, parseDuration, startOfDay } from "../base/index.ts";
import { type DayReport, MEASURES, type MeasureInfo, type Task } from "../contract/index.ts";
import type { EndpointDefinition, RetrainTrigger } from "../define/index.ts";
import { LABELLED_MIN } from "./days-report.ts";

export interface TrainingFacts {
  readonly task: Task;
  /** The data clock, in microseconds. */
  readonly asOf: number;
  /** Data time of the newest row that the last training could know. */
  readonly trainedAsOf: number;
  /** Data time of the last attempt to retrain, however it ended; null before the first. */
  readonly triedAsOf: number | null;
  /** Rows that were fed since the last training. */
  readonly newRows: number;
  /** Days that were looked at, oldest first. */
  readonly days: readonly DayReport[];
  /** When rows came broken, in data time as text; `to` is null while they do. */
  readonly broken: readonly { readonly from: string | null; readonly to: string | null }[];
}

/** The reason in one sentence, or null: the first trigger that holds, in the order of the definition. */
export function dueRetraining(retrain: NonNullable<EndpointDefinition["retrain"]>, facts: TrainingFacts): string | null {
  const cool = facts.triedAsOf === null || facts.asOf - facts.triedAsOf >= parseDuration(retrain.cooldown);
  if (!cool) return null;
  const since = formatDay(Math.max(facts.trainedAsOf, facts.triedAsOf ?? 0));
  const days = facts.days.filter(({ day }) => day > since && !facts.broken.some((span) => touches(span, day)));
  for (const trigger of retrain.when) {
    const why = holds[trigger.when](trigger as never, facts, days);
    if (why !== null) return why;
  }
  return null;
}

/** A day tells of the 24 hours before its end too while it is under way: what was broken the day before still shows in it. */
const touches = ({ from, to }: TrainingFacts["broken"][number], day: string) =>
  (from === null || from.slice(0, 10) <= day) && (to === null || nextDay(to.slice(0, 10)) >= day);
const nextDay = (day: string) => formatDay(startOfDay(day) + DAY_MICROS);

type Holds = {
  readonly [W in RetrainTrigger["when"]]: (
    trigger: Extract<RetrainTrigger, { when: W }>,
    facts: TrainingFacts,
    days: readonly DayReport[],
  ) => string | null;
};

const holds: Holds = {
  every: ({ span }, { asOf, trainedAsOf }) =>
    asOf - trainedAsOf >= parseDuration(span)
      ? `${span} of data have passed since the newest row it was trained on (${formatMoment(trainedAsOf)})`
      : null,

  newRows: ({ count }, { newRows }) =>
    newRows >= count ? `${newRows.toLocaleString("en")} rows have come since the last training` : null,

  drift({ psi }, _, days) {
    for (const { day, drift } of days) {
      const passed = Object.entries(drift).filter(([, found]) => found.psi > Math.max(psi, found.bound));
      const [worst] = passed.sort(([, a], [, b]) => b.psi - a.psi);
      if (worst)
        return `${worst[0]} drifted on ${day}: PSI ${show(worst[1].psi)}, above ${show(psi)} and above any day of the reference (${show(worst[1].bound)})`;
    }
    return null;
  },

  metric({ measure, worseThan, from }, { task }, days) {
    const { better } = (MEASURES[task] as Readonly<Record<string, MeasureInfo>>)[measure]!;
    for (const day of days) {
      const found = measuredOn(day, measure, from);
      if (found === null) continue;
      if (better === "higher" ? found.value < worseThan : found.value > worseThan)
        return `${measure} was ${show(found.value)} on ${day.day} (${found.from}), worse than ${show(worseThan)}`;
    }
    return null;
  },
};

/** Realised where the labels have come, else estimated, unless one of them is asked for. */
function measuredOn(day: DayReport, measure: string, from: "realised" | "estimated" | undefined) {
  for (const source of from === undefined ? (["realised", "estimated"] as const) : [from]) {
    if (source === "realised" && from === undefined && day.labelled < day.rows * LABELLED_MIN) continue;
    const value = day[source]?.[measure]?.value;
    if (value !== null && value !== undefined) return { value, from: source };
  }
  return null;
}

const show = (value: number) => String(Number(value.toPrecision(3)));
