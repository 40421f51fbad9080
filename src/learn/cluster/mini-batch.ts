/**
 * K-means on small draws of rows, the job of a crew of one: each step moves the centres towards the means of its rows, the less the more rows they have seen. Only a
 * draw is ever held as points. Source: Sculley 2010, "Web-scale k-means clustering"; end and fresh centres as scikit-learn.
 */
import { createRandom, type Random } from "../../base/index.ts";
import type { Member } from "../crew/crew.ts";
import type { Frame } from "../frame.ts";
import type { ClustersKernel } from "../kernels/clusters.ts";
import { type PointFiller, pointFiller } from "../point-rows.ts";
import type { PointSpace } from "../points.ts";
import { placeCentres } from "./go-on.ts";
import { assign, type Clustering, gather, measure, prepare } from "./lloyd.ts";
import { type ClusterMemory, clustersKernel, createClusterMemory } from "./memory.ts";
import type { CentresModel } from "./predictor.ts";
import { chooseCentres } from "./start.ts";

export interface BatchesOrder {
  readonly X: Frame;
  readonly space: PointSpace;
  readonly weights: Float64Array | undefined;
  readonly factor: number;
  readonly clusters: number;
  readonly batchRows: number;
  readonly stepsMax: number;
  /** The search ends after so many steps without a better mean of the squared distances. */
  readonly patience: number;
  readonly seed: number;
  /** Centres (clusters x width, before the factor) to go on from, with the mass of the rows that they are the means of. */
  readonly start: Pick<CentresModel, "centres" | "masses"> | undefined;
}

/** Of the rows drawn for the start so many times a batch. */
const START_BATCHES = 3;
/** A centre with a smaller part of the rows of the largest is put onto a row. */
const SMALL = 0.01;

export const learnBatches = (order: BatchesOrder, member: Member): Clustering =>
  order.start === undefined ? searchBatches(order, member) : learnMore(order, order.start, member);

function searchBatches(order: BatchesOrder, member: Member): Clustering {
  const { X, space, weights, factor, clusters, stepsMax, patience } = order;
  const random = createRandom(order.seed);
  const batchRows = Math.min(order.batchRows, X.rowCount);
  const at = createClusterMemory({ rowCount: batchRows, width: space.width, clusters }, weights !== undefined, 1);
  const kernel = clustersKernel(at.memory);
  const fill = pointFiller(space, X, at.stride, factor);
  const picked = new Uint32Array(batchRows);
  const draw = (to: ClusterMemory, rows: Uint32Array) => {
    for (let place = 0; place < rows.length; place++) rows[place] = random.below(X.rowCount);
    place(to, fill, weights, rows);
  };
  at.centres.set(startOf(order, draw, member, random));
  const seen = new Float64Array(clusters);
  let [steps, stale, smoothed, least] = [0, 0, 0, Infinity];
  let sinceFresh = 0;
  const smoothing = Math.min(1, (2 * batchRows) / (X.rowCount + 1));
  while (steps < stepsMax && stale < patience) {
    draw(at, picked);
    const mean = label(at, kernel, member);
    gather(at, kernel);
    pull(at, seen);
    sinceFresh += batchRows;
    if (sinceFresh >= 10 * clusters) {
      sinceFresh = 0;
      refresh(at, seen, random);
    }
    smoothed = steps === 0 ? mean : smoothed * (1 - smoothing) + mean * smoothing;
    stale = smoothed < least ? 0 : stale + 1;
    least = Math.min(least, smoothed);
    if (Math.floor((100 * ++steps) / stepsMax) > Math.floor((100 * (steps - 1)) / stepsMax) || steps === 1)
      member.progress(steps, stepsMax + 1);
  }
  const found = { ...all(order, at, kernel, fill, member), iterations: steps, converged: stale >= patience };
  member.progress(1, 1);
  return found;
}

/** Each row moves its centre once, in the rows' order; masses and squared distances are counted as the rows come. */
function learnMore(
  { X, space, weights, factor, clusters, batchRows }: BatchesOrder,
  { centres, masses }: NonNullable<BatchesOrder["start"]>,
  member: Member,
): Clustering {
  const at = createClusterMemory({ rowCount: batchRows, width: space.width, clusters }, weights !== undefined, 1);
  const kernel = clustersKernel(at.memory);
  const fill = pointFiller(space, X, at.stride, factor);
  const seen = masses.slice();
  placeCentres(at, centres, factor);
  let [inertia, iterations] = [0, 0];
  for (let from = 0; from < X.rowCount; from += batchRows) {
    const part = { ...at, rowCount: Math.min(batchRows, X.rowCount - from) };
    place(part, fill, weights, rowsFrom(from, part.rowCount));
    label(part, kernel, member);
    inertia += part.partials.reduce((a, b) => a + b, 0);
    gather(part, kernel);
    pull(part, seen);
    iterations++;
    member.progress(from + part.rowCount, X.rowCount + 1);
  }
  member.progress(1, 1);
  return { centres: at.centres.slice(), masses: seen, inertia, iterations, converged: true };
}

const rowsFrom = (from: number, count: number) => Uint32Array.from({ length: count }, (_, row) => from + row);

function place(
  { points, weights: kept, stride }: ClusterMemory,
  fill: PointFiller,
  weights: Float64Array | undefined,
  rows: Uint32Array,
): void {
  fill(0, rows.length, points.subarray(0, rows.length * stride), rows);
  if (weights !== undefined) for (let at = 0; at < rows.length; at++) kept![at] = weights[rows[at]!]!;
}

/** k-means++ on a draw of rows, or on all when they are few. */
function startOf(
  { X, space, weights, batchRows, clusters }: BatchesOrder,
  draw: (to: ClusterMemory, rows: Uint32Array) => void,
  member: Member,
  random: Random,
): Float64Array {
  const rowCount = Math.min(X.rowCount, Math.max(START_BATCHES * batchRows, START_BATCHES * clusters));
  const at = createClusterMemory({ rowCount, width: space.width, clusters }, weights !== undefined, 1);
  draw(at, new Uint32Array(rowCount));
  chooseCentres(at, clustersKernel(at.memory), member, random, () => {});
  return at.centres;
}

/** The rows that stand in the memory to their centres; the weighted mean of their squared distances. */
function label(at: ClusterMemory, kernel: ClustersKernel, member: Member): number {
  at.labels.fill(-1);
  at.sums.fill(0);
  at.masses.fill(0);
  prepare(at, kernel);
  assign(at, kernel, member);
  measure(at, kernel, member);
  const mass = at.weights === null ? at.rowCount : at.weights.subarray(0, at.rowCount).reduce((a, b) => a + b, 0);
  return mass > 0 ? at.partials.reduce((a, b) => a + b, 0) / mass : 0;
}

/** Each centre becomes the mean of all rows that it has seen. */
function pull({ clusters, stride, centres, sums, masses }: ClusterMemory, seen: Float64Array): void {
  for (let cluster = 0; cluster < clusters; cluster++) {
    if (!(masses[cluster]! > 0)) continue;
    const before = seen[cluster]!;
    seen[cluster]! += masses[cluster]!;
    for (let k = cluster * stride; k < (cluster + 1) * stride; k++)
      centres[k] = (centres[k]! * before + sums[k]!) / seen[cluster]!;
  }
}

/** Puts centres that hardly any row chose onto rows of the draw. */
function refresh({ clusters, stride, centres, points, rowCount }: ClusterMemory, seen: Float64Array, random: Random): void {
  const largest = seen.reduce((a, b) => Math.max(a, b), 0);
  const small = [...seen.keys()].filter((cluster) => seen[cluster]! < SMALL * largest);
  if (small.length === 0) return;
  const least = seen.reduce((found, mass) => (mass >= SMALL * largest ? Math.min(found, mass) : found), Infinity);
  for (const cluster of small.slice(0, Math.max(1, Math.floor(clusters / 2)))) {
    const row = random.below(rowCount);
    centres.set(points.subarray(row * stride, (row + 1) * stride), cluster * stride);
    seen[cluster] = least;
  }
}

/** What all rows make of the centres. */
function all(
  { X, weights }: BatchesOrder,
  at: ClusterMemory,
  kernel: ClustersKernel,
  fill: PointFiller,
  member: Member,
): Pick<Clustering, "centres" | "masses" | "inertia"> {
  const masses = new Float64Array(at.clusters);
  let inertia = 0;
  for (let from = 0; from < X.rowCount; from += at.rowCount) {
    const rows = Math.min(at.rowCount, X.rowCount - from);
    const part = { ...at, rowCount: rows };
    place(part, fill, weights, rowsFrom(from, rows));
    label(part, kernel, member);
    gather(part, kernel);
    at.masses.forEach((mass, cluster) => {
      masses[cluster]! += mass;
    });
    inertia += part.partials.reduce((a, b) => a + b, 0);
  }
  return { centres: at.centres.slice(), masses, inertia };
}
