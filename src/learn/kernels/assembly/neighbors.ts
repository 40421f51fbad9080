/**
 * Nearest points. Candidates come from whole numbers, or from single precision where those are too coarse, four queries by eight points at a time, without ever
 * storing the distances; all that could be among the nearest within the rounding are then ranked in double, by (distance, row). The same ranking ends the search of
 * a k-d tree, so all find the same rows.
 *
 *   points, queries   row-major doubles, `stride` a row, a multiple of 4; what lies beyond the width is 0
 *   panels            eight points: whole, two dimensions (i16) after the other, or single, dimension by dimension; 32 bytes each
 *   halves            half the squared norm of each point, i32 or single; of padding very large
 *   packed            four queries, in the same order; 16 bytes each
 *   state of a query  | limit | margin | count i32 | overflow i32 | best: k scores | candidates: capacity x (row u32, score) |, scores being i32 or single
 */
import { squaredDistance } from "./parts/distance";

const HEADER: usize = 16;

/**
 * Scores |p|^2 / 2 - p q of a range of panels for four queries; those below a query's limit become its candidates. `depth` are dimensions; `scores` has room for
 * 32 bytes.
 */
export function scan(
  packed: usize,
  panels: usize,
  halves: usize,
  depth: u32,
  from: u32,
  to: u32,
  states: usize,
  stateBytes: u32,
  neighbours: u32,
  capacity: u32,
  scores: usize,
): void {
  scanBy<f32>(packed, panels, halves, depth, from, to, states, stateBytes, neighbours, capacity, scores);
}

/** The same in whole numbers; `depth` are pairs of dimensions. */
export function scanWhole(
  packed: usize,
  panels: usize,
  halves: usize,
  depth: u32,
  from: u32,
  to: u32,
  states: usize,
  stateBytes: u32,
  neighbours: u32,
  capacity: u32,
  scores: usize,
): void {
  scanBy<i32>(packed, panels, halves, depth, from, to, states, stateBytes, neighbours, capacity, scores);
}

function scanBy<Score>(
  packed: usize,
  panels: usize,
  halves: usize,
  depth: u32,
  from: u32,
  to: u32,
  states: usize,
  stateBytes: u32,
  neighbours: u32,
  capacity: u32,
  scores: usize,
): void {
  const bytes = (<usize>depth) << 5;
  const state1 = states + stateBytes;
  const state2 = state1 + stateBytes;
  const state3 = state2 + stateBytes;
  for (let panel = from; panel < to; panel++) {
    let a = packed;
    let b = panels + <usize>panel * bytes;
    const end = b + bytes;
    const low = v128.load(halves + ((<usize>panel) << 5));
    const high = v128.load(halves + ((<usize>panel) << 5), 16);
    let s00 = low;
    let s01 = high;
    let s10 = low;
    let s11 = high;
    let s20 = low;
    let s21 = high;
    let s30 = low;
    let s31 = high;
    while (b < end) {
      const p0 = v128.load(b);
      const p1 = v128.load(b, 16);
      const q0 = v128.load32_splat(a);
      s00 = less<Score>(s00, q0, p0);
      s01 = less<Score>(s01, q0, p1);
      const q1 = v128.load32_splat(a, 4);
      s10 = less<Score>(s10, q1, p0);
      s11 = less<Score>(s11, q1, p1);
      const q2 = v128.load32_splat(a, 8);
      s20 = less<Score>(s20, q2, p0);
      s21 = less<Score>(s21, q2, p1);
      const q3 = v128.load32_splat(a, 12);
      s30 = less<Score>(s30, q3, p0);
      s31 = less<Score>(s31, q3, p1);
      a += 16;
      b += 32;
    }
    const first = panel << 3;
    if (isAnyBelow<Score>(s00, s01, states)) collect<Score>(s00, s01, first, states, neighbours, capacity, scores);
    if (isAnyBelow<Score>(s10, s11, state1)) collect<Score>(s10, s11, first, state1, neighbours, capacity, scores);
    if (isAnyBelow<Score>(s20, s21, state2)) collect<Score>(s20, s21, first, state2, neighbours, capacity, scores);
    if (isAnyBelow<Score>(s30, s31, state3)) collect<Score>(s30, s31, first, state3, neighbours, capacity, scores);
  }
}

// @ts-ignore: decorator
@inline
function less<Score>(scores: v128, query: v128, points: v128): v128 {
  if (isFloat<Score>()) return f32x4.sub(scores, f32x4.mul(query, points));
  return i32x4.sub(scores, i32x4.dot_i16x8_s(query, points));
}

// @ts-ignore: decorator
@inline
function isAnyBelow<Score>(low: v128, high: v128, state: usize): bool {
  const limit = v128.load32_splat(state);
  if (isFloat<Score>()) return v128.any_true(f32x4.lt(f32x4.pmin(low, high), limit));
  return v128.any_true(i32x4.lt_s(i32x4.min_s(low, high), limit));
}

function collect<Score>(
  low: v128,
  high: v128,
  first: u32,
  state: usize,
  neighbours: u32,
  capacity: u32,
  scores: usize,
): void {
  v128.store(scores, low);
  v128.store(scores, high, 16);
  const best = state + HEADER;
  const list = best + ((<usize>neighbours) << 2);
  for (let lane: u32 = 0; lane < 8; lane++) {
    const score = load<Score>(scores + ((<usize>lane) << 2));
    if (!(score < load<Score>(state))) continue;
    let count = load<u32>(state, 8);
    if (count === capacity) {
      count = compact<Score>(list, count, load<Score>(state));
      if (count === capacity) {
        store<i32>(state, 1, 12);
        store<Score>(state, isFloat<Score>() ? <Score>-Infinity : <Score>i32.MIN_VALUE);
        return;
      }
    }
    const entry = list + ((<usize>count) << 3);
    store<u32>(entry, first + lane);
    store<Score>(entry, score, 4);
    store<u32>(state, count + 1, 8);
    insert<Score>(best, neighbours, score);
    const worst = load<Score>(best + ((<usize>neighbours - 1) << 2));
    const none = isFloat<Score>() ? <Score>3e38 : <Score>i32.MAX_VALUE;
    store<Score>(state, worst < none ? worst + load<Score>(state, 4) : none);
  }
}

/** Keeps the candidates below the limit; how many they are. */
function compact<Score>(list: usize, count: u32, limit: Score): u32 {
  let kept: u32 = 0;
  for (let at: u32 = 0; at < count; at++) {
    const entry = load<u64>(list + ((<usize>at) << 3));
    if (load<Score>(list + ((<usize>at) << 3), 4) >= limit) continue;
    store<u64>(list + ((<usize>kept) << 3), entry);
    kept++;
  }
  return kept;
}

function insert<Score>(best: usize, neighbours: u32, score: Score): void {
  let at = <i32>neighbours - 1;
  if (!(score < load<Score>(best + ((<usize>at) << 2)))) return;
  while (at > 0 && load<Score>(best + ((<usize>(at - 1)) << 2)) > score) {
    store<Score>(best + ((<usize>at) << 2), load<Score>(best + ((<usize>(at - 1)) << 2)));
    at--;
  }
  store<Score>(best + ((<usize>at) << 2), score);
}

/** Ranks a query's candidates in double: `neighbours` squared distances and rows, the nearest first; at least so many candidates are there. */
export function rank(query: usize, points: usize, stride: u32, state: usize, neighbours: u32, distances: usize, rows: usize): void {
  rankBy<f32>(query, points, stride, state, neighbours, distances, rows);
}

/** The same for a state of whole numbers. */
export function rankWhole(query: usize, points: usize, stride: u32, state: usize, neighbours: u32, distances: usize, rows: usize): void {
  rankBy<i32>(query, points, stride, state, neighbours, distances, rows);
}

function rankBy<Score>(
  query: usize,
  points: usize,
  stride: u32,
  state: usize,
  neighbours: u32,
  distances: usize,
  rows: usize,
): void {
  clear(neighbours, distances, rows);
  const list = state + HEADER + ((<usize>neighbours) << 2);
  const count = load<u32>(state, 8);
  const limit = load<Score>(state);
  for (let at: usize = 0; at < <usize>count; at++) {
    if (!(load<Score>(list + (at << 3), 4) < limit)) continue;
    const row = load<u32>(list + (at << 3));
    offer(squaredDistance(query, points + <usize>row * ((<usize>stride) << 3), stride), row, neighbours, distances, rows);
  }
}

/** The same from all points, in double alone. */
export function rankAll(
  query: usize,
  points: usize,
  count: u32,
  stride: u32,
  neighbours: u32,
  distances: usize,
  rows: usize,
): void {
  clear(neighbours, distances, rows);
  for (let row: u32 = 0; row < count; row++) {
    offer(squaredDistance(query, points, stride), row, neighbours, distances, rows);
    points += (<usize>stride) << 3;
  }
}

/**
 * Makes a k-d tree of points, which it moves, and of `order`, their rows: `nodes` of four i32 | right child, or 0 in a leaf | first | end | 0 |, the left child next
 * to its parent; `boxes` of two points, the least and the greatest coordinates below a node. A node halves its points in the dimension in which they spread most,
 * down to `leaf` points or equal ones.
 */
export function buildTree(points: usize, order: usize, count: u32, stride: u32, leaf: u32, nodes: usize, boxes: usize): void {
  grow(0, 0, count, points, order, (<usize>stride) << 3, leaf, nodes, boxes);
}

/** A node and all below it; the next free one. */
function grow(
  node: u32,
  first: u32,
  end: u32,
  points: usize,
  order: usize,
  bytes: usize,
  leaf: u32,
  nodes: usize,
  boxes: usize,
): u32 {
  const at = nodes + ((<usize>node) << 4);
  store<u32>(at, 0);
  store<u32>(at, first, 4);
  store<u32>(at, end, 8);
  const widest = measure(points + <usize>first * bytes, points + <usize>end * bytes, bytes, boxes + (<usize>node) * (bytes << 1));
  if (end - first <= leaf || widest === bytes) return node + 1;
  const middle = (first + end) >> 1;
  select(points, order, bytes, first, end - 1, middle, widest);
  const right = grow(node + 1, first, middle, points, order, bytes, leaf, nodes, boxes);
  store<u32>(at, right);
  return grow(right, middle, end, points, order, bytes, leaf, nodes, boxes);
}

/** Writes the box of the points; the offset of the dimension in which they spread most, or `bytes` if they are equal. */
function measure(from: usize, to: usize, bytes: usize, box: usize): usize {
  let most: f64 = 0;
  let widest = bytes;
  for (let at: usize = 0; at < bytes; at += 16) {
    let least = f64x2.splat(Infinity);
    let greatest = f64x2.splat(-Infinity);
    for (let point = from + at; point < to; point += bytes) {
      const values = v128.load(point);
      least = f64x2.pmin(least, values);
      greatest = f64x2.pmax(greatest, values);
    }
    v128.store(box + at, least);
    v128.store(box + at + bytes, greatest);
    const spread = f64x2.sub(greatest, least);
    for (let lane: usize = 0; lane < 2; lane++) {
      const one = lane === 0 ? f64x2.extract_lane(spread, 0) : f64x2.extract_lane(spread, 1);
      if (!(one > most)) continue;
      most = one;
      widest = at + (lane << 3);
    }
  }
  return widest;
}

/** Moves points so that what stands before `middle` is not above it and what stands behind is not below (Hoare's quickselect). */
function select(points: usize, order: usize, bytes: usize, low: u32, high: u32, middle: u32, offset: usize): void {
  const values = points + offset;
  while (low < high) {
    const pivot = load<f64>(values + <usize>((low + high) >> 1) * bytes);
    let left = low;
    let right = high;
    while (left <= right) {
      while (load<f64>(values + <usize>left * bytes) < pivot) left++;
      while (load<f64>(values + <usize>right * bytes) > pivot) right--;
      if (left > right) break;
      swap(points + <usize>left * bytes, points + <usize>right * bytes, bytes);
      const row = load<u32>(order + ((<usize>left) << 2));
      store<u32>(order + ((<usize>left) << 2), load<u32>(order + ((<usize>right) << 2)));
      store<u32>(order + ((<usize>right) << 2), row);
      left++;
      if (right === 0) break;
      right--;
    }
    if (middle <= right) high = right;
    else if (middle >= left) low = left;
    else return;
  }
}

function swap(a: usize, b: usize, bytes: usize): void {
  for (const end = a + bytes; a < end; a += 16) {
    const one = v128.load(a);
    v128.store(a, v128.load(b));
    v128.store(b, one);
    b += 16;
  }
}

/** The nearest of a k-d tree's points. */
export function rankTree(
  query: usize,
  nodes: usize,
  boxes: usize,
  points: usize,
  order: usize,
  stride: u32,
  neighbours: u32,
  distances: usize,
  rows: usize,
): void {
  clear(neighbours, distances, rows);
  descend(0, query, nodes, boxes, points, order, stride, neighbours, distances, rows);
}

function descend(
  node: u32,
  query: usize,
  nodes: usize,
  boxes: usize,
  points: usize,
  order: usize,
  stride: u32,
  neighbours: u32,
  distances: usize,
  rows: usize,
): void {
  const at = nodes + ((<usize>node) << 4);
  const right = load<u32>(at);
  if (right === 0) {
    const end = load<u32>(at, 8);
    for (let place = load<u32>(at, 4); place < end; place++) {
      const distance = squaredDistance(query, points + <usize>place * ((<usize>stride) << 3), stride);
      offer(distance, load<u32>(order + ((<usize>place) << 2)), neighbours, distances, rows);
    }
    return;
  }
  const left = node + 1;
  const toLeft = boxDistance(query, boxes + <usize>left * ((<usize>stride) << 4), stride);
  const toRight = boxDistance(query, boxes + <usize>right * ((<usize>stride) << 4), stride);
  const worst = distances + ((<usize>neighbours - 1) << 3);
  const first = toLeft <= toRight ? left : right;
  const second = toLeft <= toRight ? right : left;
  if (min(toLeft, toRight) <= load<f64>(worst))
    descend(first, query, nodes, boxes, points, order, stride, neighbours, distances, rows);
  if (max(toLeft, toRight) <= load<f64>(worst))
    descend(second, query, nodes, boxes, points, order, stride, neighbours, distances, rows);
}

function clear(neighbours: u32, distances: usize, rows: usize): void {
  for (let at: usize = 0; at < <usize>neighbours; at++) {
    store<f64>(distances + (at << 3), Infinity);
    store<u32>(rows + (at << 2), 0xffffffff);
  }
}

function offer(distance: f64, row: u32, neighbours: u32, distances: usize, rows: usize): void {
  let at = <i32>neighbours - 1;
  const worst = load<f64>(distances + ((<usize>at) << 3));
  if (distance > worst || (distance === worst && row > load<u32>(rows + ((<usize>at) << 2)))) return;
  while (at > 0) {
    const other = load<f64>(distances + ((<usize>(at - 1)) << 3));
    const otherRow = load<u32>(rows + ((<usize>(at - 1)) << 2));
    if (other < distance || (other === distance && otherRow < row)) break;
    store<f64>(distances + ((<usize>at) << 3), other);
    store<u32>(rows + ((<usize>at) << 2), otherRow);
    at--;
  }
  store<f64>(distances + ((<usize>at) << 3), distance);
  store<u32>(rows + ((<usize>at) << 2), row);
}

/** Squared distance to a box, added as those to points are: rounded, it is at most that to any point inside. */
function boxDistance(query: usize, box: usize, stride: u32): f64 {
  const zero = f64x2.splat(0);
  let low = zero;
  let high = zero;
  const bytes = (<usize>stride) << 3;
  const end = query + bytes;
  while (query < end) {
    const q0 = v128.load(query);
    const q1 = v128.load(query, 16);
    const first = f64x2.pmax(zero, f64x2.pmax(f64x2.sub(v128.load(box), q0), f64x2.sub(q0, v128.load(box + bytes))));
    const second = f64x2.pmax(zero, f64x2.pmax(f64x2.sub(v128.load(box, 16), q1), f64x2.sub(q1, v128.load(box + bytes, 16))));
    low = f64x2.add(low, f64x2.mul(first, first));
    high = f64x2.add(high, f64x2.mul(second, second));
    query += 32;
    box += 32;
  }
  const sums = f64x2.add(low, high);
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}
