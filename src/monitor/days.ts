/**
 * Days of data time, each looked at when it is over and again whenever labels change it.
 *
 *     journals --seal--> days touched since the last look --+-> over for an hour --> report, findings, stored
 *                                                           +-> under way, 500 rows --> the same, and looked at again
 *
 * Drift of the day under way is that of the 24 hours up to now: only a whole turn of the clock can be held against whole days.
 */
import { createQueues, DAY_MICROS, type Digest, digestOfJson, formatDay, HOUR_MICROS } from "../base/index.ts";
import type { DayReport } from "../contract/index.ts";
import type { Lake } from "../lake/index.ts";
import type { Records, Statement } from "../ports/records/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import type { ModelVersion, Registry } from "../registry/index.ts";
import { feedbackOf, predictionsOf } from "../serve/index.ts";
import { addCounted, type Counted } from "./bins.ts";
import {
  driftFindings,
  type Groups,
  groupFindings,
  predictionDriftFindings,
  qualityFindings,
  strayGroups,
} from "./days-findings.ts";
import { type FeedbackCounts, type Log, openLog, PREDICTION } from "./days-log.ts";
import { type DayQuality, dayQuality, LABELLED_MIN } from "./days-report.ts";
import { type Drifted, driftOf, JUDGED_ROWS_MIN } from "./drift.ts";
import type { Finding } from "./finding.ts";
import type { Reference, References } from "./reference.ts";

export interface Days {
  /**
   * Seals the journals and looks at every day that is over or has changed since the last look; `untilMicros` is the data clock. The reports of these
   * days, oldest first, and what holds now: of the newest day that could be judged, for drift, for estimated and for realised quality.
   */
  scan(endpoint: { readonly name: string }, untilMicros: number): Promise<Scanned>;
  /** The newest `count`, oldest first. */
  reports(endpoint: string, count: number): Promise<DayReport[]>;
  /** Of what is sealed. */
  feedbackCounts(endpoint: string): Promise<FeedbackCounts>;
  /** Puts what a replay found into a day's report; false when there is no such day yet. */
  setParity(endpoint: string, day: string, parity: DayReport["parity"]): Promise<boolean>;
}

export interface Scanned {
  readonly reports: DayReport[];
  readonly findings: Finding[];
}

export interface DaysResources {
  readonly records: Records;
  readonly lake: Lake;
  readonly registry: Registry;
  readonly references: References;
  /** A fresh engine for one scan. */
  tables(): Tables;
  now(): number;
}

/** A day is over when the clock has passed its end by so much: what comes later still changes it. */
const GRACE_MICROS = HOUR_MICROS;
/** Where the last day begins that is over, in microseconds, by a data clock likewise. */
export const lastDayOver = (asOf: number): number => (Math.floor((asOf - GRACE_MICROS) / DAY_MICROS) - 1) * DAY_MICROS;
const UNDER_WAY_ROWS_MIN = 500;
/** Rows of so many days are gathered at once as have together no more than this. */
const BATCH_ROWS_MAX = 500_000;
/** A day that lacks more of its rows than this is no whole day. */
const MISSED_MAX = 0.05;
const VERSIONS_MAX = 1000;
/** A day's weekday, or its month, is one of many: it is unlike the reference by itself, and says nothing. 24 hours may have two. */
const CALENDAR_VALUES_MAX = 2;

/** What is stored of a day. */
interface Stored {
  readonly report: DayReport;
  readonly closed: boolean;
  readonly drift: readonly Finding[] | null;
  readonly estimated: readonly Finding[] | null;
  readonly realised: readonly Finding[] | null;
  /** Groups that make a finding if they are so on the next day too; null until the day's labels have come. */
  readonly groups: Groups | null;
}

/** How far the journals were looked through, and days that were touched and are not over. */
interface State {
  readonly predictions: number;
  readonly labels: number;
  readonly pending: readonly number[];
}

export function createDays({ records, lake, registry, references, tables, now }: DaysResources): Days {
  const inLine = createQueues();
  const counted = new Map<string, { readonly of: string; readonly counts: Promise<FeedbackCounts> }>();

  const withLog = async <T>(endpoint: string, use: (log: Log | null) => Promise<T>): Promise<T> => {
    const engine = tables();
    try {
      return await use(await openLog(lake, endpoint, engine));
    } finally {
      engine.close();
    }
  };

  const scan = async (endpoint: string, until: number): Promise<Scanned> => {
    await lake.seal(predictionsOf(endpoint));
    await lake.seal(feedbackOf(endpoint));
    const reports = await withLog(endpoint, async (log) => {
      if (log === null) return [];
      const { state, days } = await touched(log, await readState(records, endpoint));
      const sizes = await log.rowsOf(days);
      const today = Math.floor(until / DAY_MICROS);
      const isClosed = (day: number) => day * DAY_MICROS <= lastDayOver(until);
      const due = days.filter((day) => isClosed(day) || (day <= today && sizes.get(day)! >= UNDER_WAY_ROWS_MIN));
      const looked = await lookAt(endpoint, log, due, sizes, (day) => ({ closed: isClosed(day), until }));
      const pending = days.filter((day) => !isClosed(day));
      await records.commit([storeState(endpoint, { ...state, pending })]);
      return looked;
    });
    return { reports, findings: await holding(records, endpoint) };
  };

  /** Days are looked at, oldest first, and stored as soon as they are: an interrupted scan looks at them again. */
  const lookAt = async (
    endpoint: string,
    log: Log,
    days: readonly number[],
    sizes: ReadonlyMap<number, number>,
    standing: (day: number) => { readonly closed: boolean; readonly until: number },
  ): Promise<DayReport[]> => {
    const reports: DayReport[] = [];
    for (const group of await byMain(log, days)) {
      for (const batch of batches(group.days, sizes)) {
        const drifts = await countDays(log, group, batch, standing);
        await log.gather(batch, group);
        for (const day of batch) {
          const stored = await describeDay(log, group, day, standing(day).closed, drifts.get(day) ?? null, {
            before: await readDay(records, endpoint, nameOf(day - 1)),
            now: await readDay(records, endpoint, nameOf(day)),
          });
          await records.commit([storeDay(endpoint, stored, now())]);
          reports.push(stored.report);
        }
      }
    }
    return reports;
  };

  /** Days in a row that one version answered most of are read together. */
  const byMain = async (log: Log, days: readonly number[]): Promise<MainVersion[]> => {
    const groups: (Omit<MainVersion, "days"> & { readonly days: number[] })[] = [];
    for (const day of [...days].sort((a, b) => a - b)) {
      const versions = await log.versionsOf(day);
      const [main] = versions;
      const last = groups.at(-1);
      const known = last !== undefined && last.model === main!.model && last.version === main!.version;
      const group = known
        ? last
        : { ...(await mainVersion(main!)), days: [] as number[], versions: new Map<number, Answered[]>() };
      if (!known) groups.push(group);
      group.days.push(day);
      group.versions.set(day, versions);
    }
    for (const group of groups) await addReferences(group);
    return groups;
  };

  const mainVersion = async ({ model, version }: { model: string; version: number }) => {
    const found = await registry.version(model, version);
    const { task, classes } = await registry.manifest(found);
    const reference = await references.of(found);
    const groups = Object.keys(reference?.groups ?? {});
    const alike = await versionsAlike(found);
    return { model, version, alike, task, classes, reference, groups, references: new Map<string, Reference | null>() };
  };

  const fieldsOf = new Map<string, Digest>();
  /** Versions whose features mean the same: during a rollout the rows of both tell how a day was. */
  const versionsAlike = async ({ model, version }: ModelVersion): Promise<number[]> => {
    const versions = await registry.versions(model, { limit: VERSIONS_MAX });
    for (const one of versions) {
      const key = `${model}@${one.version}`;
      if (!fieldsOf.has(key)) fieldsOf.set(key, digestOfJson((await registry.manifest(one)).fields));
    }
    const own = fieldsOf.get(`${model}@${version}`);
    return versions.map((one) => one.version).filter((one) => one === version || fieldsOf.get(`${model}@${one}`) === own);
  };

  const addReferences = async (group: Pick<MainVersion, "versions" | "references">) => {
    for (const { model, version } of [...group.versions.values()].flat()) {
      const key = `${model}@${version}`;
      if (!group.references.has(key)) group.references.set(key, await references.of(await registry.version(model, version)));
    }
  };

  return {
    scan: ({ name }, untilMicros) => inLine(name, () => scan(name, untilMicros)),

    async reports(endpoint, count) {
      const rows = await records.query<{ report: string }>(
        "SELECT report FROM monitored_days WHERE endpoint = ? ORDER BY day DESC LIMIT ?",
        [endpoint, count],
      );
      return rows.map(({ report }) => (JSON.parse(report) as Stored).report).reverse();
    },

    async feedbackCounts(endpoint) {
      const heads = await Promise.all([lake.head(predictionsOf(endpoint)), lake.head(feedbackOf(endpoint))]);
      const of = heads.map((head) => head?.version ?? 0).join(" ");
      const known = counted.get(endpoint);
      if (known?.of === of) return known.counts;
      if (heads[1] === null) return NO_FEEDBACK;
      // All who ask meanwhile wait for one answer: it goes through the whole logs.
      const counts = withLog(endpoint, async (log) => (log ? log.counts() : NO_FEEDBACK));
      counted.set(endpoint, { of, counts });
      counts.catch(() => counted.delete(endpoint));
      return counts;
    },

    setParity: (endpoint, day, parity) =>
      inLine(endpoint, async () => {
        const stored = await readDay(records, endpoint, day);
        if (stored === null) return false;
        await records.commit([storeDay(endpoint, { ...stored, report: { ...stored.report, parity } }, now())]);
        return true;
      }),
  };
}

const NO_FEEDBACK: FeedbackCounts = { labels: 0, matched: 0, waiting: 0, corrected: 0, repeated: 0 };

type Answered = Awaited<ReturnType<Log["versionsOf"]>>[number];

interface MainVersion {
  readonly model: string;
  readonly version: number;
  /** It, and the versions whose features mean the same. */
  readonly alike: readonly number[];
  readonly task: DayQualityTask;
  readonly classes: readonly string[];
  readonly reference: Reference | null;
  readonly groups: readonly string[];
  readonly days: readonly number[];
  /** Who answered on each day, the commonest first. */
  readonly versions: Map<number, Answered[]>;
  /** Of all of them, by `MODEL@VERSION`. */
  readonly references: Map<string, Reference | null>;
}
type DayQualityTask = Parameters<typeof dayQuality>[0]["task"];

async function touched(log: Log, last: State): Promise<{ state: Omit<State, "pending">; days: number[] }> {
  const places = log.predictions < last.predictions || log.labels < last.labels ? START : last;
  const days = new Set([...last.pending, ...(await log.touchedSince(places))]);
  return { state: { predictions: log.predictions, labels: log.labels }, days: [...days].sort((a, b) => a - b) };
}

function* batches(days: readonly number[], sizes: ReadonlyMap<number, number>): Generator<number[]> {
  let batch: number[] = [];
  let rows = 0;
  for (const day of days) {
    const size = sizes.get(day) ?? 0;
    if (batch.length > 0 && rows + size > BATCH_ROWS_MAX) {
      yield batch;
      [batch, rows] = [[], 0];
    }
    batch.push(day);
    rows += size;
  }
  if (batch.length > 0) yield batch;
}

/** Counts by bin of the rows that each day's drift is judged by: its own, or of a day under way the last 24 hours'. Null reference: none. */
async function countDays(
  log: Log,
  { model, alike, reference }: MainVersion,
  days: readonly number[],
  standing: (day: number) => { readonly closed: boolean; readonly until: number },
): Promise<Map<number, Readonly<Record<string, Counted>>>> {
  const found = new Map<number, Readonly<Record<string, Counted>>>();
  if (reference === null || log.from === null) return found;
  const asked = { model, versions: alike, features: reference.features, prediction: reference.prediction };
  const closed = days.filter((day) => standing(day).closed && isWhole(day, log.from!, reference));
  if (closed.length > 0) {
    const [from, to] = [Math.min(...closed) * DAY_MICROS, (Math.max(...closed) + 1) * DAY_MICROS];
    const counted = await log.count({ ...asked, from, to });
    const rows = await log.rowsOf(closed);
    for (const day of closed) if (tells(counted.get(day), rows.get(day) ?? 0)) found.set(day, counted.get(day)!);
  }
  for (const day of days.filter((one) => !standing(one).closed)) {
    const { until } = standing(day);
    if (log.from > until - DAY_MICROS) continue;
    const parts = [...(await log.count({ ...asked, from: until - DAY_MICROS, to: until })).values()];
    const [first, ...rest] = parts;
    const sum = first && rest.reduce(addCounted, first);
    if (tells(sum, await log.rowsBetween(until - DAY_MICROS, until))) found.set(day, sum);
  }
  return found;
}

/** Rows that other features were computed for leave a hole in the day: too large a one, and what is left is unlike any whole day. */
function tells(
  counted: Readonly<Record<string, Counted>> | undefined,
  rows: number,
): counted is Readonly<Record<string, Counted>> {
  const seen = counted?.[PREDICTION]?.counts.reduce((sum, count) => sum + count, 0) ?? 0;
  return seen > 0 && seen >= rows * (1 - MISSED_MAX);
}

/** The log may begin in the middle of its first day, which then is unlike any whole one. */
function isWhole(day: number, from: number, { rate }: Reference): boolean {
  if (Math.floor(from / DAY_MICROS) !== day) return true;
  const hours = Math.floor((from - day * DAY_MICROS) / HOUR_MICROS);
  const total = rate.reduce((sum, { mean }) => sum + mean, 0);
  const missed = total > 0 ? rate.slice(0, hours).reduce((sum, { mean }) => sum + mean, 0) / total : hours / 24;
  return missed <= MISSED_MAX;
}

async function describeDay(
  log: Log,
  main: MainVersion,
  number: number,
  closed: boolean,
  counted: Readonly<Record<string, Counted>> | null,
  stored: { readonly before: Stored | null; readonly now: Stored | null },
): Promise<Stored> {
  const { reference, task, classes, groups } = main;
  const frame = await log.day(number);
  const quality = dayQuality({
    ...{ task, classes, frame, groups, reference },
    referenceOf: (version) => main.references.get(version) ?? null,
  });
  const day = nameOf(number);
  const { drift, predictionDrift } = judgeDrift(counted, reference);
  const report: DayReport = {
    day,
    rows: frame.rowCount,
    versions: main.versions.get(number)!.map(({ version, rows }) => ({ version, rows })),
    labelled: quality.labelled,
    drift,
    predictionDrift,
    ...reportOf(quality),
    parity: stored.now?.report.parity ?? null,
    findings: 0,
  };
  const isLabelled = closed && report.rows >= JUDGED_ROWS_MIN && quality.labelled >= LABELLED_MIN * report.rows;
  const isEnough = closed && report.rows >= JUDGED_ROWS_MIN && quality.estimated !== null;
  const found: Omit<Stored, "report"> = {
    closed,
    drift:
      counted === null || reference === null || predictionDrift === null
        ? null
        : [
            ...driftFindings(day, drift, counted, reference),
            ...predictionDriftFindings(day, predictionDrift, counted[PREDICTION]!, reference),
          ],
    estimated: reference === null || !isEnough ? null : qualityFindings("estimated", report, reference),
    realised:
      reference === null || !isLabelled
        ? null
        : [
            ...qualityFindings("realised", report, reference),
            ...groupFindings(day, quality.groups, beforeOf(stored.before), reference),
          ],
    groups: isLabelled && reference !== null ? strayGroups(quality.groups, reference) : null,
  };
  const findings = [found.drift, found.estimated, found.realised].reduce((sum, some) => sum + (some?.length ?? 0), 0);
  return { ...found, report: { ...report, findings } };
}

const beforeOf = (stored: Stored | null) =>
  stored?.groups ? { groups: stored.groups, held: new Set(stored.realised?.map(({ cause }) => cause)) } : null;

const reportOf = ({ estimated, realised, gain }: DayQuality) =>
  JSON.parse(JSON.stringify({ estimated, realised, gain })) as Pick<DayReport, "estimated" | "realised" | "gain">;

function judgeDrift(counted: Readonly<Record<string, Counted>> | null, reference: Reference | null) {
  if (counted === null || reference === null) return { drift: {}, predictionDrift: null };
  const drift: Record<string, Drifted> = {};
  for (const [feature, distribution] of Object.entries(reference.features)) {
    const { counts } = counted[feature]!;
    if (reference.calendar.includes(feature) && counts.filter((count) => count > 0).length <= CALENDAR_VALUES_MAX) continue;
    const judged = driftOf(distribution, counts, reference.rows);
    if (judged !== null) drift[feature] = judged;
  }
  return { drift, predictionDrift: driftOf(reference.prediction, counted[PREDICTION]!.counts, reference.rows) };
}

/** What holds: of each kind, what the newest day found that could be judged. */
async function holding(records: Records, endpoint: string): Promise<Finding[]> {
  const rows = await records.query<{ report: string }>(
    "SELECT report FROM monitored_days WHERE endpoint = ? ORDER BY day DESC LIMIT ?",
    [endpoint, LOOKED_BACK_DAYS],
  );
  const days = rows.map(({ report }) => JSON.parse(report) as Stored);
  return (["realised", "estimated", "drift"] as const).flatMap((kind) => days.find((day) => day[kind] !== null)?.[kind] ?? []);
}

/** Labels may be this late for what they tell to be found still. */
const LOOKED_BACK_DAYS = 60;

const nameOf = (day: number) => formatDay(day * DAY_MICROS);

async function readDay(records: Records, endpoint: string, day: string): Promise<Stored | null> {
  const [row] = await records.query<{ report: string }>("SELECT report FROM monitored_days WHERE endpoint = ? AND day = ?", [
    endpoint,
    day,
  ]);
  return row ? JSON.parse(row.report) : null;
}

const storeDay = (endpoint: string, stored: Stored, at: number): Statement => ({
  sql: `INSERT INTO monitored_days (endpoint, day, report, scanned_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (endpoint, day) DO UPDATE SET report = excluded.report, scanned_at = excluded.scanned_at`,
  params: [endpoint, stored.report.day, JSON.stringify(stored), at],
  rows: 1,
});

const START: State = { predictions: 0, labels: 0, pending: [] };

async function readState(records: Records, endpoint: string): Promise<State> {
  const [row] = await records.query<{ state: string }>("SELECT state FROM monitor_scans WHERE endpoint = ?", [endpoint]);
  return row ? JSON.parse(row.state) : START;
}

const storeState = (endpoint: string, state: State): Statement => ({
  sql: `INSERT INTO monitor_scans (endpoint, state) VALUES (?, ?) ON CONFLICT (endpoint) DO UPDATE SET state = excluded.state`,
  params: [endpoint, JSON.stringify(state)],
  rows: 1,
});
