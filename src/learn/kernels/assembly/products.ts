/**
 * Products of columns with each other, in double. Columns lie one after the other, a multiple of 3 of them, so that the rows go side by side
 * through the processor and nothing is transposed.
 *
 *   out: the tiles of 3 x 3 columns on and above the diagonal, row by row of tiles; in a tile nine pairs of doubles, whose sum is the product of two columns
 */

/** Bytes from one column to the next: `PITCH` of `decomposition/tiles.ts`. A constant, so that the loads of three columns share an address. */
const PITCH: usize = 2056 * 8;

/** Adds the products of `a` with `b`, each of `rows` rows, a multiple of 8. `a` must be `b`, or `b` with its rows weighted. */
export function addProducts(a: usize, b: usize, columns: u32, rows: u32, out: usize): void {
  for (let i: u32 = 0; i < columns; i += 3) {
    let other = b;
    for (let k = i; k < columns; k += 3) {
      addTile(a, other, (<usize>rows) << 3, out);
      other += PITCH * 3;
      out += 144;
    }
    a += PITCH * 3;
    b += PITCH * 3;
  }
}

function addTile(a: usize, b: usize, bytes: usize, out: usize): void {
  let s00 = v128.load(out);
  let s01 = v128.load(out, 16);
  let s02 = v128.load(out, 32);
  let s10 = v128.load(out, 48);
  let s11 = v128.load(out, 64);
  let s12 = v128.load(out, 80);
  let s20 = v128.load(out, 96);
  let s21 = v128.load(out, 112);
  let s22 = v128.load(out, 128);
  for (const end = a + bytes; a < end; a += 64) {
    let y0 = v128.load(b);
    let y1 = v128.load(b, PITCH * 1 + 0);
    let y2 = v128.load(b, PITCH * 2 + 0);
    let x = v128.load(a);
    s00 = f64x2.add(s00, f64x2.mul(x, y0));
    s01 = f64x2.add(s01, f64x2.mul(x, y1));
    s02 = f64x2.add(s02, f64x2.mul(x, y2));
    x = v128.load(a, PITCH * 1 + 0);
    s10 = f64x2.add(s10, f64x2.mul(x, y0));
    s11 = f64x2.add(s11, f64x2.mul(x, y1));
    s12 = f64x2.add(s12, f64x2.mul(x, y2));
    x = v128.load(a, PITCH * 2 + 0);
    s20 = f64x2.add(s20, f64x2.mul(x, y0));
    s21 = f64x2.add(s21, f64x2.mul(x, y1));
    s22 = f64x2.add(s22, f64x2.mul(x, y2));
    y0 = v128.load(b, 16);
    y1 = v128.load(b, PITCH * 1 + 16);
    y2 = v128.load(b, PITCH * 2 + 16);
    x = v128.load(a, 16);
    s00 = f64x2.add(s00, f64x2.mul(x, y0));
    s01 = f64x2.add(s01, f64x2.mul(x, y1));
    s02 = f64x2.add(s02, f64x2.mul(x, y2));
    x = v128.load(a, PITCH * 1 + 16);
    s10 = f64x2.add(s10, f64x2.mul(x, y0));
    s11 = f64x2.add(s11, f64x2.mul(x, y1));
    s12 = f64x2.add(s12, f64x2.mul(x, y2));
    x = v128.load(a, PITCH * 2 + 16);
    s20 = f64x2.add(s20, f64x2.mul(x, y0));
    s21 = f64x2.add(s21, f64x2.mul(x, y1));
    s22 = f64x2.add(s22, f64x2.mul(x, y2));
    y0 = v128.load(b, 32);
    y1 = v128.load(b, PITCH * 1 + 32);
    y2 = v128.load(b, PITCH * 2 + 32);
    x = v128.load(a, 32);
    s00 = f64x2.add(s00, f64x2.mul(x, y0));
    s01 = f64x2.add(s01, f64x2.mul(x, y1));
    s02 = f64x2.add(s02, f64x2.mul(x, y2));
    x = v128.load(a, PITCH * 1 + 32);
    s10 = f64x2.add(s10, f64x2.mul(x, y0));
    s11 = f64x2.add(s11, f64x2.mul(x, y1));
    s12 = f64x2.add(s12, f64x2.mul(x, y2));
    x = v128.load(a, PITCH * 2 + 32);
    s20 = f64x2.add(s20, f64x2.mul(x, y0));
    s21 = f64x2.add(s21, f64x2.mul(x, y1));
    s22 = f64x2.add(s22, f64x2.mul(x, y2));
    y0 = v128.load(b, 48);
    y1 = v128.load(b, PITCH * 1 + 48);
    y2 = v128.load(b, PITCH * 2 + 48);
    x = v128.load(a, 48);
    s00 = f64x2.add(s00, f64x2.mul(x, y0));
    s01 = f64x2.add(s01, f64x2.mul(x, y1));
    s02 = f64x2.add(s02, f64x2.mul(x, y2));
    x = v128.load(a, PITCH * 1 + 48);
    s10 = f64x2.add(s10, f64x2.mul(x, y0));
    s11 = f64x2.add(s11, f64x2.mul(x, y1));
    s12 = f64x2.add(s12, f64x2.mul(x, y2));
    x = v128.load(a, PITCH * 2 + 48);
    s20 = f64x2.add(s20, f64x2.mul(x, y0));
    s21 = f64x2.add(s21, f64x2.mul(x, y1));
    s22 = f64x2.add(s22, f64x2.mul(x, y2));
    b += 64;
  }
  v128.store(out, s00);
  v128.store(out, s01, 16);
  v128.store(out, s02, 32);
  v128.store(out, s10, 48);
  v128.store(out, s11, 64);
  v128.store(out, s12, 80);
  v128.store(out, s20, 96);
  v128.store(out, s21, 112);
  v128.store(out, s22, 128);
}

/** Takes `shift` from `rows` values, an even number, in place; the least and the greatest of the differences so far stand in `range`, a pair of doubles each. */
export function shift(values: usize, rows: u32, by: f64, range: usize): void {
  const shifts = f64x2.splat(by);
  let least = v128.load(range);
  let greatest = v128.load(range, 16);
  const end = values + ((<usize>rows) << 3);
  for (; values < end; values += 16) {
    const value = f64x2.sub(v128.load(values), shifts);
    least = f64x2.pmin(least, value);
    greatest = f64x2.pmax(greatest, value);
    v128.store(values, value);
  }
  v128.store(range, least);
  v128.store(range, greatest, 16);
}
