/** How close together and how far apart clusters are, by Euclidean distance: for columns of like scale. */
import { createRandom } from "../../base/index.ts";
import { type Metric, undefinedMetric } from "./metric.ts";

export interface Points {
  /** Row-major, rows x width. */
  readonly values: Float64Array;
  readonly width: number;
}

/**
 * The mean over the rows of (b - a) / max(a, b), where a is a row's mean distance to its own cluster and b that to the nearest other one (Rousseeuw, 1987):
 * -1 to 1, a cluster of one row counting 0. Takes the square of the rows in time: `rowsMax` of them stand for more, drawn by `seed`.
 */
export function silhouette(points: Points, labels: ArrayLike<number>, rowsMax = Infinity, seed = 1): Metric {
  if (labels.length > rowsMax) {
    const rows = drawn(labels.length, rowsMax, seed);
    const { values, width } = points;
    const picked = rows.flatMap((row) => [...values.subarray(row * width, (row + 1) * width)]);
    return silhouette(
      { values: Float64Array.from(picked), width },
      Int32Array.from(rows, (row) => labels[row]!),
    );
  }
  const { clusters, counts } = clustersOf(labels);
  const problem = problemOf(counts, labels.length);
  if (problem !== null) return undefinedMetric(problem);
  let sum = 0;
  const distances = new Float64Array(counts.length);
  for (let row = 0; row < labels.length; row++) {
    const own = clusters[row]!;
    if (counts[own] === 1) continue;
    distances.fill(0);
    for (let other = 0; other < labels.length; other++) distances[clusters[other]!]! += distance(points, row, points, other);
    const within = distances[own]! / (counts[own]! - 1);
    let nearest = Infinity;
    for (let k = 0; k < counts.length; k++) if (k !== own) nearest = Math.min(nearest, distances[k]! / counts[k]!);
    const larger = Math.max(within, nearest);
    if (larger > 0) sum += (nearest - within) / larger;
  }
  return { value: sum / labels.length };
}

/** The spread of the clusters' centres over the spread within clusters, each by its degrees of freedom (Calinski and Harabasz, 1974); higher is better. */
export function calinskiHarabasz(points: Points, labels: ArrayLike<number>): Metric {
  const { clusters, counts } = clustersOf(labels);
  const problem = problemOf(counts, labels.length);
  if (problem !== null) return undefinedMetric(problem);
  const centres = centresOf(points, clusters, counts);
  const centre = centresOf(points, new Int32Array(labels.length), [labels.length]);
  let [between, within] = [0, 0];
  for (let k = 0; k < counts.length; k++) between += counts[k]! * distance(centres, k, centre, 0) ** 2;
  for (let row = 0; row < labels.length; row++) within += distance(points, row, centres, clusters[row]!) ** 2;
  if (within === 0) return undefinedMetric("the rows of each cluster are equal");
  return { value: (between * (labels.length - counts.length)) / (within * (counts.length - 1)) };
}

/** The mean over the clusters of the worst ratio of spread to distance with another cluster (Davies and Bouldin, 1979); lower is better. */
export function daviesBouldin(points: Points, labels: ArrayLike<number>): Metric {
  const { clusters, counts } = clustersOf(labels);
  const problem = problemOf(counts, labels.length);
  if (problem !== null) return undefinedMetric(problem);
  const centres = centresOf(points, clusters, counts);
  const spreads = new Float64Array(counts.length);
  for (let row = 0; row < labels.length; row++)
    spreads[clusters[row]!]! += distance(points, row, centres, clusters[row]!) / counts[clusters[row]!]!;
  let sum = 0;
  for (let k = 0; k < counts.length; k++) {
    let worst = 0;
    for (let other = 0; other < counts.length; other++) {
      const apart = distance(centres, k, centres, other);
      if (other === k || spreads[k]! + spreads[other]! === 0) continue;
      if (apart === 0) return undefinedMetric("two clusters have one centre");
      worst = Math.max(worst, (spreads[k]! + spreads[other]!) / apart);
    }
    sum += worst;
  }
  return { value: sum / counts.length };
}

function clustersOf(labels: ArrayLike<number>): { clusters: Int32Array; counts: number[] } {
  const places = new Map<number, number>();
  const counts: number[] = [];
  const clusters = Int32Array.from(labels, (label) => {
    if (!places.has(label)) places.set(label, counts.push(0) - 1);
    const place = places.get(label)!;
    counts[place]!++;
    return place;
  });
  return { clusters, counts };
}

function problemOf(counts: readonly number[], rows: number): string | null {
  if (counts.length < 2) return "there are not two clusters";
  return counts.length === rows ? "each row is a cluster of its own" : null;
}

function centresOf({ values, width }: Points, clusters: Int32Array, counts: readonly number[]): Points {
  const centres = new Float64Array(counts.length * width);
  for (let row = 0; row < clusters.length; row++)
    for (let at = 0; at < width; at++) centres[clusters[row]! * width + at]! += values[row * width + at]!;
  for (let at = 0; at < centres.length; at++) centres[at]! /= counts[Math.floor(at / width)]!;
  return { values: centres, width };
}

function distance(a: Points, row: number, b: Points, other: number): number {
  let square = 0;
  for (let at = 0, i = row * a.width, j = other * b.width; at < a.width; at++, i++, j++)
    square += (a.values[i]! - b.values[j]!) ** 2;
  return Math.sqrt(square);
}

/** Some of `count` rows, each at most once, in their order (Knuth's selection sampling). */
function drawn(count: number, wanted: number, seed: number): number[] {
  const random = createRandom(seed);
  const rows: number[] = [];
  for (let row = 0; rows.length < wanted; row++) if (random.next() * (count - row) < wanted - rows.length) rows.push(row);
  return rows;
}
