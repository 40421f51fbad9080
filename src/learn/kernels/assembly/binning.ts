/** Values to bins (`trees/binning.ts`). */

/** Sorts `count` float32 numbers, none of them NaN, in three passes by 11 bits; `beside` has room for as many, `counters` for 24 KiB. They end up in `beside`. */
export function sort(values: usize, beside: usize, count: u32, counters: usize): void {
  memory.fill(counters, 0, 3 * 8192);
  const bytes = (<usize>count) << 2;
  for (let at: usize = 0; at < bytes; at += 4) {
    const bits = load<u32>(values + at);
    const key = bits ^ (<u32>(<i32>bits >> 31) | 0x80000000);
    store<u32>(values + at, key);
    countUp(counters + ((<usize>(key & 2047)) << 2));
    countUp(counters + 8192 + ((<usize>((key >> 11) & 2047)) << 2));
    countUp(counters + 16384 + ((<usize>(key >> 22)) << 2));
  }
  for (let pass: u32 = 0; pass < 3; pass++) {
    const own = counters + <usize>pass * 8192;
    let sum: u32 = 0;
    for (let at = own; at < own + 8192; at += 4) {
      const held = load<u32>(at);
      store<u32>(at, sum);
      sum += held;
    }
    for (let at: usize = 0; at < bytes; at += 4) {
      const key = load<u32>(values + at);
      const place = own + ((<usize>((key >> (pass * 11)) & 2047)) << 2);
      store<u32>(beside + ((<usize>load<u32>(place)) << 2), key);
      countUp(place);
    }
    const other = values;
    values = beside;
    beside = other;
  }
  for (let at: usize = 0; at < bytes; at += 4) {
    const key = load<u32>(values + at);
    store<u32>(values + at, (key & 0x80000000) !== 0 ? key ^ 0x80000000 : ~key);
  }
}

function countUp(counter: usize): void {
  store<u32>(counter, load<u32>(counter) + 1);
}

/**
 * The bins of `count` values, in a row to `bins` and `stride` bytes apart to `records`: how many of 256 ascending edges are below the value, 255 for NaN.
 * Edges past the last are infinite. Answers 1 where there was a NaN, plus 2 where there was an infinite value.
 * Every sixteenth edge is counted first, then the sixteen before the one found: no comparison waits for the one before it.
 */
export function assign(values: usize, count: u32, edges: usize, bins: usize, records: usize, stride: usize): u32 {
  const first = everySixteenth(edges);
  const second = everySixteenth(edges + 256);
  const third = everySixteenth(edges + 512);
  const fourth = everySixteenth(edges + 768);
  let found: u32 = 0;
  for (const end = values + ((<usize>count) << 2); values < end; values += 4) {
    const x = load<f32>(values);
    const wide = f32x4.splat(x);
    const block = below(wide, first, second, third, fourth);
    const at = edges + ((<usize>block) << 6);
    const within = below(wide, v128.load(at), v128.load(at, 16), v128.load(at, 32), v128.load(at, 48));
    const isMissing = !(x <= Infinity);
    const bin = select<u32>(255, (block << 4) + within, isMissing);
    found |= <u32>isMissing | ((<u32>(abs(x) === Infinity)) << 1);
    store<u8>(bins, bin);
    store<u8>(records, bin);
    bins++;
    records += stride;
  }
  return found;
}

/** Of 64 edges the last of each sixteen. */
// @ts-ignore: decorator
@inline
function everySixteenth(edges: usize): v128 {
  return f32x4(load<f32>(edges, 60), load<f32>(edges, 124), load<f32>(edges, 188), load<f32>(edges, 252));
}

/** How many of sixteen edges are below x. */
// @ts-ignore: decorator
@inline
function below(x: v128, a: v128, b: v128, c: v128, d: v128): u32 {
  const four = i32x4.add(i32x4.add(f32x4.gt(x, a), f32x4.gt(x, b)), i32x4.add(f32x4.gt(x, c), f32x4.gt(x, d)));
  const two = i32x4.add(four, v128.shuffle<i32>(four, four, 2, 3, 0, 1));
  return -(i32x4.extract_lane(two, 0) + i32x4.extract_lane(two, 1));
}
