/**
 * Values to bins, once per training. A column with at most `binsMax` distinct values gets a bin for each; else edges are chosen so that the bins hold
 * about equally many rows of a sample. Edges lie midway between neighbouring values, rounded down to float32, and the rule everywhere is
 * `x <= edge` on x rounded to float32: training, prediction and the exported graph then agree on every number.
 * Source: LightGBM and scikit-learn's `_BinMapper`; thresholds as in skl2onnx.
 */
import { createRandom } from "../../base/index.ts";

/** Bins of a column, the last one for missing values. */
export const BINS = 256;
export const MISSING_BIN = 255;
/** Edges are chosen on at most this many rows. */
export const SAMPLE_ROWS = 200_000;
/** The edge of the last bin: every finite float32 is at or below it. */
export const LAST_EDGE = 3.4028234663852886e38;

/** Ascending edges of one column; bin b holds the values with edges[b - 1] < x <= edges[b]. */
export function binEdges(values: Float32Array, binsMax: number, seed: number): Float32Array {
  const places = samplePlaces(values.length, seed);
  const sample = new Float32Array(places === null ? values.length : places.length);
  const count = takeSample(values, places, sample);
  return edgesOfSorted(sample.subarray(0, count).sort(), binsMax);
}

/** Which rows are sampled, with replacement, ascending; null for all, where they are not too many. */
export function samplePlaces(rowCount: number, seed: number): Uint32Array | null {
  if (rowCount <= SAMPLE_ROWS) return null;
  const random = createRandom(seed);
  return Uint32Array.from({ length: SAMPLE_ROWS }, () => random.below(rowCount)).sort();
}

/** Copies the values that are not missing to `sample`; answers how many there are. */
export function takeSample(values: Float32Array, places: Uint32Array | null, sample: Float32Array): number {
  const length = places === null ? values.length : places.length;
  let count = 0;
  for (let index = 0; index < length; index++) {
    const value = values[places === null ? index : places[index]!]!;
    if (!Number.isNaN(value)) sample[count++] = value === 0 ? 0 : value;
  }
  return count;
}

/** The edges for a sample in ascending order. */
export function edgesOfSorted(sorted: Float32Array, binsMax: number): Float32Array {
  return Float32Array.from([...(edgePerValue(sorted, binsMax) ?? edgesByCount(sorted, binsMax)), LAST_EDGE]);
}

/** An edge between all neighbouring values; null where that makes too many bins. */
function edgePerValue(sorted: Float32Array, binsMax: number): number[] | null {
  const edges: number[] = [];
  for (let at = 1; at < sorted.length; at++) {
    if (sorted[at - 1] === sorted[at]) continue;
    if (edges.length + 1 === binsMax) return null;
    edges.push(midway(sorted[at - 1]!, sorted[at]!));
  }
  return edges;
}

/** Closes a bin when it holds its share of what is left, so that heavy values do not starve the bins after them. */
function edgesByCount(sorted: Float32Array, binsMax: number): number[] {
  const edges: number[] = [];
  let left = sorted.length;
  let held = 0;
  for (let at = 1; at < sorted.length && edges.length < binsMax - 1; at++) {
    held++;
    if (sorted[at - 1] === sorted[at] || held < left / (binsMax - edges.length)) continue;
    edges.push(midway(sorted[at - 1]!, sorted[at]!));
    left -= held;
    held = 0;
  }
  return edges;
}

/** The greatest float32 at or below the mean of two float32 numbers: at least `low`, below `high`. */
function midway(low: number, high: number): number {
  const middle = low / 2 + high / 2;
  const rounded = Math.fround(middle);
  return Math.max(low, rounded <= middle ? rounded : floatBelow(rounded));
}

const float = new Float32Array(1);
const floatBits = new Int32Array(float.buffer);

/** The next float32 below. */
export function floatBelow(value: number): number {
  return -floatAbove(-value);
}

/** The next float32 above. */
export function floatAbove(value: number): number {
  float[0] = value;
  if (value === 0) floatBits[0] = 1;
  else floatBits[0]! += value > 0 ? 1 : -1;
  return float[0]!;
}

/** Writes the bins of rows `from` to `to` of one column; `edges` has room for 256, those past the last are infinite. */
export function assignBins(
  values: Float32Array,
  edges: Float32Array,
  bins: Uint8Array,
  offset: number,
  from: number,
  to: number,
): boolean {
  let missing = false;
  for (let row = from; row < to; row++) {
    const x = values[row]!;
    let bin = 0;
    if (Number.isNaN(x)) {
      bin = MISSING_BIN;
      missing = true;
    } else {
      if (x > edges[127]!) bin = 128;
      if (x > edges[bin + 63]!) bin += 64;
      if (x > edges[bin + 31]!) bin += 32;
      if (x > edges[bin + 15]!) bin += 16;
      if (x > edges[bin + 7]!) bin += 8;
      if (x > edges[bin + 3]!) bin += 4;
      if (x > edges[bin + 1]!) bin += 2;
      if (x > edges[bin]!) bin += 1;
    }
    bins[offset + row] = bin;
  }
  return missing;
}

/** A column's edges in the shared table, padded for the search above. */
export function storeEdges(edges: Float32Array, table: Float32Array): void {
  table.fill(Infinity, 0, BINS);
  table.set(edges);
}
