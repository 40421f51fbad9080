/** Vectors of doubles. Each sum has four lanes, added in one fixed order at the end, so that a result depends on the data alone. */

/** The scalar product of two vectors of `length` doubles. */
export function dot(a: usize, b: usize, length: u32): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  const end = a + ((<usize>length & ~3) << 3);
  while (a < end) {
    low = f64x2.add(low, f64x2.mul(v128.load(a), v128.load(b)));
    high = f64x2.add(high, f64x2.mul(v128.load(a, 16), v128.load(b, 16)));
    a += 32;
    b += 32;
  }
  const sums = f64x2.add(low, high);
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  for (let rest = length & 3; rest > 0; rest--) {
    sum += load<f64>(a) * load<f64>(b);
    a += 8;
    b += 8;
  }
  return sum;
}

/** Adds `factor` times `x` to `y`, both of `length` doubles. */
export function axpy(factor: f64, x: usize, y: usize, length: u32): void {
  const factors = f64x2.splat(factor);
  const end = x + ((<usize>length & ~1) << 3);
  while (x < end) {
    v128.store(y, f64x2.add(v128.load(y), f64x2.mul(factors, v128.load(x))));
    x += 16;
    y += 16;
  }
  if ((length & 1) === 1) store<f64>(y, load<f64>(y) + factor * load<f64>(x));
}
