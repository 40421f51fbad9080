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
 */
export function assign(values: usize, count: u32, edges: usize, bins: usize, records: usize, stride: usize): u32 {
  let found: u32 = 0;
  for (const end = values + ((<usize>count) << 2); values < end; values += 4) {
    const x = load<f32>(values);
    let at = edges;
    at = select(at + 512, at, x > load<f32>(at, 508));
    at = select(at + 256, at, x > load<f32>(at, 252));
    at = select(at + 128, at, x > load<f32>(at, 124));
    at = select(at + 64, at, x > load<f32>(at, 60));
    at = select(at + 32, at, x > load<f32>(at, 28));
    at = select(at + 16, at, x > load<f32>(at, 12));
    at = select(at + 8, at, x > load<f32>(at, 4));
    at = select(at + 4, at, x > load<f32>(at));
    const isMissing = !(x <= Infinity);
    const bin = select<u32>(255, <u32>((at - edges) >> 2), isMissing);
    found |= <u32>isMissing | ((<u32>(abs(x) === Infinity)) << 1);
    store<u8>(bins, bin);
    store<u8>(records, bin);
    bins++;
    records += stride;
  }
  return found;
}
