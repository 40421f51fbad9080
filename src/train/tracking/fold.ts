/**
 * Brings the rows up to date with the log and shortens it: in one commit, so that a crash finds either the log or the rows.
 *
 *     log up to S: changes, points --> rows of what changed;  new points of a run + its last chunks that are no longer than those --> one chunk
 *
 * So a run has few chunks, each about twice as long as the one behind it, and a point is written again only a few times. A row may be newer than S: the
 * log behind S then says again what the row says. Several servers may fold at once: one wins, and the others have worked for nothing.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Records, Statement } from "../../ports/records/index.ts";
import { decodeChunk, encodeChunk, mergeBatches, type PointBatch, partOf } from "./points.ts";
import type { Replica } from "./replica.ts";
import { experimentStatement, runStatement } from "./rows.ts";
import type { RunState } from "./state.ts";

export interface FoldLimits {
  /** Changes that one fold takes; it takes whole groups, and one at least. */
  readonly changes: number;
  /** Points of a chunk; one that has as many is not merged any more. */
  readonly chunkPoints: number;
}

/** How much work is done before others have a turn. */
const TURN_MS = 5;

/** Up to which change the rows are now. */
export async function fold(records: Records, replica: Replica, { changes, chunkPoints }: FoldLimits): Promise<number> {
  const state = await replica.fresh();
  const folded = state.foldedTo;
  const until = state.groupEnds.findLast((end) => end <= folded + changes) ?? state.groupEnds[0];
  if (until === undefined) return folded;
  const experiments = [...state.changedExperiments].filter(([, { first }]) => first <= until);
  const runs = [...state.changedRuns].filter(([, { first }]) => first <= until);
  const turns = createTurns();
  const statements: Statement[] = [
    { sql: "UPDATE tracking_state SET folded = ? WHERE id = 1 AND folded = ?", params: [until, folded], rows: 1 },
    { sql: "DELETE FROM tracking_log WHERE last <= ?", params: [until] },
    ...experiments.map(([experiment, { last }]) => experimentStatement(experiment, last)),
  ];
  const purged = new Set(runs.flatMap(([run]) => (run.purged ? [run.id] : [])));
  for (const id of purged) statements.push({ sql: "DELETE FROM tracking_chunks WHERE run_id = ?", params: [id] });
  for (const [run, { last }] of runs) {
    statements.push(runStatement(run, last));
    await turns.next();
  }
  const measured = runs.flatMap(([run]): Measured[] => {
    const batches = (state.recent.get(run) ?? []).flatMap(({ change, batch }) => (change <= until ? [batch] : []));
    return batches.length > 0 ? [{ run, batches }] : [];
  });
  const chunksOf = await readChunkRows(records, measured);
  for (const { run, batches } of measured) {
    const chunks = await chunkStatements(
      records,
      run.id,
      batches,
      purged.has(run.id) ? [] : (chunksOf.get(run.id) ?? []),
      until,
      chunkPoints,
    );
    if (!chunks) return folded; // another server was faster
    statements.push(...chunks);
    await turns.next();
  }
  const { committed } = await records.commit(statements);
  if (!committed) return folded;
  state.folded(until);
  return until;
}

interface Measured {
  readonly run: RunState;
  readonly batches: readonly PointBatch[];
}

interface ChunkRow {
  readonly run_id: string;
  readonly number: number;
  readonly point_count: number;
}

const ASKED_MAX = 200;

/** The chunks of each run, the latest first. */
async function readChunkRows(records: Records, measured: readonly Measured[]): Promise<Map<string, ChunkRow[]>> {
  const found: ChunkRow[] = [];
  for (let at = 0; at < measured.length; at += ASKED_MAX) {
    const ids = measured.slice(at, at + ASKED_MAX).map(({ run }) => run.id);
    const marks = ids.map(() => "?").join(", ");
    found.push(
      ...(await records.query<ChunkRow>(
        `SELECT run_id, number, point_count FROM tracking_chunks WHERE run_id IN (${marks}) ORDER BY number DESC`,
        ids,
      )),
    );
  }
  return Map.groupBy(found, (row) => row.run_id);
}

async function chunkStatements(
  records: Records,
  runId: string,
  batches: readonly PointBatch[],
  chunks: readonly ChunkRow[],
  until: number,
  chunkPoints: number,
): Promise<Statement[] | null> {
  let count = batches.reduce((sum, { codes }) => sum + codes.length, 0);
  const joined: number[] = [];
  for (const { number, point_count } of chunks) {
    if (point_count > count || count + point_count > chunkPoints) break;
    count += point_count;
    joined.push(number);
  }
  const earlier = await Promise.all(joined.map((number) => readChunk(records, runId, number)));
  if (!earlier.every((batch) => batch !== null)) return null;
  const merged = mergeBatches([...earlier, ...batches]);
  const statements: Statement[] = joined.map((number) => ({
    sql: "DELETE FROM tracking_chunks WHERE run_id = ? AND number = ?",
    params: [runId, number],
    rows: 1,
  }));
  for (let from = 0, part = 0; from < merged.codes.length; from += chunkPoints, part++) {
    const chunk = partOf(merged, from, Math.min(from + chunkPoints, merged.codes.length));
    statements.push({
      sql: "INSERT INTO tracking_chunks (run_id, number, point_count, from_at, to_at, points) VALUES (?, ?, ?, ?, ?, ?)",
      params: [runId, until * PARTS_MAX + part, chunk.codes.length, ...extentOf(chunk.timestamps), await encodeChunk(chunk)],
    });
  }
  return statements;
}

/** Chunks of one fold of one run. */
const PARTS_MAX = 1024;

/** Null: it is part of another one by now. */
export async function readChunk(records: Records, runId: string, number: number): Promise<PointBatch | null> {
  const [row] = await records.query<{ points: Uint8Array }>(
    "SELECT points FROM tracking_chunks WHERE run_id = ? AND number = ?",
    [runId, number],
  );
  return row ? decodeChunk(row.points) : null;
}

function extentOf(numbers: Float64Array): [least: number, greatest: number] {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const number of numbers) {
    least = Math.min(least, number);
    greatest = Math.max(greatest, number);
  }
  return [least, greatest];
}

function createTurns(): { next(): Promise<void> } {
  let since = performance.now();
  return {
    async next() {
      if (performance.now() - since < TURN_MS) return;
      await nextTurn();
      since = performance.now();
    },
  };
}
