import { type Duration, MillError, parseDuration } from "../base/index.ts";
import { parseCron } from "./cron-ticks.ts";
import {
  type DatasetDefinition,
  type EndpointDefinition,
  KIND,
  type Kind,
  type ModelDefinition,
  type ScheduleCondition,
  type ScheduleDefinition,
} from "./definitions.ts";
import { definitionName, definitionOf, duration, fieldsOf, list, oneOf, optionalText, text, within, wrong } from "./options.ts";

/** What can be made: an endpoint stands for its model. */
export type Runnable = DatasetDefinition | ModelDefinition | EndpointDefinition;

export interface ScheduleOptions {
  /** What is made, with all that it is made from. */
  readonly runs: readonly Runnable[];
  /** Any of them starts a run; one run of a schedule at a time. */
  readonly when: readonly ScheduleCondition[];
  /** Version of the definitions that its runs go by, as `mill definitions list` names them; default: what mill.ts says when one starts. */
  readonly definitions?: string | undefined;
}

export interface CronOptions {
  /** Of the IANA database, as in `Europe/Berlin`; default `UTC`. */
  readonly timeZone?: string | undefined;
  /** Whether ticks that were missed are made good by one run; default true. */
  readonly catchUp?: boolean | undefined;
}

/** When something is run by itself while the platform is up. Errors: `define.*`, `value.cron`, `value.duration`, naming the field. */
export function schedule(name: string, options: ScheduleOptions): ScheduleDefinition;
export function schedule(name: unknown, options: unknown): ScheduleDefinition {
  const at = `schedule "${definitionName("schedule", name)}"`;
  const given = fieldsOf(at, options, ["runs", "when", "definitions"]);
  const runs = list(`${at}: runs`, given.runs).map((one, i) => readRunnable(`${at}: runs[${i}]`, one));
  if (runs.length === 0) wrong(`${at}: runs`, "at least one data set, model or endpoint", given.runs);
  const when = list(`${at}: when`, given.when).map((one, i) => readCondition(`${at}: when[${i}]`, one));
  if (when.length === 0)
    wrong(`${at}: when`, 'at least one of cron("0 3 * * *"), newSources(), olderThan("7d") and published(...)', []);
  for (const condition of when) if (condition.when === "published") refuseItself(at, condition.of, runs);
  const definitions = optionalText(`${at}: definitions`, given.definitions);
  if (definitions !== undefined && !/^[0-9a-f]{8,64}$/.test(definitions))
    wrong(`${at}: definitions`, "8 or more digits of a version, as `mill definitions list` names them", definitions);
  return Object.freeze({
    ...{ [KIND]: "schedule" as const, name: name as string, runs, when },
    ...(definitions !== undefined && { definitions }),
  });
}

/** At a time of the wall clock: minute, hour, day of the month, month, day of the week, as in `cron("0 3 * * *", { timeZone: "Europe/Berlin" })`. */
export function cron(pattern: string, options: CronOptions = {}): Extract<ScheduleCondition, { when: "cron" }> {
  const { timeZone = "UTC", catchUp = true } = fieldsOf("cron", options, ["timeZone", "catchUp"]);
  const written = text("cron", pattern);
  const zone = text("cron: timeZone", timeZone);
  parseCron(written, zone);
  if (typeof catchUp !== "boolean") wrong("cron: catchUp", "true or false", catchUp);
  return Object.freeze({ when: "cron", cron: written, timeZone: zone, catchUp: catchUp as boolean });
}

/** When files behind the data sets have changed and stay as they are; they are looked at every `every`, 30 s by default. */
export function newSources(
  options: { readonly every?: Duration | undefined } = {},
): Extract<ScheduleCondition, { when: "newSources" }> {
  const { every = "30s" } = fieldsOf("newSources", options, ["every"]);
  const span = duration("newSources: every", every);
  if (parseDuration(span) < 1e6) wrong("newSources: every", 'a span of at least "1s"', every);
  return Object.freeze({ when: "newSources", every: span });
}

/** When the newest version of anything that it runs is older than this, in wall time, and nothing was tried for so long. */
export const olderThan = (span: Duration): Extract<ScheduleCondition, { when: "olderThan" }> =>
  Object.freeze({ when: "olderThan", span: duration("olderThan", span) });

/** When a data set or a model has got a new version. */
export const published = (of: DatasetDefinition | ModelDefinition): Extract<ScheduleCondition, { when: "published" }> =>
  Object.freeze({ when: "published", of: readPublished("published", of) });

type Options = Readonly<Record<string, unknown>>;

const readers: Readonly<Record<ScheduleCondition["when"], (options: Options) => ScheduleCondition>> = {
  cron: ({ cron: pattern, timeZone, catchUp }) => cron(pattern as string, { timeZone, catchUp } as CronOptions),
  newSources: ({ every }) => newSources({ every: every as Duration }),
  olderThan: ({ span }) => olderThan(span as Duration),
  published: ({ of }) => published(of as DatasetDefinition),
};

function readCondition(at: string, given: unknown): ScheduleCondition {
  const { when, ...options } = fieldsOf(at, given, ["when", "cron", "timeZone", "catchUp", "every", "span", "of"]);
  const word = oneOf(`${at}: when`, when, ["cron", "newSources", "olderThan", "published"]);
  return within(at, () => readers[word](options));
}

const kindOf = (given: unknown) => (typeof given === "object" && given !== null ? (given as { [KIND]?: Kind })[KIND] : undefined);

function readRunnable(at: string, given: unknown): Runnable {
  const kind = kindOf(given);
  return definitionOf<Runnable>(at, given, kind === "dataset" || kind === "endpoint" ? kind : "model");
}

const readPublished = (at: string, given: unknown) =>
  definitionOf<DatasetDefinition | ModelDefinition>(at, given, kindOf(given) === "dataset" ? "dataset" : "model");

function refuseItself(at: string, of: DatasetDefinition | ModelDefinition, runs: readonly Runnable[]): void {
  if (!runs.some((one) => one === of || (one[KIND] === "endpoint" && one.serves === of))) return;
  throw new MillError("define.bad-value", `${at}: what it runs publishes ${of[KIND]} "${of.name}", and would start it again.`, {
    at: `${at}: when`,
    expected: "published(...) of something that it is made from",
    got: `published(${of.name})`,
    fix: "Name a data set or model that another schedule, or a person, makes.",
  });
}
