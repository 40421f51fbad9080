/** What training linear models repeats: products of a block of rows, row-major doubles, with itself, with weights and with residuals. */

/**
 * Adds a' b, columns x columns, to `out`: `a` and `b` have `rows` rows of `columns` doubles, a multiple of 4. Only tiles of 4 x 4 on and above the diagonal are
 * made, so `a` must be `b` with its rows weighted.
 */
export function addGram(a: usize, b: usize, rows: u32, columns: u32, out: usize): void {
  const stride = (<usize>columns) << 3;
  for (let i: usize = 0; i < stride; i += 32)
    for (let k = i; k < stride; k += 32) addTile(a + i, b + k, rows, stride, out + i * columns + k);
}

function addTile(a: usize, b: usize, rows: u32, stride: usize, out: usize): void {
  let s00 = f64x2.splat(0);
  let s01 = f64x2.splat(0);
  let s10 = f64x2.splat(0);
  let s11 = f64x2.splat(0);
  let s20 = f64x2.splat(0);
  let s21 = f64x2.splat(0);
  let s30 = f64x2.splat(0);
  let s31 = f64x2.splat(0);
  for (let row: u32 = 0; row < rows; row++) {
    const low = v128.load(b);
    const high = v128.load(b, 16);
    const a0 = v128.load_splat<f64>(a);
    s00 = f64x2.add(s00, f64x2.mul(a0, low));
    s01 = f64x2.add(s01, f64x2.mul(a0, high));
    const a1 = v128.load_splat<f64>(a, 8);
    s10 = f64x2.add(s10, f64x2.mul(a1, low));
    s11 = f64x2.add(s11, f64x2.mul(a1, high));
    const a2 = v128.load_splat<f64>(a, 16);
    s20 = f64x2.add(s20, f64x2.mul(a2, low));
    s21 = f64x2.add(s21, f64x2.mul(a2, high));
    const a3 = v128.load_splat<f64>(a, 24);
    s30 = f64x2.add(s30, f64x2.mul(a3, low));
    s31 = f64x2.add(s31, f64x2.mul(a3, high));
    a += stride;
    b += stride;
  }
  v128.store(out, f64x2.add(v128.load(out), s00));
  v128.store(out, f64x2.add(v128.load(out, 16), s01), 16);
  out += stride;
  v128.store(out, f64x2.add(v128.load(out), s10));
  v128.store(out, f64x2.add(v128.load(out, 16), s11), 16);
  out += stride;
  v128.store(out, f64x2.add(v128.load(out), s20));
  v128.store(out, f64x2.add(v128.load(out, 16), s21), 16);
  out += stride;
  v128.store(out, f64x2.add(v128.load(out), s30));
  v128.store(out, f64x2.add(v128.load(out, 16), s31), 16);
}

/** Adds to each of `scores` its row's scalar product with `weights`; `columns` is a multiple of 4. */
export function addScores(x: usize, rows: u32, columns: u32, weights: usize, scores: usize): void {
  const bytes = (<usize>columns) << 3;
  for (let row: u32 = 0; row < rows; row++) {
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    for (let at: usize = 0; at < bytes; at += 32) {
      low = f64x2.add(low, f64x2.mul(v128.load(x + at), v128.load(weights + at)));
      high = f64x2.add(high, f64x2.mul(v128.load(x + at, 16), v128.load(weights + at, 16)));
    }
    const sums = f64x2.add(low, high);
    store<f64>(scores, load<f64>(scores) + (f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1)));
    x += bytes;
    scores += 8;
  }
}

/**
 * Adds vectors of `length` doubles, each times its factor, to `sum`: columns times weights to the rows' scores, or rows times residuals to a gradient.
 * They lie `pitch` doubles apart; `count` is a multiple of 4, `length` an even number.
 */
export function addMultiples(vectors: usize, pitch: u32, count: u32, length: u32, factors: usize, sum: usize): void {
  const step = (<usize>pitch) << 3;
  const bytes = (<usize>length) << 3;
  for (let vector: u32 = 0; vector < count; vector += 4) {
    const f0 = v128.load_splat<f64>(factors);
    const f1 = v128.load_splat<f64>(factors, 8);
    const f2 = v128.load_splat<f64>(factors, 16);
    const f3 = v128.load_splat<f64>(factors, 24);
    const v1 = vectors + step;
    const v2 = v1 + step;
    const v3 = v2 + step;
    for (let at: usize = 0; at < bytes; at += 16) {
      const first = f64x2.add(f64x2.mul(f0, v128.load(vectors + at)), f64x2.mul(f1, v128.load(v1 + at)));
      const second = f64x2.add(f64x2.mul(f2, v128.load(v2 + at)), f64x2.mul(f3, v128.load(v3 + at)));
      v128.store(sum + at, f64x2.add(v128.load(sum + at), f64x2.add(first, second)));
    }
    vectors = v3 + step;
    factors += 32;
  }
}

/** Adds each column's scalar product with `residuals` to its number in `gradient`; columns lie as the vectors above. */
export function addColumnSlopes(x: usize, pitch: u32, columns: u32, rows: u32, residuals: usize, gradient: usize): void {
  const step = (<usize>pitch) << 3;
  const bytes = (<usize>rows) << 3;
  for (let column: u32 = 0; column < columns; column += 4) {
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let s2 = f64x2.splat(0);
    let s3 = f64x2.splat(0);
    const x1 = x + step;
    const x2 = x1 + step;
    const x3 = x2 + step;
    for (let at: usize = 0; at < bytes; at += 16) {
      const residual = v128.load(residuals + at);
      s0 = f64x2.add(s0, f64x2.mul(residual, v128.load(x + at)));
      s1 = f64x2.add(s1, f64x2.mul(residual, v128.load(x1 + at)));
      s2 = f64x2.add(s2, f64x2.mul(residual, v128.load(x2 + at)));
      s3 = f64x2.add(s3, f64x2.mul(residual, v128.load(x3 + at)));
    }
    addLanes(gradient, s0);
    addLanes(gradient + 8, s1);
    addLanes(gradient + 16, s2);
    addLanes(gradient + 24, s3);
    x = x3 + step;
    gradient += 32;
  }
}

function addLanes(to: usize, sums: v128): void {
  store<f64>(to, load<f64>(to) + (f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1)));
}

/** Replaces each of `count` doubles, an even number of them, by its exponential, within 2 units of the last place; 0 below -708, and as of 709 above. */
export function exponentials(values: usize, count: u32): void {
  const end = values + ((<usize>count) << 3);
  for (; values < end; values += 16) v128.store(values, exponential(v128.load(values)));
}

/** x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor polynomial of degree 13, and n goes into the exponent. */
function exponential(x: v128): v128 {
  const tiny = f64x2.lt(x, f64x2.splat(-708));
  x = f64x2.pmin(f64x2.splat(709), f64x2.pmax(f64x2.splat(-708), x));
  const n = f64x2.nearest(f64x2.mul(x, f64x2.splat(Math.LOG2E)));
  const r = f64x2.sub(
    f64x2.sub(x, f64x2.mul(n, f64x2.splat(0.6931471803691238))),
    f64x2.mul(n, f64x2.splat(1.9082149292705877e-10)),
  );
  let sum = f64x2.splat(1.0 / 6227020800.0);
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 479001600.0));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 39916800.0));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 3628800.0));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 362880.0));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 40320.0));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 5040.0));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 720.0));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 120.0));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 24.0));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 6.0));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(0.5));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1));
  // Adding 1.5 x 2^52 leaves the whole number in the low bits.
  const whole = f64x2.add(n, f64x2.splat(6755399441055744));
  const scale = i64x2.shl(i64x2.add(whole, i64x2.splat(1023)), 52);
  return v128.andnot(f64x2.mul(sum, scale), tiny);
}

/**
 * Log loss of `rows` rows, an even number and at most 512: turns `scores` into residuals p - y. The summed loss of the rows, each log(1 + e^s) - y s, is the first
 * of `sums` plus the logarithm of the second.
 */
export function logLoss(scores: usize, y: usize, rows: u32, sums: usize): void {
  const one = f64x2.splat(1);
  const zero = f64x2.splat(0);
  let product = one;
  let linear = zero;
  const end = scores + ((<usize>rows) << 3);
  while (scores < end) {
    const score = v128.load(scores);
    const label = v128.load(y);
    const small = exponential(f64x2.neg(f64x2.abs(score)));
    const whole = f64x2.add(one, small);
    product = f64x2.mul(product, whole);
    linear = f64x2.add(linear, f64x2.sub(f64x2.max(score, zero), f64x2.mul(label, score)));
    const top = v128.bitselect(one, small, f64x2.ge(score, zero));
    v128.store(scores, f64x2.sub(f64x2.div(top, whole), label));
    scores += 16;
    y += 16;
  }
  store<f64>(sums, f64x2.extract_lane(linear, 0) + f64x2.extract_lane(linear, 1));
  store<f64>(sums, f64x2.extract_lane(product, 0) * f64x2.extract_lane(product, 1), 8);
}
