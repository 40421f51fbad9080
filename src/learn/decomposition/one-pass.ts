/**
 * Means, ranges and covariance of number columns in one reading. Products are summed about a provisional mean, that of the first m rows, and corrected at the end:
 *
 *   sum (x - mean)(y - mean) = sum (x - a)(y - b) - sum (x - a) x sum (y - b) / n
 *
 * As `a` is the mean of m of the n rows, (a - mean)^2 is at most n / m times the variance, so that the correction costs few digits whatever the order of rows is.
 */
import { throwIfCancelled } from "../crew/crew.ts";
import type { FitContext } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import { createArena } from "../kernels/arena.ts";
import type { NumberStatistics } from "../points.ts";
import { addTiles, BLOCK, createBlock, createTiles, PITCH, padded, productsKernel } from "./tiles.ts";

export interface Covariance {
  readonly rowCount: number;
  readonly columns: readonly NumberStatistics[];
  /** columns x columns, sums of the products of the columns less their means; symmetric. */
  readonly products: Float64Array;
}

/** Rows between which the event loop runs. */
const CHUNK = 16 * BLOCK;

/** Null where a value is missing or so large that its square is none. Error: `learn.cancelled`. */
export async function covarianceOf(X: Frame, context: Pick<FitContext, "progress" | "signal">): Promise<Covariance | null> {
  const columns = Object.values(X.columns).map((column) =>
    column.kind === "number" ? column.values : new Float64Array(X.rowCount),
  );
  const width = columns.length;
  const arena = createArena();
  const kernel = productsKernel(arena.memory);
  const shifts = columns.map((values) => meanOf(values.subarray(0, BLOCK)));
  const [block, tiles, ranges] = [createBlock(arena, width + 1), createTiles(arena, width + 1), arena.float64(4 * width)];
  for (let at = 0; at < width; at++) ranges.set([Infinity, Infinity, -Infinity, -Infinity], at * 4);
  const places = columns.map((_, at) => block.subarray(at * PITCH, at * PITCH + BLOCK));
  const sums = new Float64Array((width + 1) ** 2);

  const addBlock = (from: number, to: number) => {
    const [tiled, rows] = padded(width + 1, to - from);
    if (to - from < BLOCK) block.fill(0);
    for (let at = 0; at < width; at++) {
      const place = places[at]!;
      place.set(columns[at]!.subarray(from, to));
      if (to - from < rows) place.fill(shifts[at]!, to - from, rows);
      kernel.shift(place.byteOffset, rows, shifts[at]!, ranges.byteOffset + at * 32);
    }
    block.fill(1, width * PITCH, width * PITCH + to - from);
    kernel.addProducts(block.byteOffset, block.byteOffset, tiled, rows, tiles.byteOffset);
  };

  for (let from = 0; from < X.rowCount; from += CHUNK) {
    const to = Math.min(X.rowCount, from + CHUNK);
    tiles.fill(0);
    for (let first = from; first < to; first += BLOCK) addBlock(first, Math.min(to, first + BLOCK));
    addTiles(tiles, width + 1, width + 1, sums);
    for (let at = 0; at < width; at++) if (!Number.isFinite(sums[at * (width + 2)]!)) return null;
    context.progress(to, X.rowCount);
    await new Promise((resolve) => setImmediate(resolve));
    throwIfCancelled(context.signal);
  }
  return centred(X.rowCount, shifts, sums, ranges);
}

function centred(rowCount: number, shifts: readonly number[], sums: Float64Array, ranges: Float64Array): Covariance {
  const width = shifts.length;
  const totals = Float64Array.from(shifts, (_, at) => sums[at * (width + 1) + width]!);
  const products = new Float64Array(width * width);
  for (let i = 0; i < width; i++)
    for (let k = i; k < width; k++) {
      const product = sums[i * (width + 1) + k]! - (totals[i]! * totals[k]!) / rowCount;
      products[i * width + k] = products[k * width + i] = i === k ? Math.max(0, product) : product;
    }
  const columns = shifts.map((shift, at): NumberStatistics => {
    const away = totals[at]! / rowCount;
    const least = Math.min(ranges[at * 4]!, ranges[at * 4 + 1]!) - away;
    const greatest = Math.max(ranges[at * 4 + 2]!, ranges[at * 4 + 3]!) - away;
    const deviation = Math.sqrt(products[at * (width + 1)]! / rowCount);
    return { mean: shift + away, deviation, farthest: Math.max(-least, greatest), missing: false };
  });
  return { rowCount, columns, products };
}

const meanOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
