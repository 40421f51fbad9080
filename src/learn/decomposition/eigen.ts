/**
 * Eigenvalues and vectors of a symmetric matrix: Householder reflections to a tridiagonal one, then implicit QL steps with shifts.
 * Source: Wilkinson and Reinsch 1971, tred2 and tql2. About 4 size^3 operations.
 */
export interface Eigen {
  /** Descending. */
  readonly values: Float64Array;
  /** Row-major: a unit vector per row, in the order of the values. */
  readonly vectors: Float64Array;
}

const ROUNDING = 2 ** -52;

/** `matrix` is row-major, size x size, and finite; it stays as it is. */
export function eigenOf(matrix: Float64Array, size: number): Eigen {
  const v = Array.from({ length: size }, (_, row) => matrix.slice(row * size, (row + 1) * size));
  const [d, e] = [new Float64Array(size), new Float64Array(size)];
  tridiagonalise(v, d, e, size);
  // Columns of v are turned in pairs: kept as rows, they lie together.
  const rows = Array.from({ length: size }, (_, column) => Float64Array.from(v, (row) => row[column]!));
  turn(rows, d, e, size);
  const order = [...d.keys()].sort((a, b) => d[b]! - d[a]!);
  const vectors = new Float64Array(size * size);
  order.forEach((from, to) => {
    vectors.set(rows[from]!, to * size);
  });
  return { values: Float64Array.from(order, (at) => d[at]!), vectors };
}

function tridiagonalise(v: Float64Array[], d: Float64Array, e: Float64Array, n: number): void {
  d.set(v[n - 1]!);
  for (let i = n - 1; i > 0; i--) {
    let [scale, h] = [0, 0];
    for (let k = 0; k < i; k++) scale += Math.abs(d[k]!);
    if (scale === 0) {
      e[i] = d[i - 1]!;
      for (let j = 0; j < i; j++) {
        d[j] = v[i - 1]![j]!;
        v[i]![j] = 0;
        v[j]![i] = 0;
      }
    } else {
      for (let k = 0; k < i; k++) {
        d[k]! /= scale;
        h += d[k]! * d[k]!;
      }
      const f = d[i - 1]!;
      const g = f > 0 ? -Math.sqrt(h) : Math.sqrt(h);
      e[i] = scale * g;
      h -= f * g;
      d[i - 1] = f - g;
      e.fill(0, 0, i);
      for (let j = 0; j < i; j++) {
        const dj = d[j]!;
        v[j]![i] = dj;
        let sum = e[j]! + v[j]![j]! * dj;
        for (let k = j + 1; k < i; k++) {
          const vkj = v[k]![j]!;
          sum += vkj * d[k]!;
          e[k]! += vkj * dj;
        }
        e[j] = sum;
      }
      let product = 0;
      for (let j = 0; j < i; j++) {
        e[j]! /= h;
        product += e[j]! * d[j]!;
      }
      const half = product / (h + h);
      for (let j = 0; j < i; j++) e[j]! -= half * d[j]!;
      for (let j = 0; j < i; j++) {
        const [dj, ej] = [d[j]!, e[j]!];
        for (let k = j; k < i; k++) v[k]![j]! -= dj * e[k]! + ej * d[k]!;
        d[j] = v[i - 1]![j]!;
        v[i]![j] = 0;
      }
    }
    d[i] = h;
  }
  for (let i = 0; i < n - 1; i++) {
    v[n - 1]![i] = v[i]![i]!;
    v[i]![i] = 1;
    const h = d[i + 1]!;
    if (h !== 0) {
      for (let k = 0; k <= i; k++) d[k] = v[k]![i + 1]! / h;
      const sums = new Float64Array(i + 1);
      for (let k = 0; k <= i; k++) {
        const [row, factor] = [v[k]!, v[k]![i + 1]!];
        for (let j = 0; j <= i; j++) sums[j]! += factor * row[j]!;
      }
      for (let k = 0; k <= i; k++) {
        const [row, factor] = [v[k]!, d[k]!];
        for (let j = 0; j <= i; j++) row[j]! -= sums[j]! * factor;
      }
    }
    for (let k = 0; k <= i; k++) v[k]![i + 1] = 0;
  }
  for (let j = 0; j < n; j++) {
    d[j] = v[n - 1]![j]!;
    v[n - 1]![j] = 0;
  }
  v[n - 1]![n - 1] = 1;
  e[0] = 0;
}

/** QL steps until nothing is left beside the diagonal; `rows` are the vectors. */
function turn(rows: Float64Array[], d: Float64Array, e: Float64Array, n: number): void {
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  let [f, largest] = [0, 0];
  for (let l = 0; l < n; l++) {
    largest = Math.max(largest, Math.abs(d[l]!) + Math.abs(e[l]!));
    let m = l;
    while (m < n - 1 && Math.abs(e[m]!) > ROUNDING * largest) m++;
    if (m > l)
      do {
        let g = d[l]!;
        let p = (d[l + 1]! - g) / (2 * e[l]!);
        let r = p < 0 ? -Math.sqrt(p * p + 1) : Math.sqrt(p * p + 1);
        d[l] = e[l]! / (p + r);
        d[l + 1] = e[l]! * (p + r);
        const next = d[l + 1]!;
        let h = g - d[l]!;
        for (let i = l + 2; i < n; i++) d[i]! -= h;
        f += h;
        p = d[m]!;
        let [c, c2, c3, s, s2] = [1, 1, 1, 0, 0];
        const beside = e[l + 1]!;
        for (let i = m - 1; i >= l; i--) {
          [c3, c2, s2] = [c2, c, s];
          g = c * e[i]!;
          h = c * p;
          r = Math.sqrt(p * p + e[i]! * e[i]!);
          e[i + 1] = s * r;
          s = r === 0 ? 0 : e[i]! / r;
          c = r === 0 ? 1 : p / r;
          p = c * d[i]! - s * g;
          d[i + 1] = h + s * (c * g + s * d[i]!);
          const [low, high] = [rows[i]!, rows[i + 1]!];
          for (let k = 0; k < n; k++) {
            const other = high[k]!;
            high[k] = s * low[k]! + c * other;
            low[k] = c * low[k]! - s * other;
          }
        }
        p = (-s * s2 * c3 * beside * e[l]!) / next;
        e[l] = s * p;
        d[l] = c * p;
      } while (Math.abs(e[l]!) > ROUNDING * largest);
    d[l]! += f;
    e[l] = 0;
  }
}
