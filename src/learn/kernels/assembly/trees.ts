/**
 * Walks rows through trees, four at a time and without branches, so that the processor waits for four nodes at once. Nodes lie in 16 bytes:
 *
 *   | threshold f32 | column x 4 | address of the left child, the right one is the next | address of a set, lowest bit: missing goes right |
 *
 * A leaf is a question that always leads back to itself. The trees are added row by row in their order: the sums of the plain loop, bit for bit.
 */

/** Sums over `rows` rows (a multiple of 4) of row-major float32, `rowBytes` each. `vectorAts` is 0 where each tree adds to one output. */
export function addNumbers(
  nodes: usize,
  roots: usize,
  treeCount: u32,
  values: usize,
  vectorAts: usize,
  vectors: usize,
  x: usize,
  rowBytes: u32,
  rows: u32,
  outputs: u32,
  scores: usize,
): void {
  add(nodes, roots, treeCount, values, vectorAts, vectors, x, rowBytes, rows, outputs, scores, false);
}

/** The same, where some questions are about sets. */
export function addSets(
  nodes: usize,
  roots: usize,
  treeCount: u32,
  values: usize,
  vectorAts: usize,
  vectors: usize,
  x: usize,
  rowBytes: u32,
  rows: u32,
  outputs: u32,
  scores: usize,
): void {
  add(nodes, roots, treeCount, values, vectorAts, vectors, x, rowBytes, rows, outputs, scores, true);
}

// @ts-ignore: decorator
@inline
function add(
  nodes: usize,
  roots: usize,
  treeCount: u32,
  values: usize,
  vectorAts: usize,
  vectors: usize,
  x: usize,
  rowBytes: u32,
  rows: u32,
  outputs: u32,
  scores: usize,
  hasSets: bool,
): void {
  const scoreBytes = <usize>outputs << 3;
  let output: usize = 0;
  for (let tree: u32 = 0; tree < treeCount; tree++) {
    const root = <usize>load<u32>(roots + (<usize>tree << 2));
    let row0 = x;
    let score = scores;
    for (let row: u32 = 0; row < rows; row += 4) {
      const row1 = row0 + rowBytes;
      const row2 = row1 + rowBytes;
      const row3 = row2 + rowBytes;
      let node0 = root;
      let node1 = root;
      let node2 = root;
      let node3 = root;
      let moved: usize = 1;
      while (moved !== 0) {
        // two steps for each look whether all have arrived
        node0 = step(node0, row0, hasSets);
        node1 = step(node1, row1, hasSets);
        node2 = step(node2, row2, hasSets);
        node3 = step(node3, row3, hasSets);
        const next0 = step(node0, row0, hasSets);
        const next1 = step(node1, row1, hasSets);
        const next2 = step(node2, row2, hasSets);
        const next3 = step(node3, row3, hasSets);
        moved = (next0 ^ node0) | (next1 ^ node1) | (next2 ^ node2) | (next3 ^ node3);
        node0 = next0;
        node1 = next1;
        node2 = next2;
        node3 = next3;
      }
      if (vectorAts === 0) {
        addValue(values + ((node0 - nodes) >> 1), score + output);
        addValue(values + ((node1 - nodes) >> 1), score + scoreBytes + output);
        addValue(values + ((node2 - nodes) >> 1), score + 2 * scoreBytes + output);
        addValue(values + ((node3 - nodes) >> 1), score + 3 * scoreBytes + output);
      } else {
        addVector(vectorAts + ((node0 - nodes) >> 2), vectors, score, outputs);
        addVector(vectorAts + ((node1 - nodes) >> 2), vectors, score + scoreBytes, outputs);
        addVector(vectorAts + ((node2 - nodes) >> 2), vectors, score + 2 * scoreBytes, outputs);
        addVector(vectorAts + ((node3 - nodes) >> 2), vectors, score + 3 * scoreBytes, outputs);
      }
      row0 = row3 + rowBytes;
      score += 4 * scoreBytes;
    }
    output += 8;
    if (output === scoreBytes) output = 0;
  }
}

// @ts-ignore: decorator
@inline
function step(node: usize, row: usize, hasSets: bool): usize {
  const value = load<f32>(row + load<u32>(node, 4));
  const flags = load<u32>(node, 12);
  const isMissing = <u32>(value !== value);
  let right = <u32>(value > load<f32>(node)) | (isMissing & flags & 1);
  if (hasSets) {
    const set = <usize>(flags & ~1);
    if (set !== 0 && isMissing === 0) {
      const bin = <u32>value;
      right = 1 ^ ((load<u32>(set + (<usize>(bin >>> 5) << 2)) >>> (bin & 31)) & 1);
    }
  }
  return <usize>load<u32>(node, 8) + (<usize>right << 4);
}

// @ts-ignore: decorator
@inline
function addValue(value: usize, score: usize): void {
  store<f64>(score, load<f64>(score) + load<f64>(value));
}

function addVector(at: usize, vectors: usize, score: usize, width: u32): void {
  const vector = vectors + ((<usize>load<u32>(at) * <usize>width) << 3);
  for (let k: usize = 0, end = <usize>width << 3; k < end; k += 8) store<f64>(score + k, load<f64>(score + k) + load<f64>(vector + k));
}
