/**
 * All points of one metric of one run: those of its chunks and those that are still in the log, each once.
 *
 *     chunks by their first timestamp:  |--------|      a page is known when it is full and the next chunk begins
 *                                            |------|   behind its last point
 */
import type { Records } from "../../ports/records/index.ts";
import { readChunk } from "./fold.ts";
import { pageLimit, readToken, writeToken } from "./page.ts";
import { comparePoints, type PointBatch, pointAt } from "./points.ts";
import type { RecentPoints } from "./state.ts";
import type { Page, PageAsked, Point } from "./tracking.ts";

export interface Series {
  readonly runId: string;
  readonly key: string;
  /** What is in no chunk yet; some of it may be in one by now. */
  readonly recent: readonly RecentPoints[];
}

const HISTORY_PAGE_MAX = 25_000;

export async function readHistory(records: Records, series: Series, asked: PageAsked): Promise<Page<Point>> {
  const limit = pageLimit(asked.limit ?? HISTORY_PAGE_MAX, HISTORY_PAGE_MAX);
  const name = ["history", series.runId, series.key];
  const [timestamp, step, value] = asked.pageToken ? readToken(asked.pageToken, name, 3).map(Number) : [];
  const after: Point | null = timestamp === undefined ? null : { timestamp, step: step!, value: value! };
  const points = await readPoints(records, series, after, limit + 1);
  const items = points.slice(0, limit);
  const last = items.at(-1);
  return {
    items,
    nextPageToken:
      points.length > limit ? writeToken(name, [String(last!.timestamp), String(last!.step), String(last!.value)]) : null,
  };
}

/** At most `pointsMax` by step, evenly picked, the first and the last among them. */
export async function readCurve(
  records: Records,
  series: Series,
  pointsMax: number,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<Point[]> {
  const all = await readPoints(records, series, null, Number.POSITIVE_INFINITY);
  const points = all.filter(({ step }) => step >= from && step <= to).sort((a, b) => a.step - b.step || comparePoints(a, b));
  if (points.length <= pointsMax) return points;
  if (pointsMax === 1) return [points.at(-1)!];
  return Array.from({ length: pointsMax }, (_, index) => points[Math.round((index * (points.length - 1)) / (pointsMax - 1))]!);
}

/** The first `limit` points behind `after`, in their order. */
async function readPoints(
  records: Records,
  { runId, key, recent }: Series,
  after: Point | null,
  limit: number,
): Promise<Point[]> {
  const chunks = await records.query<{ number: number; from_at: number }>(
    "SELECT number, from_at FROM tracking_chunks WHERE run_id = ? AND to_at >= ? ORDER BY from_at, number",
    [runId, after?.timestamp ?? 0],
  );
  const found: Point[] = [];
  for (const { batch } of recent) collect(batch, key, after, found);
  for (const { number, from_at } of chunks) {
    if (found.length >= limit) {
      const known = sortedOnce(found);
      if (known.length >= limit && known[limit - 1]!.timestamp < from_at) return known.slice(0, limit);
    }
    const chunk = await readChunk(records, runId, number);
    if (!chunk) return readPoints(records, { runId, key, recent }, after, limit); // it is part of another one by now
    collect(chunk, key, after, found);
  }
  return sortedOnce(found).slice(0, limit);
}

function collect(batch: PointBatch, key: string, after: Point | null, into: Point[]): void {
  const code = batch.keys.indexOf(key);
  if (code === -1) return;
  for (let at = 0; at < batch.codes.length; at++) {
    if (batch.codes[at] !== code) continue;
    const point = pointAt(batch, at);
    if (after === null || comparePoints(point, after) > 0) into.push(point);
  }
}

function sortedOnce(points: readonly Point[]): Point[] {
  const sorted = points.toSorted(comparePoints);
  return sorted.filter((point, at) => at === 0 || comparePoints(sorted[at - 1]!, point) !== 0);
}
