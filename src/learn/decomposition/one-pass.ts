/**
 * Means, ranges and covariance of number columns in one reading. Products are summed about a provisional mean, that of the first m rows, and corrected at the end:
 *
 *   sum (x - mean)(y - mean) = sum (x - a)(y - b) - sum (x - a) x sum (y - b) / n
 *
 * As `a` is the mean of m of the n rows, (a - mean)^2 is at most n / m times the variance, so that the correction costs few digits whatever the order of rows is.
 * Chunks of rows are multiplied by the calling thread, and by helpers (`helpers.ts`) as soon as they have started; they are added in the rows' order.
 */
import { throwIfCancelled } from "../crew/crew.ts";
import type { FitContext } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import type { NumberStatistics } from "../points.ts";
import { CHUNK, type ChunkSums, createMultiplier, emptySums } from "./chunk-products.ts";
import { callHelpers, type Helpers } from "./helpers.ts";
import { BLOCK } from "./tiles.ts";

export interface Covariance {
  readonly rowCount: number;
  readonly columns: readonly NumberStatistics[];
  /** columns x columns, sums of the products of the columns less their means; symmetric. */
  readonly products: Float64Array;
}

/** With fewer products the calling thread has done before a helper has started. */
const HELPED_PRODUCTS_MIN = 1e9;

/** Null where a value is missing or so large that its square is none. Errors: `learn.cancelled`, `learn.worker-lost`. */
export async function covarianceOf(
  X: Frame,
  context: Pick<FitContext, "progress" | "signal" | "threads">,
): Promise<Covariance | null> {
  const columns = Object.values(X.columns).map((column) =>
    column.kind === "number" ? column.values : new Float64Array(X.rowCount),
  );
  const shifts = Float64Array.from(columns, (values) => meanOf(values.subarray(0, BLOCK)));
  const helped = X.rowCount * columns.length ** 2 >= HELPED_PRODUCTS_MIN;
  const helpers = callHelpers(shifts, helped ? Math.floor(context.threads) - 1 : 0, context.signal);
  try {
    const total = await sumChunks(columns, X.rowCount, shifts, helpers, context);
    return total === null ? null : centred(X.rowCount, shifts, total);
  } finally {
    await helpers.dismiss();
  }
}

async function sumChunks(
  columns: readonly Float64Array[],
  rowCount: number,
  shifts: Float64Array,
  helpers: Helpers,
  { progress, signal }: Pick<FitContext, "progress" | "signal">,
): Promise<ChunkSums | null> {
  const chunks = Math.ceil(rowCount / CHUNK);
  const range = (chunk: number) => [chunk * CHUNK, Math.min(rowCount, (chunk + 1) * CHUNK)] as const;
  const multiply = createMultiplier(shifts);
  const total = emptySums(columns.length);
  const early = new Map<number, ChunkSums>();
  let [next, added, isWhole] = [0, 0, true];
  const take = (chunk: number, sums: ChunkSums) => {
    early.set(chunk, sums);
    for (let first = early.get(added); first !== undefined; first = early.get(added)) {
      early.delete(added++);
      isWhole &&= addTo(total, first);
    }
  };
  while (added < chunks && isWhole) {
    helpers.collect(take);
    while (next < chunks && helpers.offer(next, columns, ...range(next))) next++;
    if (next < chunks) {
      const own = emptySums(columns.length);
      multiply(columns, ...range(next), own);
      take(next++, own);
    }
    progress(Math.min(added * CHUNK, rowCount), rowCount);
    const isWaiting = next === chunks && added < chunks; // for helpers, some milliseconds
    await new Promise((resolve) => (isWaiting ? setTimeout(resolve, 1) : setImmediate(resolve)));
    throwIfCancelled(signal);
  }
  return isWhole ? total : null;
}

/** Whether all squares are numbers. */
function addTo(total: ChunkSums, { products, ranges }: ChunkSums): boolean {
  for (let at = 0; at < products.length; at++) total.products[at]! += products[at]!;
  for (let at = 0; at < ranges.length; at++)
    total.ranges[at] = (at % 4 < 2 ? Math.min : Math.max)(total.ranges[at]!, ranges[at]!);
  const width = ranges.length / 4;
  for (let at = 0; at < width; at++) if (!Number.isFinite(total.products[at * (width + 2)]!)) return false;
  return true;
}

function centred(rowCount: number, shifts: Float64Array, { products: sums, ranges }: ChunkSums): Covariance {
  const width = shifts.length;
  const totals = shifts.map((_, at) => sums[at * (width + 1) + width]!);
  const products = new Float64Array(width * width);
  for (let i = 0; i < width; i++)
    for (let k = i; k < width; k++) {
      const product = sums[i * (width + 1) + k]! - (totals[i]! * totals[k]!) / rowCount;
      products[i * width + k] = products[k * width + i] = i === k ? Math.max(0, product) : product;
    }
  const columns = Array.from(shifts, (shift, at): NumberStatistics => {
    const away = totals[at]! / rowCount;
    const least = Math.min(ranges[at * 4]!, ranges[at * 4 + 1]!) - away;
    const greatest = Math.max(ranges[at * 4 + 2]!, ranges[at * 4 + 3]!) - away;
    const deviation = Math.sqrt(products[at * (width + 1)]! / rowCount);
    return { mean: shift + away, deviation, farthest: Math.max(-least, greatest), missing: false };
  });
  return { rowCount, columns, products };
}

const meanOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
