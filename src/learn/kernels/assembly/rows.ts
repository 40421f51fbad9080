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

/** Writes `node` as the leaf of rows[from..to); `leaves` has a u16 for each row. */
export function mark(rows: usize, from: u32, to: u32, leaves: usize, node: u32): void {
  for (let at = rows + ((<usize>from) << 2), end = rows + ((<usize>to) << 2); at < end; at += 4)
    store<u16>(leaves + ((<usize>load<u32>(at)) << 1), node);
}

/**
 * Leads rows[from..to) down a tree by the bins in their records (`bins` of row 0, `stride` bytes apart) and writes their leaves.
 * A node has 48 bytes: column i32 (-1: a leaf), left child i32 (the right one is the next), value f64, 256 bits with 1 for each bin that goes left.
 */
export function findLeaves(rows: usize, from: u32, to: u32, bins: usize, stride: usize, nodes: usize, leaves: usize): void {
  for (let at = rows + ((<usize>from) << 2), end = rows + ((<usize>to) << 2); at < end; at += 4) {
    const row = <usize>load<u32>(at);
    const own = bins + row * stride;
    let node: u32 = 0;
    let address = nodes;
    let column = load<i32>(address);
    while (column >= 0) {
      const bin = <u32>load<u8>(own + <usize>column);
      const goesLeft = (load<u32>(address + ((<usize>(bin >> 5)) << 2), 16) >> (bin & 31)) & 1;
      node = <u32>load<i32>(address, 4) + (goesLeft ^ 1);
      address = nodes + <usize>node * 48;
      column = load<i32>(address);
    }
    store<u16>(leaves + (row << 1), node);
  }
}

/** Adds to the scores of rows `from` to `to`, `stride` bytes apart, the values of their leaves. */
export function addValues(leaves: usize, from: u32, to: u32, nodes: usize, scores: usize, stride: usize): void {
  let score = scores + <usize>from * stride;
  for (let at = leaves + ((<usize>from) << 1), end = leaves + ((<usize>to) << 1); at < end; at += 2) {
    store<f64>(score, load<f64>(score) + load<f64>(nodes + <usize>load<u16>(at) * 48, 8));
    score += stride;
  }
}
