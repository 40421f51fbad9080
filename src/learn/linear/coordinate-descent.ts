/**
 * Minimises |y - X w|^2 / 2 + sum of l1 |w| + sum of l2 w^2 / 2 one weight after the other, on the products of the columns. The duality gap bounds how far
 * the value is from the least one. Sources: Friedman, Hastie and Tibshirani 2010; scikit-learn `_cd_fast.pyx` (the gap and when to ask for it).
 */
import type { NormalEquations } from "./normal-equations.ts";

export interface Descent {
  readonly weights: Float64Array;
  readonly iterations: number;
  readonly converged: boolean;
}

/** Ends when the gap is at most `tolerance` x the labels' square. `l1` is above 0 for every weight that has a penalty. */
export function descend(
  system: NormalEquations,
  l1: Float64Array,
  l2: Float64Array,
  { iterationsMax, tolerance }: { readonly iterationsMax: number; readonly tolerance: number },
): Descent {
  const { count, G, q, square } = system;
  const weights = new Float64Array(count);
  const left = Float64Array.from(q); // q - G w
  const goal = tolerance * square;
  const widest = q.reduce((most, _, j) => Math.max(most, G[j * count + j]!), 0);
  for (let iteration = 1; iteration <= iterationsMax; iteration++) {
    let [moved, largest] = [0, 0];
    for (let j = 0; j < count; j++) {
      const own = G[j * count + j]!;
      if (!(own > 1e-14 * widest)) continue;
      const before = weights[j]!;
      const pull = left[j]! + own * before;
      const after = (Math.sign(pull) * Math.max(0, Math.abs(pull) - l1[j]!)) / (own + l2[j]!);
      if (after !== before) {
        const step = after - before;
        for (let k = 0, at = j * count; k < count; k++, at++) left[k]! -= step * G[at]!;
        weights[j] = after;
      }
      const unit = Math.sqrt(own);
      moved = Math.max(moved, Math.abs(after - before) * unit);
      largest = Math.max(largest, Math.abs(after) * unit);
    }
    const still = moved <= tolerance * largest;
    if ((still || iteration % 10 === 0) && gapOf(system, weights, left, l1, l2) <= goal)
      return { weights, iterations: iteration, converged: true };
  }
  return { weights, iterations: iterationsMax, converged: gapOf(system, weights, left, l1, l2) <= goal };
}

function gapOf(
  { count, q, square }: NormalEquations,
  weights: Float64Array,
  left: Float64Array,
  l1: Float64Array,
  l2: Float64Array,
): number {
  let [scale, sizes, squares, explained, residual] = [1, 0, 0, 0, square];
  for (let j = 0; j < count; j++) {
    const weight = weights[j]!;
    const slope = Math.abs(left[j]! - l2[j]! * weight);
    if (slope > l1[j]! && l1[j]! > 0) scale = Math.min(scale, l1[j]! / slope);
    sizes += l1[j]! * Math.abs(weight);
    squares += l2[j]! * weight * weight;
    explained += q[j]! * weight;
    residual -= weight * (q[j]! + left[j]!); // w'G w - 2 q'w, as G w = q - left
  }
  return (residual * (1 + scale * scale)) / 2 + sizes - scale * (square - explained) + (squares * (1 + scale * scale)) / 2;
}
