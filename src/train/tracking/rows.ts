/**
 * How changes and rows lie in the records.
 *
 *     tracking_state         last: how often anything changed; folded: up to which change the rows are
 *     tracking_log           changes of one group of writers, as JSON, with their points; its number is that of its last change
 *     tracking_experiments   as of some change: one change that makes it what it is
 *     tracking_runs          likewise, with its latest metrics as a batch
 *     tracking_chunks        points of a run that are no longer in the log
 */
import type { Records, Statement } from "../../ports/records/index.ts";
import type { Change, ExperimentChange, RunPatch } from "./change.ts";
import { createBatch, decodeBatches, encodeBatches, type PointBatch } from "./points.ts";
import { contentsOf, type ExperimentState, type Lifecycle, type RunState } from "./state.ts";
import type { Metric } from "./tracking.ts";

export interface Logged {
  readonly change: Change;
  readonly batch: PointBatch | null;
}

export interface Standing {
  readonly last: number;
  readonly folded: number;
}

/** Null: nothing was ever written. */
export async function readStanding(records: Records): Promise<Standing | null> {
  const [row] = await records.query<Standing>("SELECT last, folded FROM tracking_state WHERE id = 1");
  return row ?? null;
}

export const firstStanding: Statement = {
  sql: "INSERT INTO tracking_state (id, last, folded) VALUES (1, 0, 0) ON CONFLICT (id) DO NOTHING",
};

/** Holds only where nothing was written since `from`. */
export function appendStatements(from: number, group: readonly Logged[]): Statement[] {
  const last = from + group.length;
  const batches = group.flatMap(({ batch }) => (batch ? [batch] : []));
  return [
    { sql: "UPDATE tracking_state SET last = ? WHERE id = 1 AND last = ?", params: [last, from], rows: 1 },
    {
      sql: "INSERT INTO tracking_log (last, changes, points) VALUES (?, ?, ?)",
      params: [last, JSON.stringify(group.map(({ change }) => change)), batches.length > 0 ? encodeBatches(batches) : null],
      rows: 1,
    },
  ];
}

const LOG_PAGE = 64;

/** Groups behind a change, at most 64 of them. */
export async function readLog(records: Records, after: number): Promise<{ readonly last: number; readonly group: Logged[] }[]> {
  const rows = await records.query<{ last: number; changes: string; points: Uint8Array | null }>(
    `SELECT last, changes, points FROM tracking_log WHERE last > ? ORDER BY last LIMIT ${LOG_PAGE}`,
    [after],
  );
  return rows.map(({ last, changes, points }) => {
    const all = JSON.parse(changes) as Change[];
    const batches = decodeBatches(
      points ?? new Uint8Array(),
      all.flatMap((change) => ("run" in change && change.metrics ? [change.metrics] : [])),
    );
    let next = 0;
    return { last, group: all.map((change) => ({ change, batch: "run" in change && change.metrics ? batches[next++]! : null })) };
  });
}

interface ExperimentRow extends Omit<ExperimentChange, "deletedAt"> {
  readonly lifecycle: Lifecycle;
}

interface RunRow extends Omit<RunPatch, "deletedAt"> {
  readonly lifecycle: Lifecycle;
}

export function experimentStatement(experiment: ExperimentState, change: number): Statement {
  const { id, name, artifactLocation, createdAt, updatedAt, lifecycle, tags } = experiment;
  const content: ExperimentRow = experiment.purged
    ? { experiment: id, lifecycle, tags: [], purged: true }
    : { experiment: id, name, artifactLocation, createdAt, updatedAt, lifecycle, tags: [...tags] };
  return {
    sql: `INSERT INTO tracking_experiments (id, change, content) VALUES (?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET change = excluded.change, content = excluded.content`,
    params: [id, change, JSON.stringify(content)],
  };
}

export function runStatement(run: RunState, change: number): Statement {
  const { id, experiment, name, userId, status, startedAt, endedAt, lifecycle, datasets, modelInputs, modelOutputs } = run;
  if (run.purged) return putRun({ run: id, experimentId: experiment.id, lifecycle, purged: true }, change, null);
  const { params, tags, metrics } = contentsOf(run);
  const content: RunRow = {
    run: id,
    experimentId: experiment.id,
    ...{ name, userId, status, startedAt, lifecycle },
    ...(endedAt !== null && { endedAt }),
    ...{ params, tags },
    ...(datasets.length > 0 && { datasets }),
    ...(modelInputs.length > 0 && { modelInputs }),
    ...(modelOutputs.length > 0 && { modelOutputs }),
    metrics: metrics.map(({ key }) => key),
  };
  return putRun(content, change, metrics.length > 0 ? encodeBatches([batchOf(metrics)]) : null);
}

const putRun = (content: RunRow, change: number, latest: Uint8Array | null): Statement => ({
  sql: `INSERT INTO tracking_runs (id, change, content, latest) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET change = excluded.change, content = excluded.content, latest = excluded.latest`,
  params: [content.run, change, JSON.stringify(content), latest],
});

export interface ReadExperiment {
  readonly change: number;
  readonly lifecycle: Lifecycle;
  readonly patch: ExperimentChange;
}

export interface ReadRun {
  readonly change: number;
  readonly lifecycle: Lifecycle;
  readonly patch: RunPatch;
  /** Keys of its metrics, and the bytes of the batch of their latest points. */
  readonly metrics: readonly string[];
  readonly latest: Uint8Array | null;
}

/** Experiments whose rows changed behind a change. */
export async function readExperiments(records: Records, after: number): Promise<ReadExperiment[]> {
  const rows = await records.query<{ change: number; content: string }>(
    "SELECT change, content FROM tracking_experiments WHERE change > ? ORDER BY change, id",
    [after],
  );
  return rows.map(({ change, content }) => {
    const { lifecycle, ...patch } = JSON.parse(content) as ExperimentRow;
    return { change, lifecycle, patch };
  });
}

const RUNS_PAGE = 100;

/** Runs whose rows changed behind a change, a page at a time. */
export async function* readRuns(records: Records, after: number): AsyncGenerator<ReadRun[]> {
  for (let from = { change: after, id: "\u{10ffff}" }; ; ) {
    const rows = await records.query<{ id: string; change: number; content: string; latest: Uint8Array | null }>(
      `SELECT id, change, content, latest FROM tracking_runs WHERE (change, id) > (?, ?) ORDER BY change, id LIMIT ${RUNS_PAGE}`,
      [from.change, from.id],
    );
    if (rows.length === 0) return;
    yield rows.map(({ change, content, latest }) => {
      const { lifecycle, metrics = [], ...patch } = JSON.parse(content) as RunRow;
      return { change, lifecycle, patch, metrics, latest };
    });
    from = rows.at(-1)!;
  }
}

/** A batch of these metrics; a key that stands there several times is one key. */
export function batchOf(metrics: readonly Metric[]): PointBatch {
  const codeOf = new Map<string, number>();
  for (const { key } of metrics) if (!codeOf.has(key)) codeOf.set(key, codeOf.size);
  const batch = createBatch([...codeOf.keys()], metrics.length);
  for (let at = 0; at < metrics.length; at++) {
    const { key, value, timestamp, step } = metrics[at]!;
    batch.codes[at] = codeOf.get(key)!;
    batch.values[at] = value;
    batch.timestamps[at] = timestamp;
    batch.steps[at] = step;
  }
  return batch;
}
