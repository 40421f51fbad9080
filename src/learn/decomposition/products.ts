/**
 * Sums over the rows, the job of a crew: products of all dimensions with each other, a triangle with the same products, or products with a few directions. Members
 * make the points of a block themselves, so rows have no limit but the frame's. Chunks depend on the data alone and are added in their order.
 */
import { type Member, throwIfCancelled } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import type { FitContext } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import { createArena } from "../kernels/arena.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { LinearKernel } from "../kernels/linear.ts";
import { triangularise } from "../linear/orthogonal.ts";
import { pointFiller } from "../point-rows.ts";
import type { PointSpace } from "../points.ts";

export interface ProductsOrder {
  readonly X: Frame;
  readonly space: PointSpace;
  readonly weights: Float64Array | undefined;
  readonly what: Products;
  readonly chunks: number;
  /** Shared: a result per chunk. */
  readonly partials: Float64Array;
}

export type Products =
  /** size x size, the last column of the points being 1; on and above the diagonal. */
  | { readonly kind: "gram" }
  /** Sums of the dimensions, of 1, and of the squares of all coordinates. */
  | { readonly kind: "moments" }
  /** R of the points less `means`, width x width: R'R is their products. */
  | { readonly kind: "triangle"; readonly means: Float64Array }
  /** X' X D for directions D (a row each): less `means`; row-major, directions x width. */
  | { readonly kind: "directions"; readonly means: Float64Array; readonly directions: Float64Array };

const BLOCK = 256;

/** Doubles of a row: the dimensions, a 1 and zeros. */
export const strideOf = (width: number) => Math.ceil((width + 1) / 4) * 4;

export function sizeOf(width: number, what: Products): number {
  if (what.kind === "gram") return strideOf(width) ** 2;
  if (what.kind === "moments") return width + 2;
  return what.kind === "triangle" ? width * width : what.directions.length;
}

export function sumProducts(order: ProductsOrder, member: Member): Float64Array | null {
  const { X, space, what, chunks, partials } = order;
  const size = sizeOf(space.width, what);
  const add = adderOf(order);
  for (let chunk = member.index; chunk < chunks; chunk += member.count) {
    add(...share(X.rowCount, chunk, chunks), partials.subarray(chunk * size, (chunk + 1) * size).fill(0));
    member.progress(Math.min(chunk + member.count, chunks), chunks + 1);
  }
  member.barrier();
  if (member.index > 0) return null;
  const total = createTotal(space.width, what);
  for (let chunk = 0; chunk < chunks; chunk++) total.take(partials.subarray(chunk * size, (chunk + 1) * size));
  return total.value();
}

/** The same on the calling thread, a chunk at a time, between which its event loop runs: for rows that would take longer to copy than to add. */
export async function sumProductsHere(
  order: Omit<ProductsOrder, "partials">,
  context: Pick<FitContext, "progress" | "signal">,
): Promise<Float64Array> {
  const { X, space, what, chunks } = order;
  const add = adderOf(order);
  const partial = new Float64Array(sizeOf(space.width, what));
  const total = createTotal(space.width, what);
  for (let chunk = 0; chunk < chunks; chunk++) {
    add(...share(X.rowCount, chunk, chunks), partial.fill(0));
    total.take(partial);
    context.progress(chunk + 1, chunks + 1);
    await new Promise((resolve) => setImmediate(resolve));
    throwIfCancelled(context.signal);
  }
  return total.value();
}

/** The chunks' results together, in their order. */
function createTotal(width: number, what: Products): { take(partial: Float64Array): void; value(): Float64Array } {
  const size = sizeOf(width, what);
  if (what.kind !== "triangle") {
    const sum = new Float64Array(size);
    const take = (partial: Float64Array) => {
      for (let at = 0; at < size; at++) sum[at]! += partial[at]!;
    };
    return { take, value: () => sum };
  }
  const stack = new Float64Array(2 * size);
  const take = (partial: Float64Array) => {
    stack.set(partial, size);
    triangularise(stack, 2 * width, width);
  };
  return { take, value: () => stack.slice(0, size) };
}

type Adder = (from: number, to: number, into: Float64Array) => void;

function adderOf({ X, space, weights, what }: Omit<ProductsOrder, "partials">): Adder {
  const { width } = space;
  const stride = strideOf(width);
  const arena = createArena();
  const kernel = instantiateKernel<LinearKernel>("linear", arena.memory);
  const [plain, weighted] = [arena.float64(BLOCK * stride), arena.float64(BLOCK * stride)];
  const fill = pointFiller(space, X, stride);
  const rowsOf = (from: number, to: number, means: Float64Array | null, power: number) => {
    fill(from, to, plain);
    for (let row = from, first = 0; row < to; row++, first += stride) {
      if (means === null) plain[first + width] = 1;
      else for (let at = 0; at < width; at++) plain[first + at]! -= means[at]!;
      if (weights === undefined) continue;
      const weight = weights[row]! ** power;
      for (let at = first; at < first + stride; at++) weighted[at] = weight * plain[at]!;
    }
    return weights === undefined ? plain : weighted;
  };
  const eachBlock = (from: number, to: number, visit: (first: number, end: number) => void) => {
    for (let first = from; first < to; first += BLOCK) visit(first, Math.min(to, first + BLOCK));
  };
  switch (what.kind) {
    case "gram": {
      const out = arena.float64(stride * stride);
      return (from, to, into) => {
        out.fill(0);
        eachBlock(from, to, (first, end) => {
          const x = rowsOf(first, end, null, 1);
          kernel.addGram(x.byteOffset, plain.byteOffset, end - first, stride, out.byteOffset);
        });
        into.set(out);
      };
    }
    case "moments":
      return (from, to, into) =>
        eachBlock(from, to, (first, end) => {
          const x = rowsOf(first, end, null, 1);
          for (let row = 0; row < end - first; row++)
            for (let at = 0; at <= width; at++) {
              const value = x[row * stride + at]!;
              into[at]! += value;
              if (at < width) into[width + 1]! += value * plain[row * stride + at]!;
            }
        });
    case "triangle":
      return (from, to, into) => {
        const stack = new Float64Array((width + BLOCK) * width);
        eachBlock(from, to, (first, end) => {
          const x = rowsOf(first, end, what.means, 0.5);
          for (let row = 0; row < end - first; row++)
            stack.set(x.subarray(row * stride, row * stride + width), (width + row) * width);
          triangularise(stack, width + end - first, width);
        });
        into.set(stack.subarray(0, width * width));
      };
    case "directions": {
      const count = what.directions.length / width;
      const [direction, scores, sums] = [arena.float64(count * stride), arena.float64(BLOCK), arena.float64(count * stride)];
      for (let at = 0; at < count; at++) direction.set(what.directions.subarray(at * width, (at + 1) * width), at * stride);
      return (from, to, into) => {
        sums.fill(0);
        eachBlock(from, to, (first, end) => {
          const x = rowsOf(first, end, what.means, 1);
          const rows = Math.ceil((end - first) / 4) * 4;
          plain.fill(0, (end - first) * stride, rows * stride);
          weighted.fill(0, (end - first) * stride, rows * stride);
          for (let at = 0; at < count; at++) {
            scores.fill(0);
            kernel.addScores(plain.byteOffset, rows, stride, direction.byteOffset + at * stride * 8, scores.byteOffset);
            kernel.addMultiples(x.byteOffset, stride, rows, stride, scores.byteOffset, sums.byteOffset + at * stride * 8);
          }
        });
        for (let at = 0; at < count; at++) into.set(sums.subarray(at * stride, at * stride + width), at * width);
      };
    }
  }
}
