/**
 * Derivatives of losses by the score, rounded to integers and written into the rows' records (`histogram.ts`): gradient x gradientScale, hessian x hessianScale.
 * `weights` is 0 where there are none. Scores of a row are `outputs` doubles.
 */

/** Added to a number below 2^31 it leaves the nearest integer in the low bits, as two's complement; to take it off again gives that integer as a double. */
const NEAREST: f64 = 6755399441055744;

/** Log loss of two classes: p = 1 / (1 + e^-s); gradient p - y, hessian p (1 - p). */
export function logistic(
  y: usize,
  weights: usize,
  scores: usize,
  from: u32,
  to: u32,
  records: usize,
  stride: usize,
  gradientScale: f64,
  hessianScale: f64,
): void {
  const one = f64x2.splat(1);
  for (let row = from; row < to; row += 2) {
    const pair = row + 1 < to;
    const p = f64x2.div(one, f64x2.add(one, exp(f64x2.neg(two(scores, row, pair)))));
    const gradient = f64x2.sub(p, two(y, row, pair));
    const hessian = f64x2.mul(p, f64x2.sub(one, p));
    write(gradient, hessian, weights, row, pair, records, stride, gradientScale, hessianScale);
  }
}

/** Squared loss: gradient s - y, hessian 1. */
export function squared(
  y: usize,
  weights: usize,
  scores: usize,
  from: u32,
  to: u32,
  records: usize,
  stride: usize,
  gradientScale: f64,
  hessianScale: f64,
): void {
  const one = f64x2.splat(1);
  for (let row = from; row < to; row += 2) {
    const pair = row + 1 < to;
    const gradient = f64x2.sub(two(scores, row, pair), two(y, row, pair));
    write(gradient, one, weights, row, pair, records, stride, gradientScale, hessianScale);
  }
}

/** The largest |s - y| w of rows `from` to `to`. */
export function largestResidual(y: usize, weights: usize, scores: usize, from: u32, to: u32): f64 {
  let largest: f64 = 0;
  for (let row = from; row < to; row++) {
    const at = (<usize>row) << 3;
    const residual = abs(load<f64>(scores + at) - load<f64>(y + at)) * (weights === 0 ? 1 : load<f64>(weights + at));
    largest = max(largest, residual);
  }
  return largest;
}

/** Of each row its largest score, and 1 / (sum of e^(s - largest)): two doubles. */
export function normalise(scores: usize, outputs: u32, normalisers: usize, from: u32, to: u32): void {
  for (let row = from; row < to; row++) {
    const first = scores + ((<usize>row * outputs) << 3);
    let largest = load<f64>(first);
    for (let k: usize = 1; k < <usize>outputs; k++) largest = max(largest, load<f64>(first + (k << 3)));
    const shift = f64x2.splat(largest);
    let sums = f64x2.splat(0);
    let k: usize = 0;
    for (; k + 2 <= <usize>outputs; k += 2) sums = f64x2.add(sums, exp(f64x2.sub(v128.load(first + (k << 3)), shift)));
    let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
    if (k < <usize>outputs) sum += f64x2.extract_lane(exp(f64x2.sub(v128.load64_splat(first + (k << 3)), shift)), 0);
    const at = normalisers + ((<usize>row) << 4);
    store<f64>(at, largest);
    store<f64>(at, 1 / sum, 8);
  }
}

/** Softmax: p_k = e^(s_k - largest) / sum; gradient p_k - [y = k], hessian p_k (1 - p_k). */
export function softmax(
  y: usize,
  weights: usize,
  scores: usize,
  outputs: u32,
  output: u32,
  normalisers: usize,
  from: u32,
  to: u32,
  records: usize,
  stride: usize,
  gradientScale: f64,
  hessianScale: f64,
): void {
  const one = f64x2.splat(1);
  const wanted = f64x2.splat(<f64>output);
  const wide = (<usize>outputs) << 3;
  for (let row = from; row < to; row += 2) {
    const pair = row + 1 < to;
    const own = scores + <usize>row * wide + ((<usize>output) << 3);
    const other = pair ? own + wide : own;
    const norm = normalisers + ((<usize>row) << 4);
    const otherNorm = pair ? norm + 16 : norm;
    const shifted = f64x2(load<f64>(own) - load<f64>(norm), load<f64>(other) - load<f64>(otherNorm));
    const p = f64x2.mul(exp(shifted), f64x2(load<f64>(norm, 8), load<f64>(otherNorm, 8)));
    const isClass = v128.and(f64x2.eq(two(y, row, pair), wanted), one);
    write(
      f64x2.sub(p, isClass),
      f64x2.mul(p, f64x2.sub(one, p)),
      weights,
      row,
      pair,
      records,
      stride,
      gradientScale,
      hessianScale,
    );
  }
}

/** Derivatives that were worked out elsewhere, weights included: `raw` has gradient and hessian of each row. */
export function round(
  raw: usize,
  from: u32,
  to: u32,
  records: usize,
  stride: usize,
  gradientScale: f64,
  hessianScale: f64,
): void {
  const scales = f64x2(gradientScale, hessianScale);
  for (let row = from; row < to; row++) {
    const rounded = f64x2.nearest(f64x2.mul(v128.load(raw + ((<usize>row) << 4)), scales));
    v128.store64_lane(records + <usize>row * stride, i32x4.trunc_sat_f64x2_s_zero(rounded), 0);
  }
}

/** The doubles of rows `row` and `row + 1`; of `row` twice where it is the last. */
// @ts-ignore: decorator
@inline
function two(values: usize, row: u32, pair: bool): v128 {
  const at = values + ((<usize>row) << 3);
  return pair ? v128.load(at) : v128.load64_splat(at);
}

// @ts-ignore: decorator
@inline
function write(
  gradient: v128,
  hessian: v128,
  weights: usize,
  row: u32,
  pair: bool,
  records: usize,
  stride: usize,
  gradientScale: f64,
  hessianScale: f64,
): void {
  if (weights !== 0) {
    const weight = two(weights, row, pair);
    gradient = f64x2.mul(gradient, weight);
    hessian = f64x2.mul(hessian, weight);
  }
  const g = f64x2.add(f64x2.mul(gradient, f64x2.splat(gradientScale)), f64x2.splat(NEAREST));
  const h = f64x2.add(f64x2.mul(hessian, f64x2.splat(hessianScale)), f64x2.splat(NEAREST));
  const both = v128.shuffle<i32>(g, h, 0, 4, 2, 6);
  const at = records + <usize>row * stride;
  v128.store64_lane(at, both, 0);
  if (pair) v128.store64_lane(at + stride, both, 1);
}

/** e^x within 1e-14 of itself: x = n ln 2 + r, e^r by its series. */
// @ts-ignore: decorator
@inline
function exp(x: v128): v128 {
  const within = f64x2.pmax(f64x2.pmin(x, f64x2.splat(700)), f64x2.splat(-700));
  const rounded = f64x2.add(f64x2.mul(within, f64x2.splat(Math.LOG2E)), f64x2.splat(NEAREST));
  const n = f64x2.sub(rounded, f64x2.splat(NEAREST));
  let r = f64x2.sub(within, f64x2.mul(n, f64x2.splat(0.6931471803691238)));
  r = f64x2.sub(r, f64x2.mul(n, f64x2.splat(1.9082149292705877e-10)));
  let sum = f64x2.splat(2.505210838544172e-8);
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(2.755731922398589e-7));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(2.7557319223985893e-6));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(2.48015873015873e-5));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.984126984126984e-4));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.388888888888889e-3));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(8.333333333333333e-3));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(4.1666666666666664e-2));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.6666666666666666e-1));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(0.5));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1));
  return f64x2.mul(sum, i64x2.shl(i64x2.add(rounded, i64x2.splat(1023)), 52));
}
