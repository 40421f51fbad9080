/**
 * Brings the rows up to date with the log and empties it: in one commit, so that a crash finds either the log or the rows.
 *
 *     log up to S: changes, points --> rows of what changed, as of S;  new points of a run + its last chunks that are no longer than those --> one chunk
 *
 * So a run has few chunks, each about twice as long as the one behind it, and a point is written again only a few times. Several servers may fold at
 * once: one wins, and the others have worked for nothing.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Records, Statement } from "../../ports/records/index.ts";
import { decodeChunk, encodeChunk, mergeBatches, type PointBatch, partOf } from "./points.ts";
import type { Replica } from "./replica.ts";
import { experimentStatement, runStatement } from "./rows.ts";

interface ChunkRow {
  readonly number: number;
  readonly point_count: number;
}

/** A chunk has at most `chunkPointsMax` points; one that has as many is not merged any more. */
export async function fold(records: Records, { state }: Replica, chunkPointsMax: number): Promise<void> {
  const until = state.last;
  const [standing] = await records.query<{ folded: number }>("SELECT folded FROM tracking_state WHERE id = 1");
  if (!standing || standing.folded >= until) return;
  const rows = [
    ...[...state.changedExperiments].map(([experiment, change]) => experimentStatement(experiment, change)),
    ...[...state.changedRuns].map(([run, change]) => runStatement(run, change)),
  ];
  const points = [...state.recent].map(([run, batches]) => ({ id: run.id, batches: batches.map(({ batch }) => batch) }));
  const statements: Statement[] = [
    {
      sql: "UPDATE tracking_state SET folded = ? WHERE id = 1 AND folded = ?",
      params: [until, standing.folded],
      rows: 1,
    },
    { sql: "DELETE FROM tracking_log WHERE last <= ?", params: [until] },
    ...rows,
  ];
  for (const { id, batches } of points) {
    const chunks = await chunkStatements(records, id, batches, until, chunkPointsMax);
    if (!chunks) return; // another server was faster
    statements.push(...chunks);
    await nextTurn();
  }
  const { committed } = await records.commit(statements);
  if (committed) state.folded(until);
}

async function chunkStatements(
  records: Records,
  runId: string,
  batches: readonly PointBatch[],
  until: number,
  chunkPointsMax: number,
): Promise<Statement[] | null> {
  const chunks = await records.query<ChunkRow>(
    "SELECT number, point_count FROM tracking_chunks WHERE run_id = ? ORDER BY number DESC LIMIT 32",
    [runId],
  );
  let count = batches.reduce((sum, { codes }) => sum + codes.length, 0);
  const joined: number[] = [];
  for (const { number, point_count } of chunks) {
    if (point_count > count || count + point_count > chunkPointsMax) break;
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
  for (let from = 0, part = 0; from < merged.codes.length; from += chunkPointsMax, part++) {
    const chunk = partOf(merged, from, Math.min(from + chunkPointsMax, merged.codes.length));
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
