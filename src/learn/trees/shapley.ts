/**
 * What each column adds to a row's score: Shapley values of the game in which a tree's questions about unknown columns are answered by both sides, each by
 * the share of the training rows that went there. Exact, in time leaves x depth^2 a row.
 *
 * Going down the tree, a path holds for each column asked so far the share of the rows that would come this way were it unknown (`zero`), whether the row
 * does (`one`), and in `weight` the sums over all subsets of these columns by their size, so that a leaf can be counted for all subsets at once.
 * Source: Lundberg, Erion, Lee 2018, algorithm 2; the numbering of `shap`'s tree_shap.h.
 */
import { type Forest, isInSet } from "./forest.ts";

export interface Shapley {
  /** Sum of the trees' means over the training rows, one per output. */
  readonly base: Float64Array;
  /** Adds the shares of the row that begins at x[first] to values[at + column x outputs + output]. */
  add(x: Float32Array, first: number, values: Float64Array, at: number): void;
}

/** For forests with covers. */
export function createShapley(forest: Forest, covers: Float64Array, outputs: number): Shapley {
  const { roots, columns, thresholds, lefts, missingLeft, values: leafValues, setAts, setWords, vectors } = forest;
  const depth = depthOf(forest);
  const size = ((depth + 2) * (depth + 3)) / 2;
  const asked = new Int32Array(size);
  const zeros = new Float64Array(size);
  const ones = new Float64Array(size);
  const weights = new Float64Array(size);
  let x: Float32Array = new Float32Array();
  let rowAt = 0;
  let shares: Float64Array = new Float64Array();
  let sharesAt = 0;
  let output = 0;

  function visit(node: number, length: number, from: number, zero: number, one: number, column: number): void {
    const at = from + length;
    for (let index = 0; index < length; index++) {
      asked[at + index] = asked[from + index]!;
      zeros[at + index] = zeros[from + index]!;
      ones[at + index] = ones[from + index]!;
      weights[at + index] = weights[from + index]!;
    }
    extend(at, length, zero, one, column);
    const question = columns[node]!;
    if (question < 0) {
      for (let index = 1; index <= length; index++) {
        const share = unwoundSum(at, length, index) * (ones[at + index]! - zeros[at + index]!);
        addShare(node, asked[at + index]!, share);
      }
      return;
    }
    const left = lefts[node]!;
    const hot = goesLeft(node, x[rowAt + question]!) ? left : left + 1;
    const cold = hot === left ? left + 1 : left;
    let [wasZero, wasOne, held] = [1, 1, length];
    for (let index = 1; index <= length; index++) {
      if (asked[at + index] !== question) continue;
      [wasZero, wasOne] = [zeros[at + index]!, ones[at + index]!];
      unwind(at, length, index);
      held = length - 1;
      break;
    }
    const cover = covers[node]!;
    visit(hot, held + 1, at, (wasZero * covers[hot]!) / cover, wasOne, question);
    visit(cold, held + 1, at, (wasZero * covers[cold]!) / cover, 0, question);
  }

  function extend(at: number, length: number, zero: number, one: number, column: number): void {
    asked[at + length] = column;
    zeros[at + length] = zero;
    ones[at + length] = one;
    weights[at + length] = length === 0 ? 1 : 0;
    for (let index = length - 1; index >= 0; index--) {
      weights[at + index + 1]! += (one * weights[at + index]! * (index + 1)) / (length + 1);
      weights[at + index] = (zero * weights[at + index]! * (length - index)) / (length + 1);
    }
  }

  /** Takes the column at `taken` out of the path again. */
  function unwind(at: number, length: number, taken: number): void {
    const one = ones[at + taken]!;
    const zero = zeros[at + taken]!;
    let next = weights[at + length]!;
    for (let index = length - 1; index >= 0; index--) {
      const weight = weights[at + index]!;
      if (one !== 0) {
        weights[at + index] = (next * (length + 1)) / ((index + 1) * one);
        next = weight - (weights[at + index]! * zero * (length - index)) / (length + 1);
      } else weights[at + index] = (weight * (length + 1)) / (zero * (length - index));
    }
    for (let index = taken; index < length; index++) {
      asked[at + index] = asked[at + index + 1]!;
      zeros[at + index] = zeros[at + index + 1]!;
      ones[at + index] = ones[at + index + 1]!;
    }
  }

  /** The sum of the weights as they would be without the column at `taken`. */
  function unwoundSum(at: number, length: number, taken: number): number {
    const one = ones[at + taken]!;
    const zero = zeros[at + taken]!;
    let next = weights[at + length]!;
    let total = 0;
    for (let index = length - 1; index >= 0; index--) {
      if (one !== 0) {
        const weight = next / ((index + 1) * one);
        total += weight;
        next = weights[at + index]! - weight * zero * (length - index);
      } else total += weights[at + index]! / (zero * (length - index));
    }
    return total * (length + 1);
  }

  function goesLeft(node: number, value: number): boolean {
    if (Number.isNaN(value)) return missingLeft[node] === 1;
    const set = setAts[node]!;
    return set < 0 ? value <= thresholds[node]! : isInSet(setWords, set, value);
  }

  function addShare(leaf: number, column: number, share: number): void {
    const to = sharesAt + column * outputs;
    if (vectors === null) shares[to + output]! += share * leafValues[leaf]!;
    else {
      const from = vectors.ats[leaf]! * vectors.width;
      for (let k = 0; k < outputs; k++) shares[to + k]! += share * vectors.values[from + k]!;
    }
  }

  return {
    base: meansOf(forest, covers, outputs),
    add: (rows, first, values, at) => {
      [x, rowAt, shares, sharesAt] = [rows, first, values, at];
      roots.forEach((root, tree) => {
        output = tree % outputs;
        visit(root, 0, 0, 1, 1, -1);
      });
    },
  };
}

/** Questions on the longest path. */
function depthOf({ columns, lefts, roots }: Forest): number {
  const depths = new Int32Array(columns.length);
  let deepest = 0;
  // children stand behind their parents
  columns.forEach((column, node) => {
    if (column < 0) return;
    for (const child of [lefts[node]!, lefts[node]! + 1]) depths[child] = depths[node]! + 1;
    deepest = Math.max(deepest, depths[node]! + 1);
  });
  return roots.length === 0 ? 0 : deepest;
}

function meansOf({ roots, columns, lefts, values, vectors }: Forest, covers: Float64Array, outputs: number): Float64Array {
  const width = vectors?.width ?? 1;
  const means = new Float64Array(columns.length * width);
  for (let node = columns.length - 1; node >= 0; node--) {
    const left = lefts[node]!;
    for (let k = 0; k < width; k++) {
      const at = node * width + k;
      if (columns[node]! < 0) means[at] = vectors === null ? values[node]! : vectors.values[vectors.ats[node]! * width + k]!;
      else
        means[at] =
          (covers[left]! * means[left * width + k]! + covers[left + 1]! * means[(left + 1) * width + k]!) / covers[node]!;
    }
  }
  const base = new Float64Array(outputs);
  roots.forEach((root, tree) => {
    if (vectors === null) base[tree % outputs]! += means[root]!;
    else for (let k = 0; k < width; k++) base[k]! += means[root * width + k]!;
  });
  return base;
}
