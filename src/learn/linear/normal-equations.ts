/** The system that least squares solve, made of the summed products of columns, the bias taken out: G w = q. */
export interface NormalEquations {
  readonly count: number;
  /** count x count. */
  readonly G: Float64Array;
  readonly q: Float64Array;
  /** Of the labels. */
  readonly square: number;
  /** Means of the columns, and of the labels. */
  readonly means: Float64Array;
  readonly labelMean: number;
}

/** `gram` is symmetric, with columns | weights | 1 | y |. */
export function centred(gram: Float64Array, size: number): NormalEquations {
  const count = size - 2;
  const total = gram[count * size + count]!;
  const sum = (column: number) => gram[count * size + column]!;
  const product = (i: number, k: number) => gram[i * size + k]! - (sum(i) * sum(k)) / total;
  const G = new Float64Array(count * count);
  for (let i = 0; i < count; i++) for (let k = 0; k < count; k++) G[i * count + k] = product(i, k);
  return {
    count,
    G,
    q: Float64Array.from({ length: count }, (_, i) => product(i, count + 1)),
    square: product(count + 1, count + 1),
    means: Float64Array.from({ length: count }, (_, i) => sum(i) / total),
    labelMean: sum(count + 1) / total,
  };
}

/** The system of the same columns, each multiplied with its scale. */
export function standardised(system: NormalEquations, scales: ArrayLike<number>): NormalEquations {
  const { count, G, q, means } = system;
  return {
    ...system,
    G: G.map((value, at) => value * scales[Math.floor(at / count)]! * scales[at % count]!),
    q: q.map((value, at) => value * scales[at]!),
    means: means.map((value, at) => value * scales[at]!),
  };
}

/** A column is made up by others when they leave less than this part of its square. */
const LEFT_MIN = 1e-8;

/**
 * w of (G + diag l2) w = q by Cholesky's decomposition of the scaled matrix. `leftOut` names columns that those before them make up; their weight is 0, as is
 * that of columns without any spread.
 */
export function solveByCholesky(
  { count, G, q, means }: NormalEquations,
  l2: Float64Array,
): { weights: Float64Array; leftOut: number[] } {
  const roots = q.map((_, i) => Math.sqrt(G[i * count + i]! + l2[i]!));
  const widest = roots.reduce((a, b) => Math.max(a, b), 0);
  const used: number[] = [];
  const leftOut: number[] = [];
  const L = new Float64Array(count * count); // row `a` of the used columns
  const z = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    if (!(roots[i]! > 1e-7 * widest)) continue;
    const row = used.length * count;
    let left = 1;
    let rest = q[i]! / roots[i]!;
    for (let a = 0; a < used.length; a++) {
      const other = used[a]!;
      let entry = G[i * count + other]! / (roots[i]! * roots[other]!);
      for (let b = 0; b < a; b++) entry -= L[row + b]! * L[a * count + b]!;
      entry /= L[a * count + a]!;
      L[row + a] = entry;
      left -= entry * entry;
      rest -= entry * z[a]!;
    }
    if (!(left > LEFT_MIN)) {
      leftOut.push(i);
      continue;
    }
    L[row + used.length] = Math.sqrt(left);
    z[used.length] = rest / Math.sqrt(left);
    used.push(i);
  }
  const weights = new Float64Array(means.length);
  for (let a = used.length - 1; a >= 0; a--) {
    let sum = z[a]!;
    for (let b = a + 1; b < used.length; b++) sum -= L[b * count + a]! * weights[used[b]!]!;
    weights[used[a]!] = sum / L[a * count + a]!;
  }
  for (const i of used) weights[i]! /= roots[i]!;
  return { weights, leftOut };
}
