/**
 * The watch on the live feed: sees every request, event and refusal in memory as it passes, and says what is broken while it is.
 *
 *     request -> columns: nulls, strangers, constants      refusal -> by field or check       event -> lag, late     nothing -> silence
 *
 * Sound traffic passes each test with one false alarm in 1e8 rows at most (`watch-sequential.ts`). State is bounded, per endpoint, and in
 * memory alone: after a restart the watch begins anew, while the alerts it opened are on record and close when it finds nothing.
 * What an endpoint's rows are held against is the reference of the version that answered; until that is known, columns are not judged.
 */
import { MINUTE_MICROS, type MillError } from "../base/index.ts";
import type { Answered, Door, Watcher } from "../serve/index.ts";
import type { Finding } from "./finding.ts";
import type { Reference } from "./reference.ts";
import { type ColumnCheck, type ColumnWatch, columnChecks, createColumnWatch } from "./watch-columns.ts";
import { createFlowWatch } from "./watch-flow.ts";
import { createRefusalWatch } from "./watch-refusals.ts";

export interface Watch extends Watcher {
  /** What is wrong now, what matters most first. */
  findings(endpoint: string): Finding[];
  /** Told when something has begun or ceased to be wrong, within a minute of data and a few refusals: a replay may pass hours between two looks. */
  onChange(listener: (endpoint: string) => void): void;
}

export interface WatchResources {
  /** Without waiting; null until it is known. */
  referenceOf(endpoint: string, version: number): Reference | null;
  /** Wall clock, milliseconds since 1970. */
  now(): number;
}

/** Rows that must be logged again for a loss to be over. */
const LOSS_SOUND = 50;
const LOOK_REFUSALS = 5;
/** A column that no row has brought for so long is not asked for any more. */
const COLUMN_GONE = 1000;

export function createWatch({ referenceOf, now }: WatchResources): Watch {
  const watched = new Map<string, EndpointWatch>();
  const listeners: ((endpoint: string) => void)[] = [];
  const checks = new WeakMap<Reference, readonly ColumnCheck[]>();

  const checksOf = (reference: Reference): readonly ColumnCheck[] => {
    const made = checks.get(reference) ?? columnChecks(reference);
    checks.set(reference, made);
    return made;
  };
  const of = (endpoint: string): EndpointWatch => {
    const found = watched.get(endpoint) ?? createEndpointWatch();
    watched.set(endpoint, found);
    return found;
  };

  const tellChange = (endpoint: string) => {
    if (listeners.length > 0 && of(endpoint).hasChanged(now())) for (const listener of listeners) listener(endpoint);
  };

  return {
    predicted(endpoint, asked) {
      const reference = referenceOf(endpoint, asked.version);
      of(endpoint).predicted(asked, reference, reference === null ? [] : checksOf(reference), now());
      tellChange(endpoint);
    },
    refused(endpoint, door, _rows, error) {
      of(endpoint).refused(door, error, now());
      tellChange(endpoint);
    },
    fed: (endpoint, rows, times) => of(endpoint).fed(rows, times),
    lost: (endpoint, rows, error) => of(endpoint).lost(rows, error),
    findings: (endpoint) => watched.get(endpoint)?.findings(now()) ?? [],
    onChange: (listener) => void listeners.push(listener),
  };
}

type EndpointWatch = ReturnType<typeof createEndpointWatch>;

function createEndpointWatch() {
  const columns = new Map<string, { readonly watch: ColumnWatch; seenAt: number }>();
  const flow = createFlowWatch();
  const refusals = createRefusalWatch();
  const loss = createLoss();
  let known: readonly string[] = [];
  let outcomes: readonly string[] = [];
  let knownOf: unknown = null;
  let rowCount = 0;
  let asOf: number | null = null;
  let previous: { readonly row: Record<string, unknown>; readonly time: number } | null = null;
  let lookedMinute: number | null = null;
  let refusedSince = 0;
  let causes = "";

  const learnShape = ({ endpoint }: Answered) => {
    if (knownOf === endpoint) return;
    knownOf = endpoint;
    known = Object.keys(endpoint.manifest.dataset.columns);
    outcomes = Object.keys(endpoint.manifest.dataset.outcomes);
  };

  /** Which rows are the row before, sent again: a retry or a probe, no news. */
  const repetitions = (rows: readonly Record<string, unknown>[], times: readonly number[]): boolean[] =>
    rows.map((row, index) => {
      const before = previous;
      previous = { row, time: times[index]! };
      return before !== null && before.time === previous.time && Object.keys(row).every((name) => row[name] === before.row[name]);
    });

  const columnWatch = (name: string) => {
    const found = columns.get(name) ?? { watch: createColumnWatch(), seenAt: 0 };
    columns.set(name, found);
    found.seenAt = rowCount;
    return found.watch;
  };

  return {
    predicted(asked: Answered, reference: Reference | null, checks: readonly ColumnCheck[], nowMs: number) {
      learnShape(asked);
      const { times } = asked;
      const rows = asked.rows as readonly Record<string, unknown>[];
      if (rows.length === 0) return;
      const moment = times.reduce((greatest, time) => Math.max(greatest, time), times[0]!);
      asOf = moment;
      rowCount += rows.length;
      const repeated = repetitions(rows, times);
      for (const check of checks)
        columnWatch(check.name).see(
          check,
          rows.map((row) => row[check.name]),
          repeated,
          moment,
        );
      flow.answered(times, nowMs, reference?.rate ?? null);
      refusals.accepted("predict", rows.length, moment);
      refusals.accepted("feedback", rows.length, moment); // as many labels are expected: an accepted one is not told to the watch
      loss.answered(rows.length);
    },
    refused(door: Door, error: MillError, nowMs: number) {
      refusals.refused(door, error, known, asOf);
      if (door !== "feedback") flow.refused(door, nowMs);
      refusedSince++;
    },
    fed(rows: number, times: readonly (number | null)[]) {
      flow.fed(times);
      refusals.accepted("events", rows, asOf);
    },
    lost: loss.lost,
    /** Whether other things are wrong than when it was last looked, which is once a minute of data. */
    hasChanged(nowMs: number): boolean {
      const minute = asOf === null ? null : Math.floor(asOf / MINUTE_MICROS);
      if (minute === lookedMinute && refusedSince < LOOK_REFUSALS) return false;
      lookedMinute = minute;
      refusedSince = 0;
      const before = causes;
      causes = findings(nowMs)
        .map(({ cause }) => cause)
        .sort()
        .join(" ");
      return causes !== before;
    },
    findings,
  };

  function findings(nowMs: number): Finding[] {
    for (const [name, { seenAt }] of columns) if (rowCount - seenAt > COLUMN_GONE) columns.delete(name);
    return [
      ...[loss.finding()].filter((one) => one !== null),
      ...[
        ...refusals.findings(),
        ...[...columns.values()].map(({ watch }) => watch.finding()).filter((one) => one !== null),
        ...flow.findings(nowMs, outcomes),
      ].sort((a, b) => b.severity - a.severity),
    ];
  }
}

/** Predictions that went out and could not be written down. */
function createLoss() {
  let rows = 0;
  let sinceLoss = 0;
  let why: MillError | null = null;
  return {
    answered(count: number) {
      if (sinceLoss >= LOSS_SOUND) rows = 0;
      sinceLoss += count; // whether these are written down is told after
    },
    lost(count: number, error: MillError) {
      rows += count;
      sinceLoss = 0;
      why = error;
    },
    finding: (): Finding | null =>
      rows === 0
        ? null
        : {
            cause: "loss/predictions",
            kind: "loss",
            severity: 1,
            columns: [],
            sentence: `${rows} predictions were answered but could not be written down (${why?.code})`,
            detail: { rows, error: why?.message ?? null },
          },
  };
}
