/** The nearest points of many queries, in double precision and in a fixed order: by distance, equal ones by row. */
import { type Member, throwIfCancelled } from "../crew/crew.ts";
import type { FitContext } from "../estimator.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { NeighborsKernel } from "../kernels/neighbors.ts";
import { BATCH, type NeighborIndex, type SearchScratch, suitsTree } from "./neighbor-index.ts";
import { type Panels, pairsOf, QUERY_REACH } from "./panels.ts";

export interface Found {
  /** Squared, row-major, queries x neighbours, the nearest first. */
  readonly distances: Float64Array;
  /** The places of the points in the order they were given in. */
  readonly rows: Uint32Array;
}

/** Panels scanned for all queries of a batch before the next ones: they stay in the cache. */
const PANELS = 128;
/** Beyond this norm single precision ends: such a query is answered in double alone. */
const FAR = 1e15;

export const neighborsKernel = (memory: WebAssembly.Memory): NeighborsKernel => instantiateKernel("neighbors", memory);

/** At most `BATCH` queries, which stand in the scratch; what is found stands there too. */
export function searchBatch(kernel: NeighborsKernel, index: NeighborIndex, scratch: SearchScratch, count: number): void {
  const { stride, points, tree } = index;
  const { neighbours, queries, distances, rows } = scratch;
  const at = (query: number) =>
    [
      queries.byteOffset + query * stride * 8,
      distances.byteOffset + query * neighbours * 8,
      rows.byteOffset + query * neighbours * 4,
    ] as const;
  if (tree !== null) {
    for (let query = 0; query < count; query++) {
      const [from, toDistances, toRows] = at(query);
      const { nodes, boxes, order } = tree;
      const places = [nodes.byteOffset, boxes.byteOffset, points.byteOffset, order.byteOffset] as const;
      kernel.rankTree(from, ...places, stride, neighbours, toDistances, toRows);
    }
    return;
  }
  const panels = index.panels!;
  const isFar =
    panels.unit === null ? prepare(index, panels, scratch, count) : prepareWhole(index, panels.unit, panels, scratch, count);
  const [scan, rank, depth] =
    panels.unit === null ? [kernel.scan, kernel.rank, index.width] : [kernel.scanWhole, kernel.rankWhole, pairsOf(index.width)];
  const tiles = Math.ceil(count / 4);
  const panelCount = Math.ceil(index.rowCount / 8);
  const { packed, states, stateBytes, capacity, scores } = scratch;
  for (let from = 0; from < panelCount; from += PANELS)
    for (let tile = 0; tile < tiles; tile++)
      scan(
        ...([packed.byteOffset + tile * depth * 16, panels.panels.byteOffset, panels.halves.byteOffset, depth] as const),
        ...([from, Math.min(panelCount, from + PANELS), states.byteOffset + tile * 4 * stateBytes, stateBytes] as const),
        ...([neighbours, capacity, scores.byteOffset] as const),
      );
  const headers = new DataView(states.buffer, states.byteOffset, states.byteLength);
  for (let query = 0; query < count; query++) {
    const [from, toDistances, toRows] = at(query);
    if (isFar(query) || headers.getInt32(query * stateBytes + 12, true) === 1)
      kernel.rankAll(from, points.byteOffset, index.rowCount, stride, neighbours, toDistances, toRows);
    else rank(from, points.byteOffset, stride, states.byteOffset + query * stateBytes, neighbours, toDistances, toRows);
  }
}

/** Packs the queries in fours and empties their states; tells which are too far out for single precision. */
function prepare(
  { width, stride }: NeighborIndex,
  { largest }: Panels,
  scratch: SearchScratch,
  count: number,
): (query: number) => boolean {
  const { queries, packed, states, stateBytes, neighbours } = scratch;
  const far = new Uint8Array(count);
  const words = new Float32Array(states.buffer, states.byteOffset, states.byteLength / 4);
  for (let query = 0; query < Math.ceil(count / 4) * 4; query++) {
    const first = Math.floor(query / 4) * 4 * width + (query % 4);
    let norm = 0;
    for (let at = 0; at < width; at++) {
      const value = query < count ? queries[query * stride + at]! : 0;
      norm += value * value;
      packed[first + at * 4] = value;
    }
    const isOut = query >= count || !(norm < FAR ** 2);
    if (query < count && isOut) far[query] = 1;
    const error = (width + 8) * 6.1e-8 * (Math.sqrt(norm) + largest) * largest + 1e-30;
    const state = (query * stateBytes) / 4;
    words[state] = isOut ? -Infinity : 3e38;
    words[state + 1] = isOut ? 0 : 2.01 * error;
    words[state + 2] = 0;
    words[state + 3] = 0;
    words.fill(3e38, state + 4, state + 4 + neighbours);
  }
  return (query) => far[query] === 1;
}

/**
 * The same in whole numbers. With points p + e and queries q + f for the whole ones, their product is wrong by e q + p f + e f at most, a half by 0.5.
 */
function prepareWhole(
  { width, stride }: NeighborIndex,
  unit: number,
  { largest, residual }: Panels,
  scratch: SearchScratch,
  count: number,
): (query: number) => boolean {
  const { queries, states, stateBytes, neighbours } = scratch;
  const packed = new Int16Array(scratch.packed.buffer, scratch.packed.byteOffset, scratch.packed.length * 2);
  const far = new Uint8Array(count);
  const words = new Int32Array(states.buffer, states.byteOffset, states.byteLength / 4);
  for (let query = 0; query < Math.ceil(count / 4) * 4; query++) {
    const first = Math.floor(query / 4) * 8 * pairsOf(width) + (query % 4) * 2;
    if ((width & 1) === 1) packed[first + (width >> 1) * 8 + 1] = 0;
    let [norm, away] = [0, 0];
    for (let at = 0; at < width; at++) {
      const value = query < count ? queries[query * stride + at]! / unit : 0;
      const whole = Math.round(value);
      norm += value * value;
      away += (value - whole) ** 2;
      packed[first + (at >> 1) * 8 + (at & 1)] = whole;
    }
    const isOut = query >= count || !(norm < QUERY_REACH ** 2);
    if (query < count && isOut) far[query] = 1;
    const f = Math.sqrt(away);
    const error = (residual / unit) * (Math.sqrt(norm) + f) + (largest / unit) * f + 1;
    const state = (query * stateBytes) / 4;
    words[state] = isOut ? -(2 ** 31) : 2 ** 31 - 1;
    words[state + 1] = isOut ? 0 : Math.ceil(2.01 * error) + 1;
    words[state + 2] = 0;
    words[state + 3] = 0;
    words.fill(2 ** 31 - 1, state + 4, state + 4 + neighbours);
  }
  return (query) => far[query] === 1;
}

export interface SearchOrder {
  readonly index: NeighborIndex;
  readonly scratch: readonly SearchScratch[];
  /** Row-major with the index's stride, shared. */
  readonly queries: Float64Array;
  readonly count: number;
  readonly found: Found;
  /** Shared: the first query that nobody has taken. */
  readonly next: Int32Array;
}

/** The job of a crew: each member takes batches of queries while there are any. */
export function findNeighbours(order: SearchOrder, member: Member): void {
  const search = batchSearcher(order, member.index);
  for (let done = search(); done > 0; done = search()) member.progress(done, order.count);
  member.barrier();
}

/** The same on the calling thread, between whose batches its event loop runs. */
export async function findNeighboursHere(
  order: SearchOrder,
  { progress, signal }: Pick<FitContext, "progress" | "signal">,
): Promise<void> {
  const search = batchSearcher(order, 0);
  for (let done = search(); done > 0; done = search()) {
    progress(done, order.count);
    await new Promise((resolve) => setImmediate(resolve));
    throwIfCancelled(signal);
  }
}

/** Work that takes less time than a thread needs to start: a tree is asked for few of its points, up to many dimensions for more. */
export const isLittle = (rowCount: number, width: number, queries: number): boolean =>
  queries * (suitsTree(rowCount, width) ? 2 ** width : (rowCount * width) / 4096) < LITTLE;

const LITTLE = 150_000;

/** A function that answers the next batch, and gives the queries that have been taken; 0 when none was left. */
function batchSearcher({ index, scratch, queries, count, found, next }: SearchOrder, member: number): () => number {
  const kernel = neighborsKernel(index.memory);
  const own = scratch[member]!;
  const { neighbours } = own;
  return () => {
    const first = Atomics.add(next, 0, BATCH);
    const size = Math.min(BATCH, count - first);
    if (size <= 0) return 0;
    own.queries.set(queries.subarray(first * index.stride, (first + size) * index.stride));
    searchBatch(kernel, index, own, size);
    found.distances.set(own.distances.subarray(0, size * neighbours), first * neighbours);
    found.rows.set(own.rows.subarray(0, size * neighbours), first * neighbours);
    return first + size;
  };
}
