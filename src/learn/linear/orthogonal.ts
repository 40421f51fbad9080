/** Least squares by orthogonal reflections (Householder), for columns that nearly make each other up: the products of columns would lose the difference. */

/** Makes the first `steps` columns of a row-major matrix upper triangular, in place. */
export function triangularise(matrix: Float64Array, rowCount: number, columnCount: number, steps = columnCount): void {
  const sums = new Float64Array(columnCount);
  for (let step = 0; step < Math.min(steps, rowCount); step++) reflect(matrix, rowCount, columnCount, step, sums);
}

function reflect(matrix: Float64Array, rowCount: number, columnCount: number, step: number, sums: Float64Array): void {
  let square = 0;
  for (let row = step; row < rowCount; row++) square += matrix[row * columnCount + step]! ** 2;
  if (square === 0) return;
  const head = matrix[step * columnCount + step]!;
  const diagonal = head > 0 ? -Math.sqrt(square) : Math.sqrt(square);
  matrix[step * columnCount + step] = head - diagonal;
  const half = square - head * diagonal; // half the square of the reflected vector
  sums.fill(0);
  for (let row = step; row < rowCount; row++) {
    const first = row * columnCount;
    const factor = matrix[first + step]! / half;
    if (factor !== 0) for (let k = step + 1; k < columnCount; k++) sums[k]! += factor * matrix[first + k]!;
  }
  for (let row = step; row < rowCount; row++) {
    const first = row * columnCount;
    const factor = matrix[first + step]!;
    if (factor !== 0) for (let k = step + 1; k < columnCount; k++) matrix[first + k]! -= factor * sums[k]!;
  }
  matrix[step * columnCount + step] = diagonal;
  for (let row = step + 1; row < rowCount; row++) matrix[row * columnCount + step] = 0;
}

/**
 * The shortest x that makes |A x - b| least, for a triangle [A b] of `size` rows, b its last column. Columns that others make up to `RANK` count once.
 * Source: Golub and Van Loan, complete orthogonal decomposition, 5.5.2.
 */
export function shortestSolution(triangle: Float64Array, size: number): Float64Array {
  const count = size - 1;
  const matrix = Float64Array.from(triangle);
  const order = Array.from({ length: count }, (_, column) => column);
  const sums = new Float64Array(size);
  let rank = 0;
  for (; rank < count; rank++) {
    swap(matrix, size, order, rank, longest(matrix, size, rank));
    reflect(matrix, size, size, rank, sums);
    if (!(Math.abs(matrix[rank * size + rank]!) > RANK * Math.abs(matrix[0]!))) break;
  }
  return unpivoted(rank, size, matrix, order);
}

const RANK = 1e-12;

/** The column from `step` on with the most left below row `step`. */
function longest(matrix: Float64Array, size: number, step: number): number {
  let [found, most] = [step, -1];
  for (let column = step; column < size - 1; column++) {
    let square = 0;
    for (let row = step; row < size; row++) square += matrix[row * size + column]! ** 2;
    if (square > most) [found, most] = [column, square];
  }
  return found;
}

function swap(matrix: Float64Array, size: number, order: number[], a: number, b: number): void {
  if (a === b) return;
  [order[a], order[b]] = [order[b]!, order[a]!];
  for (let first = 0; first < matrix.length; first += size)
    [matrix[first + a], matrix[first + b]] = [matrix[first + b]!, matrix[first + a]!];
}

/** With the first `rank` rows [R c]: the shortest x with R x = c is Q T'^-1 c, where R' = Q T; [R' 1] is made [T Q'] to have both. */
function unpivoted(rank: number, size: number, matrix: Float64Array, order: readonly number[]): Float64Array {
  const count = size - 1;
  const width = rank + count;
  const turned = new Float64Array(count * width);
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < rank; column++) turned[row * width + column] = matrix[column * size + row]!;
    turned[row * width + rank + row] = 1;
  }
  triangularise(turned, count, width, rank);
  const x = new Float64Array(count);
  const z = new Float64Array(rank);
  for (let step = 0; step < rank; step++) {
    let sum = matrix[step * size + count]!;
    for (let k = 0; k < step; k++) sum -= turned[k * width + step]! * z[k]!;
    z[step] = sum / turned[step * width + step]!;
    for (let column = 0; column < count; column++) x[order[column]!]! += z[step]! * turned[step * width + rank + column]!;
  }
  return x;
}
