/**
 * Adds trees to rows, 16 rows (a group) at a time. Columns of a group lie side by side, 16 float32 each: a cache line a column.
 *
 *   tree      | questions | leaves | end of those that send missing values left | end of those that send them right | end of the sets |
 *   walked    | root      | leaves | 0 | steps that are taken without a look whether all have arrived | whether it asks about sets, or that no look is needed then (2) |
 *
 * Small trees (at most 32 leaves, counted from the left) ask all their questions: where the answer is "right", the leaves under the left child are out. The first leaf
 * that is left is the row's. No answer waits for another (QuickScorer; Lucchese et al. 2015), and four rows are asked at once.
 *
 *   number    | threshold f32 | column x 64 | leaves under the left child |
 *   set       | address of the set | column x 64 | leaves under the left child | all ones: missing goes right |
 *
 * Others are walked, eight rows at a time and without branches, so that the processor waits for eight nodes at once.
 *
 *   node      | threshold f32 | column x 64 | address of the left child, the right one is the next | address of a set, lowest bit: missing goes right |
 *
 * A leaf is a node that always leads back to itself. `leaves` are values (f64), or places of vectors (i32) where `vectors` is not 0: of a small tree's
 * leaves, else of nodes. The trees are added row by row in their order: the sums of the plain loop, bit for bit.
 */
const ROWS: u32 = 16;
const LINE: usize = 64;
const TREE: usize = 20;
const NUMBER: usize = 12;
const SET: usize = 16;

/** Adds to `scores`, row-major; every group is whole. Values may be missing only where `hasMissing`. */
export function add(
  trees: usize,
  treeCount: u32,
  vectors: usize,
  x: usize,
  columns: u32,
  groups: u32,
  hasMissing: bool,
  outputs: u32,
  scores: usize,
): void {
  const groupBytes = <usize>columns * LINE;
  let output: u32 = 0;
  for (let tree = trees, last = trees + <usize>treeCount * TREE; tree < last; tree += TREE) {
    for (let group: u32 = 0; group < groups; group++) {
      const at = x + <usize>group * groupBytes;
      const score = scores + ((<usize>(group * ROWS) * <usize>outputs) << 3);
      if (load<u32>(tree, 8) !== 0) askAll(tree, at, vectors, outputs, output, score);
      else if (load<u32>(tree, 16) === 1) walk(tree, at, vectors, outputs, output, score, true, true);
      else if (hasMissing) walk(tree, at, vectors, outputs, output, score, true, false);
      else walk(tree, at, vectors, outputs, output, score, false, false);
    }
    output = output + 1 === outputs ? 0 : output + 1;
  }
}

function askAll(tree: usize, x: usize, vectors: usize, outputs: u32, output: u32, scores: usize): void {
  const leftEnd = <usize>load<u32>(tree, 8);
  const rightEnd = <usize>load<u32>(tree, 12);
  const end = <usize>load<u32>(tree, 16);
  let at = <usize>load<u32>(tree);
  // leaves that are out
  let out0 = i64x2.splat(0);
  let out1 = i64x2.splat(0);
  let out2 = i64x2.splat(0);
  let out3 = i64x2.splat(0);
  for (; at < leftEnd; at += NUMBER) {
    const threshold = v128.load32_splat(at);
    const column = x + <usize>load<u32>(at, 4);
    const under = v128.load32_splat(at, 8);
    out0 = v128.or(out0, v128.and(f32x4.gt(v128.load(column), threshold), under));
    out1 = v128.or(out1, v128.and(f32x4.gt(v128.load(column, 16), threshold), under));
    out2 = v128.or(out2, v128.and(f32x4.gt(v128.load(column, 32), threshold), under));
    out3 = v128.or(out3, v128.and(f32x4.gt(v128.load(column, 48), threshold), under));
  }
  for (; at < rightEnd; at += NUMBER) {
    const threshold = v128.load32_splat(at);
    const column = x + <usize>load<u32>(at, 4);
    const under = v128.load32_splat(at, 8);
    out0 = v128.or(out0, v128.andnot(under, f32x4.le(v128.load(column), threshold)));
    out1 = v128.or(out1, v128.andnot(under, f32x4.le(v128.load(column, 16), threshold)));
    out2 = v128.or(out2, v128.andnot(under, f32x4.le(v128.load(column, 32), threshold)));
    out3 = v128.or(out3, v128.andnot(under, f32x4.le(v128.load(column, 48), threshold)));
  }
  for (; at < end; at += SET) {
    const column = x + <usize>load<u32>(at, 4);
    const under = v128.load32_splat(at, 8);
    out0 = v128.or(out0, v128.and(notInSet(at, v128.load(column)), under));
    out1 = v128.or(out1, v128.and(notInSet(at, v128.load(column, 16)), under));
    out2 = v128.or(out2, v128.and(notInSet(at, v128.load(column, 32)), under));
    out3 = v128.or(out3, v128.and(notInSet(at, v128.load(column, 48)), under));
  }
  const leaves = <usize>load<u32>(tree, 4);
  if (vectors === 0 && outputs === 1) {
    addFour(leaves, out0, scores);
    addFour(leaves, out1, scores + 32);
    addFour(leaves, out2, scores + 64);
    addFour(leaves, out3, scores + 96);
    return;
  }
  const step = (<usize>outputs << 3) * 4;
  reach(leaves, out0, vectors, outputs, output, scores);
  reach(leaves, out1, vectors, outputs, output, scores + step);
  reach(leaves, out2, vectors, outputs, output, scores + 2 * step);
  reach(leaves, out3, vectors, outputs, output, scores + 3 * step);
}

/** All ones where the answer is "right". A set is looked up by byte, then by bit; what is beyond 16 looks up 0. */
// @ts-ignore: decorator
@inline
function notInSet(at: usize, value: v128): v128 {
  const set = <usize>load<u32>(at);
  const others = i32x4.splat(0xffffff00);
  const bin = i32x4.trunc_sat_f32x4_u(value);
  const byte = i32x4.shr_u(bin, 3);
  const low = i8x16.swizzle(v128.load(set), v128.or(byte, others));
  const high = i8x16.swizzle(v128.load(set, 16), v128.or(i32x4.sub(byte, i32x4.splat(16)), others));
  const bits = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
  const bit = i8x16.swizzle(bits, v128.or(v128.and(bin, i32x4.splat(7)), others));
  const isOut = i32x4.eq(v128.and(v128.or(low, high), bit), i32x4.splat(0));
  return v128.bitselect(v128.load32_splat(at, 12), isOut, f32x4.ne(value, value));
}

// @ts-ignore: decorator
@inline
function addFour(leaves: usize, out: v128, scores: usize): void {
  const first = v128.load64_zero(leafAt(leaves, i32x4.extract_lane(out, 0)));
  const pair = v128.load64_lane(leafAt(leaves, i32x4.extract_lane(out, 1)), first, 1);
  const third = v128.load64_zero(leafAt(leaves, i32x4.extract_lane(out, 2)));
  const other = v128.load64_lane(leafAt(leaves, i32x4.extract_lane(out, 3)), third, 1);
  v128.store(scores, f64x2.add(v128.load(scores), pair));
  v128.store(scores, f64x2.add(v128.load(scores, 16), other), 16);
}

// @ts-ignore: decorator
@inline
function leafAt(leaves: usize, out: i32): usize {
  return leaves + (<usize>ctz(~out) << 3);
}

function reach(leaves: usize, out: v128, vectors: usize, outputs: u32, output: u32, scores: usize): void {
  const step = <usize>outputs << 3;
  addLeaf(leaves, ctz(~i32x4.extract_lane(out, 0)), vectors, outputs, output, scores);
  addLeaf(leaves, ctz(~i32x4.extract_lane(out, 1)), vectors, outputs, output, scores + step);
  addLeaf(leaves, ctz(~i32x4.extract_lane(out, 2)), vectors, outputs, output, scores + 2 * step);
  addLeaf(leaves, ctz(~i32x4.extract_lane(out, 3)), vectors, outputs, output, scores + 3 * step);
}

// @ts-ignore: decorator
@inline
function addLeaf(leaves: usize, leaf: usize, vectors: usize, outputs: u32, output: u32, score: usize): void {
  if (vectors === 0) {
    const sum = score + (<usize>output << 3);
    store<f64>(sum, load<f64>(sum) + load<f64>(leaves + (leaf << 3)));
    return;
  }
  const vector = vectors + ((<usize>load<u32>(leaves + (leaf << 2)) * <usize>outputs) << 3);
  for (let k: usize = 0, end = <usize>outputs << 3; k < end; k += 8) {
    store<f64>(score + k, load<f64>(score + k) + load<f64>(vector + k));
  }
}

// @ts-ignore: decorator
@inline
function walk(tree: usize, group: usize, vectors: usize, outputs: u32, output: u32, scores: usize, hasMissing: bool, hasSets: bool): void {
  const root = <usize>load<u32>(tree);
  const leaves = <usize>load<u32>(tree, 4);
  const sureSteps = load<u32>(tree, 12);
  const step = <usize>outputs << 3;
  let score = scores;
  for (let x = group; x < group + LINE; x += LINE / 2) {
    let node0 = root;
    let node1 = root;
    let node2 = root;
    let node3 = root;
    let node4 = root;
    let node5 = root;
    let node6 = root;
    let node7 = root;
    for (let taken: u32 = 0; taken < sureSteps; taken++) {
      node0 = next(node0, load<f32>(x + load<u32>(node0, 4)), hasMissing, hasSets);
      node1 = next(node1, load<f32>(x + load<u32>(node1, 4), 4), hasMissing, hasSets);
      node2 = next(node2, load<f32>(x + load<u32>(node2, 4), 8), hasMissing, hasSets);
      node3 = next(node3, load<f32>(x + load<u32>(node3, 4), 12), hasMissing, hasSets);
      node4 = next(node4, load<f32>(x + load<u32>(node4, 4), 16), hasMissing, hasSets);
      node5 = next(node5, load<f32>(x + load<u32>(node5, 4), 20), hasMissing, hasSets);
      node6 = next(node6, load<f32>(x + load<u32>(node6, 4), 24), hasMissing, hasSets);
      node7 = next(node7, load<f32>(x + load<u32>(node7, 4), 28), hasMissing, hasSets);
    }
    let moved: usize = load<u32>(tree, 16) === 2 ? 0 : 1;
    while (moved !== 0) {
      // two steps for each look whether all have arrived
      node0 = next(node0, load<f32>(x + load<u32>(node0, 4)), hasMissing, hasSets);
      node1 = next(node1, load<f32>(x + load<u32>(node1, 4), 4), hasMissing, hasSets);
      node2 = next(node2, load<f32>(x + load<u32>(node2, 4), 8), hasMissing, hasSets);
      node3 = next(node3, load<f32>(x + load<u32>(node3, 4), 12), hasMissing, hasSets);
      node4 = next(node4, load<f32>(x + load<u32>(node4, 4), 16), hasMissing, hasSets);
      node5 = next(node5, load<f32>(x + load<u32>(node5, 4), 20), hasMissing, hasSets);
      node6 = next(node6, load<f32>(x + load<u32>(node6, 4), 24), hasMissing, hasSets);
      node7 = next(node7, load<f32>(x + load<u32>(node7, 4), 28), hasMissing, hasSets);
      const before0 = node0;
      const before1 = node1;
      const before2 = node2;
      const before3 = node3;
      node0 = next(node0, load<f32>(x + load<u32>(node0, 4)), hasMissing, hasSets);
      node1 = next(node1, load<f32>(x + load<u32>(node1, 4), 4), hasMissing, hasSets);
      node2 = next(node2, load<f32>(x + load<u32>(node2, 4), 8), hasMissing, hasSets);
      node3 = next(node3, load<f32>(x + load<u32>(node3, 4), 12), hasMissing, hasSets);
      moved = (node0 ^ before0) | (node1 ^ before1) | (node2 ^ before2) | (node3 ^ before3);
      const before4 = node4;
      const before5 = node5;
      const before6 = node6;
      const before7 = node7;
      node4 = next(node4, load<f32>(x + load<u32>(node4, 4), 16), hasMissing, hasSets);
      node5 = next(node5, load<f32>(x + load<u32>(node5, 4), 20), hasMissing, hasSets);
      node6 = next(node6, load<f32>(x + load<u32>(node6, 4), 24), hasMissing, hasSets);
      node7 = next(node7, load<f32>(x + load<u32>(node7, 4), 28), hasMissing, hasSets);
      moved |= (node4 ^ before4) | (node5 ^ before5) | (node6 ^ before6) | (node7 ^ before7);
    }
    addLeaf(leaves, (node0 - root) >> 4, vectors, outputs, output, score);
    addLeaf(leaves, (node1 - root) >> 4, vectors, outputs, output, score + step);
    addLeaf(leaves, (node2 - root) >> 4, vectors, outputs, output, score + 2 * step);
    addLeaf(leaves, (node3 - root) >> 4, vectors, outputs, output, score + 3 * step);
    score += 4 * step;
    addLeaf(leaves, (node4 - root) >> 4, vectors, outputs, output, score);
    addLeaf(leaves, (node5 - root) >> 4, vectors, outputs, output, score + step);
    addLeaf(leaves, (node6 - root) >> 4, vectors, outputs, output, score + 2 * step);
    addLeaf(leaves, (node7 - root) >> 4, vectors, outputs, output, score + 3 * step);
    score += 4 * step;
  }
}

/** Adds the trees, all laid out to be walked, to one row, eight trees at a time; their records are padded to a multiple of eight. */
export function addRow(
  trees: usize,
  treeCount: u32,
  vectors: usize,
  x: usize,
  hasMissing: bool,
  hasSets: bool,
  outputs: u32,
  scores: usize,
): void {
  if (hasSets) addWalks(trees, treeCount, vectors, x, outputs, scores, true, true);
  else if (hasMissing) addWalks(trees, treeCount, vectors, x, outputs, scores, true, false);
  else addWalks(trees, treeCount, vectors, x, outputs, scores, false, false);
}

// @ts-ignore: decorator
@inline
function addWalks(
  trees: usize,
  treeCount: u32,
  vectors: usize,
  x: usize,
  outputs: u32,
  scores: usize,
  hasMissing: bool,
  hasSets: bool,
): void {
  let output: u32 = 0;
  const last = trees + <usize>treeCount * TREE;
  for (let tree = trees; tree < last; tree += 8 * TREE) {
    let node0 = <usize>load<u32>(tree, 0);
    let node1 = <usize>load<u32>(tree, 20);
    let node2 = <usize>load<u32>(tree, 40);
    let node3 = <usize>load<u32>(tree, 60);
    let node4 = <usize>load<u32>(tree, 80);
    let node5 = <usize>load<u32>(tree, 100);
    let node6 = <usize>load<u32>(tree, 120);
    let node7 = <usize>load<u32>(tree, 140);
    for (let left = load<u32>(tree, 12); left > 0; left--) {
      node0 = step(node0, x, hasMissing, hasSets);
      node1 = step(node1, x, hasMissing, hasSets);
      node2 = step(node2, x, hasMissing, hasSets);
      node3 = step(node3, x, hasMissing, hasSets);
      node4 = step(node4, x, hasMissing, hasSets);
      node5 = step(node5, x, hasMissing, hasSets);
      node6 = step(node6, x, hasMissing, hasSets);
      node7 = step(node7, x, hasMissing, hasSets);
    }
    let moved: usize = 1;
    while (moved !== 0) {
      const before0 = node0;
      const before1 = node1;
      const before2 = node2;
      const before3 = node3;
      node0 = step(node0, x, hasMissing, hasSets);
      node1 = step(node1, x, hasMissing, hasSets);
      node2 = step(node2, x, hasMissing, hasSets);
      node3 = step(node3, x, hasMissing, hasSets);
      moved = (node0 ^ before0) | (node1 ^ before1) | (node2 ^ before2) | (node3 ^ before3);
      const before4 = node4;
      const before5 = node5;
      const before6 = node6;
      const before7 = node7;
      node4 = step(node4, x, hasMissing, hasSets);
      node5 = step(node5, x, hasMissing, hasSets);
      node6 = step(node6, x, hasMissing, hasSets);
      node7 = step(node7, x, hasMissing, hasSets);
      moved |= (node4 ^ before4) | (node5 ^ before5) | (node6 ^ before6) | (node7 ^ before7);
    }
    output = arriveFour(tree, last, node0, node1, node2, node3, vectors, outputs, output, scores);
    output = arriveFour(tree + 4 * TREE, last, node4, node5, node6, node7, vectors, outputs, output, scores);
  }
}

// @ts-ignore: decorator
@inline
function step(node: usize, x: usize, hasMissing: bool, hasSets: bool): usize {
  return next(node, load<f32>(x + load<u32>(node, 4)), hasMissing, hasSets);
}

/** Of four trees those before `last`. */
// @ts-ignore: decorator
@inline
function arriveFour(
  tree: usize,
  last: usize,
  node0: usize,
  node1: usize,
  node2: usize,
  node3: usize,
  vectors: usize,
  outputs: u32,
  output: u32,
  scores: usize,
): u32 {
  if (tree < last) output = arrive(tree, node0, vectors, outputs, output, scores);
  if (tree + TREE < last) output = arrive(tree + TREE, node1, vectors, outputs, output, scores);
  if (tree + 2 * TREE < last) output = arrive(tree + 2 * TREE, node2, vectors, outputs, output, scores);
  if (tree + 3 * TREE < last) output = arrive(tree + 3 * TREE, node3, vectors, outputs, output, scores);
  return output;
}

/** Answers the next tree's output. */
function arrive(tree: usize, node: usize, vectors: usize, outputs: u32, output: u32, scores: usize): u32 {
  addLeaf(load<u32>(tree, 4), (node - load<u32>(tree)) >> 4, vectors, outputs, output, scores);
  return output + 1 === outputs ? 0 : output + 1;
}

// @ts-ignore: decorator
@inline
function next(node: usize, value: f32, hasMissing: bool, hasSets: bool): usize {
  let right = <u32>(value > load<f32>(node));
  if (hasMissing) {
    const flags = load<u32>(node, 12);
    const isMissing = <u32>(value !== value);
    right |= isMissing & flags & 1;
    if (hasSets) {
      const set = <usize>(flags & ~1);
      if (set !== 0 && isMissing === 0) {
        const bin = <u32>value;
        right = 1 ^ ((load<u32>(set + (<usize>(bin >>> 5) << 2)) >>> (bin & 31)) & 1);
      }
    }
  }
  return <usize>load<u32>(node, 8) + (<usize>right << 4);
}
