/**
 * Lloyd's search, the job that each member of the crew runs: rows go to their nearest centre, centres to the mean of their rows, until no row changes or the
 * centres hardly move. Rows that cannot have changed, by bounds on their distances, are passed over. Chunks of rows depend on the data alone and are added in
 * their order, so the number of threads cannot change the centres.
 */
import { createRandom } from "../../base/index.ts";
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import type { ClustersKernel } from "../kernels/clusters.ts";
import { type ClusterMemory, clustersKernel, eachBlock } from "./memory.ts";
import { chooseCentres } from "./start.ts";

export interface LloydOrder {
  readonly at: ClusterMemory;
  readonly starts: number;
  readonly iterationsMax: number;
  /** The search ends when the squares of the centres' moves sum to no more than this part of the dimensions' mean variance. */
  readonly tolerance: number;
  readonly seed: number;
  /** The centres are there already: one search from them. */
  readonly isWarm: boolean;
}

export interface Clustering {
  /** Row-major, clusters x stride. */
  readonly centres: Float64Array;
  /** Weight of each centre's rows. */
  readonly masses: Float64Array;
  readonly inertia: number;
  readonly iterations: number;
  readonly converged: boolean;
}

export function searchClusters(order: LloydOrder, member: Member): Clustering | null {
  const { at, iterationsMax } = order;
  const kernel = clustersKernel(at.memory);
  const random = createRandom(order.seed);
  const starts = order.isWarm ? 1 : order.starts;
  const steps = at.clusters + iterationsMax;
  const movesMax = order.tolerance * meanVariance(at, kernel, member);
  let best: Clustering | null = null;
  for (let start = 0; start < starts; start++) {
    const tell = (done: number) => member.progress(start * steps + done, starts * steps);
    if (!order.isWarm) chooseCentres(at, kernel, member, random, tell);
    const found = descend(at, kernel, member, { iterationsMax, movesMax }, (iteration) => tell(at.clusters + iteration));
    if (found !== null && (best === null || found.inertia < best.inertia)) best = found;
  }
  member.progress(1, 1);
  return best;
}

/** Mean over the dimensions of the variance of their coordinates. All members call it together. */
function meanVariance(at: ClusterMemory, kernel: ClustersKernel, { index, count, barrier }: Member): number {
  const { points, rowCount, width, clusters, stride, chunks, partialSums, partials } = at;
  const sumsOf = (chunk: number) => partialSums.subarray(chunk * clusters * stride, chunk * clusters * stride + stride);
  for (let chunk = index; chunk < chunks; chunk += count) {
    const sums = sumsOf(chunk).fill(0);
    partials[chunk] = 0;
    eachBlock(rowCount, chunk, chunks, (from, to) => {
      partials[chunk]! += kernel.squares(points.byteOffset + from * stride * 8, to - from, stride, sums.byteOffset);
    });
  }
  barrier();
  const means = new Float64Array(stride);
  for (let chunk = 0; chunk < chunks; chunk++)
    sumsOf(chunk).forEach((sum, at) => {
      means[at]! += sum / rowCount;
    });
  const square = partials.reduce((a, b) => a + b, 0) / rowCount;
  barrier();
  return (square - means.reduce((sum, mean) => sum + mean * mean, 0)) / width;
}

/** One search from the centres as they stand; what it found, of member 0. */
function descend(
  at: ClusterMemory,
  kernel: ClustersKernel,
  member: Member,
  { iterationsMax, movesMax }: { readonly iterationsMax: number; readonly movesMax: number },
  onIteration: (iteration: number) => void,
): Clustering | null {
  const { chunks, state, labels, rowCount } = at;
  for (let chunk = member.index; chunk < chunks; chunk += member.count) labels.fill(-1, ...share(rowCount, chunk, chunks));
  if (member.index === 0) {
    state.fill(0);
    at.sums.fill(0);
    at.masses.fill(0);
    prepare(at, kernel);
  }
  member.barrier();
  let [iterations, settled, converged] = [0, false, false];
  while (iterations < iterationsMax && !converged) {
    assign(at, kernel, member);
    member.barrier();
    iterations++;
    if (member.index === 0) {
      const moved = gather(at, kernel);
      const reseeded = reseed(at, kernel);
      const moves = moveCentres(at);
      settled = moved === 0 && reseeded === 0;
      state[0] = settled || moves <= movesMax ? 1 : 0;
      prepare(at, kernel);
      onIteration(iterations);
    }
    member.barrier();
    converged = state[0] === 1;
  }
  assign(at, kernel, member);
  measure(at, kernel, member);
  member.barrier();
  if (member.index > 0) {
    member.barrier();
    return null;
  }
  gather(at, kernel);
  const inertia = at.partials.reduce((a, b) => a + b, 0);
  const found = { centres: at.centres.slice(), masses: at.masses.slice(), inertia, iterations, converged };
  member.barrier();
  return found;
}

/** Each row of the member's chunks to its nearest centre; what changed by that stands in the chunk's partial sums. */
export function assign(at: ClusterMemory, kernel: ClustersKernel, { index, count }: Member): void {
  const { points, stride, width, centres, labels, uppers, lowers, moves, drops, halfGaps, packed, halves, clusters } = at;
  const { list, panel, found, uppers: foundUppers, lowers: foundLowers } = at.scratch[index]!;
  const largest = at.state[1]!;
  for (let chunk = index; chunk < at.chunks; chunk += count) {
    const sums = at.partialSums.subarray(chunk * clusters * stride, (chunk + 1) * clusters * stride).fill(0);
    const masses = at.partialMasses.subarray(chunk * clusters, (chunk + 1) * clusters).fill(0);
    let moved = 0;
    eachBlock(at.rowCount, chunk, at.chunks, (from, to) => {
      const open = kernel.unsettled(
        ...([from, to, labels.byteOffset, uppers.byteOffset, lowers.byteOffset] as const),
        ...([moves.byteOffset, drops.byteOffset, halfGaps.byteOffset, list.byteOffset] as const),
      );
      if (open === 0) return;
      kernel.nearest(
        ...([list.byteOffset, open, points.byteOffset, width, stride, panel.byteOffset, packed.byteOffset] as const),
        ...([halves.byteOffset, centres.byteOffset, clusters, largest] as const),
        ...([found.byteOffset, foundUppers.byteOffset, foundLowers.byteOffset] as const),
      );
      moved += kernel.move(
        ...([list.byteOffset, open, found.byteOffset, foundUppers.byteOffset, foundLowers.byteOffset] as const),
        ...([points.byteOffset, stride, at.weights?.byteOffset ?? 0, labels.byteOffset, uppers.byteOffset] as const),
        ...([lowers.byteOffset, sums.byteOffset, masses.byteOffset] as const),
      );
    });
    at.partialMoved[chunk] = moved;
  }
}

/** Adds the chunks' changes to the sums and masses; how many rows changed their centre. */
export function gather(
  { chunks, sums, masses, partialSums, partialMasses, partialMoved }: ClusterMemory,
  kernel: ClustersKernel,
): number {
  for (let chunk = 0; chunk < chunks; chunk++) {
    if (partialMoved[chunk] === 0) continue;
    kernel.addTo(sums.byteOffset, partialSums.byteOffset + chunk * sums.byteLength, sums.length);
    kernel.addTo(masses.byteOffset, partialMasses.byteOffset + chunk * masses.byteLength, masses.length);
  }
  return partialMoved.reduce((a, b) => a + b, 0);
}

/** What rounding leaves of a mass whose rows have all gone. */
const isEmpty = (mass: number, total: number) => mass <= 1e-12 * total;

/** A centre without rows takes the row that is farthest from its own. Returns how many did; fewer than are empty when the other rows lie on their centres. */
function reseed(at: ClusterMemory, kernel: ClustersKernel): number {
  const { sums, masses, rowCount, stride, points, centres, labels, uppers, lowers, weights } = at;
  const total = masses.reduce((a, b) => a + b, 0);
  const empty = [...masses.keys()].filter((cluster) => isEmpty(masses[cluster]!, total));
  if (empty.length === 0) return 0;
  const distances = Float64Array.from({ length: rowCount }, (_, row) =>
    weights?.[row] === 0
      ? 0
      : kernel.squaredDistance(points.byteOffset + row * stride * 8, centres.byteOffset + labels[row]! * stride * 8, stride),
  );
  let reseeded = 0;
  for (const cluster of empty) {
    let farthest = 0;
    for (let row = 1; row < rowCount; row++) if (distances[row]! > distances[farthest]!) farthest = row;
    if (!(distances[farthest]! > 0)) break;
    const weight = weights?.[farthest] ?? 1;
    const old = labels[farthest]!;
    for (let k = 0; k < stride; k++) {
      const share = weight * points[farthest * stride + k]!;
      sums[old * stride + k]! -= share;
      sums[cluster * stride + k] = share;
    }
    masses[old]! -= weight;
    masses[cluster] = weight;
    labels[farthest] = cluster;
    [uppers[farthest], lowers[farthest], distances[farthest]] = [Infinity, 0, 0];
    reseeded++;
  }
  return reseeded;
}

/** Centres to the means of their rows, one without any stays; the sum of the squared moves. */
function moveCentres({ clusters, stride, sums, masses, centres, moves, drops }: ClusterMemory): number {
  const total = masses.reduce((a, b) => a + b, 0);
  let all = 0;
  let [farthest, far, second] = [-1, 0, 0];
  for (let cluster = 0; cluster < clusters; cluster++) {
    let square = 0;
    if (!isEmpty(masses[cluster]!, total))
      for (let at = cluster * stride; at < (cluster + 1) * stride; at++) {
        const centre = sums[at]! / masses[cluster]!;
        square += (centre - centres[at]!) ** 2;
        centres[at] = centre;
      }
    all += square;
    const way = Math.sqrt(square) * (1 + 1e-9);
    moves[cluster] = way;
    if (way > far) [farthest, far, second] = [cluster, way, far];
    else second = Math.max(second, way);
  }
  drops.fill(far);
  if (farthest >= 0) drops[farthest] = second;
  return all;
}

/** What the search for nearest centres reads, from the centres as they stand. */
export function prepare(
  { clusters, stride, width, centres, packed, halves, halfGaps, state }: ClusterMemory,
  kernel: ClustersKernel,
): void {
  halves.fill(3e38);
  packed.fill(0);
  halfGaps.fill(Infinity);
  let largest = 0;
  for (let cluster = 0; cluster < clusters; cluster++) {
    const first = Math.floor(cluster / 4) * 4 * width + (cluster % 4);
    let norm = 0;
    for (let at = 0; at < width; at++) {
      const value = centres[cluster * stride + at]!;
      packed[first + at * 4] = value;
      norm += value * value;
    }
    halves[cluster] = norm / 2;
    largest = Math.max(largest, norm);
    for (let other = 0; other < cluster; other++) {
      const [a, b] = [centres.byteOffset + cluster * stride * 8, centres.byteOffset + other * stride * 8];
      const half = Math.sqrt(kernel.squaredDistance(a, b, stride)) / 2;
      halfGaps[cluster] = Math.min(halfGaps[cluster]!, half);
      halfGaps[other] = Math.min(halfGaps[other]!, half);
    }
  }
  state[1] = Math.sqrt(largest);
}

export function measure(at: ClusterMemory, kernel: ClustersKernel, { index, count }: Member): void {
  const { points, stride, centres, labels, weights } = at;
  for (let chunk = index; chunk < at.chunks; chunk += count) {
    let sum = 0;
    eachBlock(at.rowCount, chunk, at.chunks, (from, to) => {
      const weightsFrom = weights === null ? 0 : weights.byteOffset + from * 8;
      const [first, label] = [points.byteOffset + from * stride * 8, labels.byteOffset + from * 4];
      sum += kernel.inertia(first, to - from, stride, centres.byteOffset, label, weightsFrom);
    });
    at.partials[chunk] = sum;
  }
}
