/** Rows of a tree on binned columns: sorted into the sides of a cut, led to their leaves, given the leaves' values. */

/**
 * Sets rows[from..to) aside by side: their numbers follow each other from `left` and from `right` on; answers how many go left. `sides` has for each of 256
 * bins 1 when it goes right.
 */
export function setAside(rows: usize, from: u32, to: u32, bins: usize, sides: usize, left: usize, right: usize): u32 {
  const begin = left;
  for (let at = rows + ((<usize>from) << 2), end = rows + ((<usize>to) << 2); at < end; at += 4) {
    const row = load<u32>(at);
    const side = <usize>load<u8>(sides + <usize>load<u8>(bins + <usize>row));
    store<u32>(left, row);
    store<u32>(right, row);
    right += side << 2;
    left += (side ^ 1) << 2;
  }
  return <u32>((left - begin) >> 2);
}

/** Writes `from` to `to` at their own places. */
export function enumerate(rows: usize, from: u32, to: u32): void {
  for (let row = from; row < to; row++) store<u32>(rows + ((<usize>row) << 2), row);
}

/** Copies `count` row numbers. */
export function copyRows(from: usize, to: usize, count: u32): void {
  memory.copy(to, from, (<usize>count) << 2);
}

/** Adds `value` to the scores of rows[from..to); a row's scores are `stride` bytes apart. */
export function addToScores(rows: usize, from: u32, to: u32, scores: usize, stride: usize, value: f64): void {
  for (let at = rows + ((<usize>from) << 2), end = rows + ((<usize>to) << 2); at < end; at += 4) {
    const score = scores + <usize>load<u32>(at) * stride;
    store<f64>(score, load<f64>(score) + value);
  }
}

/**
 * Leads rows[from..to) down a tree by the bins in their records (`bins` of row 0, `stride` bytes apart) and adds their leaves' values to the scores.
 * A node has 48 bytes: column i32 (-1: a leaf), left child i32 (the right one is the next), value f64, 256 bits with 1 for each bin that goes left.
 */
export function addLeaves(
  rows: usize,
  from: u32,
  to: u32,
  bins: usize,
  stride: usize,
  nodes: usize,
  scores: usize,
  scoreStride: usize,
): void {
  for (let at = rows + ((<usize>from) << 2), end = rows + ((<usize>to) << 2); at < end; at += 4) {
    const row = <usize>load<u32>(at);
    const own = bins + row * stride;
    let node = nodes;
    let column = load<i32>(node);
    while (column >= 0) {
      const bin = <u32>load<u8>(own + <usize>column);
      const goesLeft = (load<u32>(node + ((<usize>(bin >> 5)) << 2), 16) >> (bin & 31)) & 1;
      node = nodes + <usize>(<u32>load<i32>(node, 4) + (goesLeft ^ 1)) * 48;
      column = load<i32>(node);
    }
    const score = scores + row * scoreStride;
    store<f64>(score, load<f64>(score) + load<f64>(node, 8));
  }
}
