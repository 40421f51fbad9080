/**
 * Singular values and right vectors of a triangle, small ones to full precision: pairs of columns are turned until all stand upright on each other.
 * Source: one-sided Jacobi, Demmel and Veselic 1992.
 */
import type { Eigen } from "./eigen.ts";

const SWEEPS_MAX = 60;

/** Of a row-major size x size matrix: squares of the singular values, descending, and the right vectors, a row each. */
export function squaresOf(matrix: Float64Array, size: number): Eigen {
  const columns = Array.from({ length: size }, (_, at) =>
    Float64Array.from({ length: size }, (_, row) => matrix[row * size + at]!),
  );
  const vectors = Array.from({ length: size }, (_, at) => Float64Array.from({ length: size }, (_, row) => Number(row === at)));
  let isTurned = true;
  for (let sweep = 0; isTurned && sweep < SWEEPS_MAX; sweep++) {
    isTurned = false;
    for (let i = 0; i < size; i++) for (let k = i + 1; k < size; k++) if (turnPair(columns, vectors, i, k)) isTurned = true;
  }
  const squares = columns.map((column) => dot(column, column));
  const order = [...squares.keys()].sort((a, b) => squares[b]! - squares[a]!);
  const found = new Float64Array(size * size);
  order.forEach((from, to) => {
    found.set(vectors[from]!, to * size);
  });
  return { values: Float64Array.from(order, (at) => squares[at]!), vectors: found };
}

function turnPair(columns: Float64Array[], vectors: Float64Array[], i: number, k: number): boolean {
  const [a, b] = [columns[i]!, columns[k]!];
  const [alpha, beta, gamma] = [dot(a, a), dot(b, b), dot(a, b)];
  if (Math.abs(gamma) <= 1e-15 * Math.sqrt(alpha * beta)) return false;
  const zeta = (beta - alpha) / (2 * gamma);
  const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  rotate(a, b, cosine, cosine * tangent);
  rotate(vectors[i]!, vectors[k]!, cosine, cosine * tangent);
  return true;
}

function rotate(a: Float64Array, b: Float64Array, cosine: number, sine: number): void {
  for (let at = 0; at < a.length; at++) {
    const other = a[at]!;
    a[at] = cosine * other - sine * b[at]!;
    b[at] = sine * other + cosine * b[at]!;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!;
  return sum;
}
