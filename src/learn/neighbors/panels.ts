/**
 * Points eight by eight as a scan reads them: in whole numbers of 16 bits, whose products a processor sums twice as fast, or in single precision where whole numbers
 * would leave too many candidates, as when the points lie in clumps that are small beside their distance from the origin.
 */
import type { Arena } from "../kernels/arena.ts";

export interface Panels {
  /** Points in units of it are whole numbers; null: they are in single precision. */
  readonly unit: number | null;
  readonly panels: Int16Array | Float32Array;
  readonly halves: Int32Array | Float32Array;
  /** Largest norm of a point. */
  readonly largest: number;
  /** Largest distance of a point from its whole numbers. */
  readonly residual: number;
}

/** Of the farthest point in units. A query may lie twice as far out; scores then stay below 2^30. */
const REACH = 16_000;
export const QUERY_REACH = 2 * REACH;

export const pairsOf = (width: number) => Math.ceil(width / 2);

/** `points` are row-major with `stride`. Error: `learn.too-large`. */
export function createPanels(arena: Arena, points: Float64Array, width: number, stride: number): Panels {
  const rowCount = points.length / stride;
  const norms = new Float64Array(rowCount);
  let largest = 0;
  for (let row = 0, from = 0; row < rowCount; row++, from += stride) {
    let norm = 0;
    for (let at = from; at < from + width; at++) norm += points[at]! ** 2;
    norms[row] = norm;
    largest = Math.max(largest, norm);
  }
  largest = Math.sqrt(largest);
  const unit = largest / REACH;
  const rows = { points, width, stride, norms, largest };
  return largest > 1e-30 && isFine(rows, unit) ? wholePanels(arena, rows, unit) : singlePanels(arena, rows);
}

interface Rows {
  readonly points: Float64Array;
  readonly width: number;
  readonly stride: number;
  /** Squared. */
  readonly norms: Float64Array;
  readonly largest: number;
}

function wholePanels(arena: Arena, { points, width, stride, norms, largest }: Rows, unit: number): Panels {
  const padded = Math.ceil(norms.length / 8) * 8;
  const bytes = pairsOf(width) * 32;
  const buffer = arena.uint8((padded / 8) * bytes);
  const panels = new Int16Array(buffer.buffer, buffer.byteOffset, buffer.byteLength / 2);
  const halves = arena.int32(padded).fill(2 ** 31 - 1);
  const scale = 1 / unit;
  let residual = 0;
  for (let row = 0; row < norms.length; row++) {
    const first = Math.floor(row / 8) * (bytes / 2) + (row % 8) * 2;
    let away = 0;
    for (let at = 0; at < width; at++) {
      const value = points[row * stride + at]! * scale;
      const whole = Math.round(value);
      panels[first + (at >> 1) * 16 + (at & 1)] = whole;
      away += (value - whole) ** 2;
    }
    residual = Math.max(residual, away);
    halves[row] = Math.round(norms[row]! * scale * scale * 0.5);
  }
  return { unit, panels, halves, largest, residual: Math.sqrt(residual) * unit };
}

function singlePanels(arena: Arena, { points, width, stride, norms, largest }: Rows): Panels {
  const padded = Math.ceil(norms.length / 8) * 8;
  const panels = arena.float32(padded * width);
  const halves = arena.float32(padded).fill(3e38);
  for (let row = 0; row < norms.length; row++) {
    const first = Math.floor(row / 8) * 8 * width + (row % 8);
    for (let at = 0; at < width; at++) panels[first + at * 8] = points[row * stride + at]!;
    halves[row] = norms[row]! / 2;
  }
  return { unit: null, panels, halves, largest, residual: 0 };
}

const QUERIES = 16;
const OTHERS = 2000;

/** Whether whole numbers tell a point's nearest from the others: they do if few of a sample lie as near as the nearest within their rounding. */
function isFine({ points, width, stride, norms, largest }: Rows, unit: number): boolean {
  const rowCount = norms.length;
  const others = Math.min(OTHERS, rowCount);
  const margin = 4 * 0.3 * unit * Math.sqrt(width) * 2 * largest; // of squared distances; a coordinate's rounding is some 0.3 units
  const distances = new Float64Array(others);
  let near = 0;
  for (let query = 0; query < QUERIES; query++) {
    const from = Math.floor((rowCount * query) / QUERIES) * stride;
    let nearest = Infinity;
    for (let other = 0; other < others; other++) {
      const to = Math.floor((rowCount * (other + 0.5)) / others) * stride;
      let distance = 0;
      for (let at = 0; at < width; at++) distance += (points[from + at]! - points[to + at]!) ** 2;
      distances[other] = distance;
      if (to !== from) nearest = Math.min(nearest, distance);
    }
    for (const distance of distances) if (distance <= nearest + margin) near++;
  }
  return near <= 4 * QUERIES;
}
