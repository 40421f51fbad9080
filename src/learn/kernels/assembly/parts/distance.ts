/** The squared distance of two points. */
export function squaredDistance(a: usize, b: usize, stride: u32): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  const end = a + ((<usize>stride) << 3);
  while (a < end) {
    const first = f64x2.sub(v128.load(a), v128.load(b));
    const second = f64x2.sub(v128.load(a, 16), v128.load(b, 16));
    low = f64x2.add(low, f64x2.mul(first, first));
    high = f64x2.add(high, f64x2.mul(second, second));
    a += 32;
    b += 32;
  }
  const sums = f64x2.add(low, high);
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}
