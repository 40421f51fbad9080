/**
 * Nearest centres. Candidates are found in single precision, eight points at a time, and are settled in double wherever single could be wrong: labels are those of
 * a double search. Source of the bounds: Hamerly 2010, "Making k-means even faster".
 *
 *   points, centres   row-major doubles, `stride` of them a row, a multiple of 4; what lies beyond `width` is 0
 *   packed            centres in single precision, in fours: | dimension 0 of c0 c1 c2 c3 | dimension 1 ... |, padded with zeros
 *   halves            half the squared norm of each centre, single; of padding very large
 *   panel             eight points in single precision, dimension by dimension; 32 bytes each
 */
import { squaredDistance } from "./parts/distance";

/** Slack of the bounds, far above the rounding of doubles. */
const SLACK: f64 = 1e-9;
/** Rounding of a single, with a little more for the operations beyond the products. */
const EPSILON: f64 = 6.1e-8;

export { squaredDistance };

/** Adds the rows to `sums`, and gives the sum of the squares of all coordinates. */
export function squares(points: usize, rows: u32, stride: u32, sums: usize): f64 {
  const bytes = (<usize>stride) << 3;
  let low = f64x2.splat(0);
  let high = low;
  for (let row: u32 = 0; row < rows; row++) {
    for (let at: usize = 0; at < bytes; at += 32) {
      const first = v128.load(points + at);
      const second = v128.load(points + at, 16);
      v128.store(sums + at, f64x2.add(v128.load(sums + at), first));
      v128.store(sums + at, f64x2.add(v128.load(sums + at, 16), second), 16);
      low = f64x2.add(low, f64x2.mul(first, first));
      high = f64x2.add(high, f64x2.mul(second, second));
    }
    points += bytes;
  }
  const both = f64x2.add(low, high);
  return f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
}

/** Sum of weight x squared distance to the nearest centre if `point` were one more; `nearest` holds the squared distances so far, `weights` may be 0. */
export function potential(points: usize, rows: u32, stride: u32, point: usize, nearest: usize, weights: usize): f64 {
  let sum: f64 = 0;
  for (let row: usize = 0; row < <usize>rows; row++) {
    const distance = min(squaredDistance(points, point, stride), load<f64>(nearest + (row << 3)));
    sum += weights === 0 ? distance : distance * load<f64>(weights + (row << 3));
    points += (<usize>stride) << 3;
  }
  return sum;
}

/** The same, and `point` is one more. */
export function lower(points: usize, rows: u32, stride: u32, point: usize, nearest: usize, weights: usize): f64 {
  let sum: f64 = 0;
  for (let row: usize = 0; row < <usize>rows; row++) {
    const distance = min(squaredDistance(points, point, stride), load<f64>(nearest + (row << 3)));
    store<f64>(nearest + (row << 3), distance);
    sum += weights === 0 ? distance : distance * load<f64>(weights + (row << 3));
    points += (<usize>stride) << 3;
  }
  return sum;
}

/**
 * Lists the rows in [from, to) that may have got another nearest centre since the centres moved: those whose distance to their own (`uppers`) is not below half
 * that centre's gap to its neighbour, nor below the distance to all others (`lowers`). By centre, `moves` are what uppers grow by and `drops` what lowers shrink
 * by. Returns how many. To measure the own distance first, as Hamerly does, would settle one in fifty and fetch the points of all.
 */
export function unsettled(
  from: u32,
  to: u32,
  labels: usize,
  uppers: usize,
  lowers: usize,
  moves: usize,
  drops: usize,
  halfGaps: usize,
  list: usize,
): u32 {
  const sure = f64x2.splat(1 - SLACK);
  let end = list;
  let row = <usize>from;
  for (; row + 1 < <usize>to; row += 2) {
    const first = load<i32>(labels + (row << 2));
    const second = load<i32>(labels + (row << 2), 4);
    let open = 3;
    if ((first | second) >= 0) {
      const a = (<usize>first) << 3;
      const b = (<usize>second) << 3;
      const drop = v128.load64_lane(drops + b, v128.load64_zero(drops + a), 1);
      const below = f64x2.sub(v128.load(lowers + (row << 3)), drop);
      const gap = v128.load64_lane(halfGaps + b, v128.load64_zero(halfGaps + a), 1);
      const way = v128.load64_lane(moves + b, v128.load64_zero(moves + a), 1);
      const above = f64x2.add(v128.load(uppers + (row << 3)), way);
      v128.store(lowers + (row << 3), below);
      v128.store(uppers + (row << 3), above);
      open = i64x2.bitmask(f64x2.ge(above, f64x2.mul(f64x2.pmax(below, gap), sure)));
    }
    store<u32>(end, <u32>row);
    end += (<usize>(open & 1)) << 2;
    store<u32>(end, <u32>row + 1);
    end += (<usize>(open >> 1)) << 2;
  }
  if (row < <usize>to) {
    store<u32>(end, <u32>row);
    end += 4;
  }
  return <u32>((end - list) >> 2);
}

/**
 * For each of the listed rows the nearest centre (`found`), its distance or a little more (`uppers`) and the distance to the next or a little less
 * (`lowers`), all three by place in the list. Of equally near ones the first. `list` has room for seven more than `count`, so have the others.
 */
export function nearest(
  list: usize,
  count: u32,
  points: usize,
  width: u32,
  stride: u32,
  panel: usize,
  packed: usize,
  halves: usize,
  centres: usize,
  clusters: u32,
  largest: f64,
  found: usize,
  uppers: usize,
  lowers: usize,
): void {
  const bytes = (<usize>stride) << 3;
  const norms = panel + (bytes << 2);
  const rounding = f64x2.splat((<f64>width + 8) * EPSILON * largest);
  const radius = f64x2.splat(largest);
  for (let rest = count; (rest & 7) !== 0; rest++) store<u32>(list + ((<usize>rest) << 2), load<u32>(list));
  for (let first: u32 = 0; first < count; first += 8) {
    const ids = list + ((<usize>first) << 2);
    for (let lane: usize = 0; lane < 8; lane += 2)
      pack(
        points + <usize>load<u32>(ids + (lane << 2)) * bytes,
        points + <usize>load<u32>(ids + (lane << 2), 4) * bytes,
        bytes,
        panel + (lane << 2),
        norms + (lane << 3),
      );
    search(panel, width, packed, halves, clusters, norms + 64);
    for (let lane: usize = 0; lane < 8; lane += 2) {
      const place = <usize>first + lane;
      const norm = v128.load(norms + (lane << 3));
      const best = f64x2.promote_low_f32x4(v128.load64_zero(norms + (lane << 2), 64));
      const second = f64x2.promote_low_f32x4(v128.load64_zero(norms + (lane << 2), 96));
      const error = f64x2.add(f64x2.mul(f64x2.add(f64x2.sqrt(norm), radius), rounding), f64x2.splat(1e-30));
      const below = f64x2.add(norm, f64x2.mul(f64x2.splat(2), f64x2.add(best, error)));
      const above = f64x2.add(norm, f64x2.mul(f64x2.splat(2), f64x2.sub(second, error)));
      v128.store(uppers + (place << 3), f64x2.mul(f64x2.sqrt(f64x2.pmax(f64x2.splat(0), below)), f64x2.splat(1 + SLACK)));
      v128.store(lowers + (place << 3), f64x2.mul(f64x2.sqrt(f64x2.pmax(f64x2.splat(0), above)), f64x2.splat(1 - SLACK)));
      v128.store64_lane(found + (place << 2), v128.load64_zero(norms + (lane << 2), 128), 0);
      const unsure = i64x2.bitmask(f64x2.le(f64x2.sub(second, best), f64x2.mul(f64x2.splat(2), error)));
      for (let which: usize = 0; unsure >> <i32>which !== 0; which++)
        if (((unsure >> <i32>which) & 1) !== 0 && <u32>(place + which) < count) {
          const row = <usize>load<u32>(ids + ((lane + which) << 2));
          settle(points + row * bytes, stride, centres, clusters, place + which, found, uppers, lowers);
        }
    }
  }
}

/** Two points of doubles into their lanes of a panel, and their squared norms. */
function pack(a: usize, b: usize, bytes: usize, to: usize, norms: usize): void {
  let normA = f64x2.splat(0);
  let normB = f64x2.splat(0);
  for (const end = a + bytes; a < end; a += 16) {
    const valueA = v128.load(a);
    const valueB = v128.load(b);
    normA = f64x2.add(normA, f64x2.mul(valueA, valueA));
    normB = f64x2.add(normB, f64x2.mul(valueB, valueB));
    const both = v128.shuffle<f32>(f32x4.demote_f64x2_zero(valueA), f32x4.demote_f64x2_zero(valueB), 0, 4, 1, 5);
    v128.store64_lane(to, both, 0);
    v128.store64_lane(to, both, 1, 32);
    b += 16;
    to += 64;
  }
  const low = v128.shuffle<f64>(normA, normB, 0, 2);
  const high = v128.shuffle<f64>(normA, normB, 1, 3);
  v128.store(norms, f64x2.add(low, high));
}

/** In double: the nearest centre of one point. */
function settle(
  point: usize,
  stride: u32,
  centres: usize,
  clusters: u32,
  place: usize,
  found: usize,
  uppers: usize,
  lowers: usize,
): void {
  let best = Infinity;
  let second = Infinity;
  let label: u32 = 0;
  for (let cluster: u32 = 0; cluster < clusters; cluster++) {
    const distance = squaredDistance(point, centres, stride);
    if (distance < best) {
      second = best;
      best = distance;
      label = cluster;
    } else if (distance < second) second = distance;
    centres += (<usize>stride) << 3;
  }
  store<i32>(found + (place << 2), label);
  store<f64>(uppers + (place << 3), sqrt(best) * (1 + SLACK));
  store<f64>(lowers + (place << 3), sqrt(second) * (1 - SLACK));
}

function dots(panel: usize, width: u32, packed: usize, halves: usize, out: usize): void {
  let a0 = f32x4.splat(0);
  let a1 = f32x4.splat(0);
  let b0 = f32x4.splat(0);
  let b1 = f32x4.splat(0);
  let c0 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  let d0 = f32x4.splat(0);
  let d1 = f32x4.splat(0);
  const end = panel + ((<usize>width) << 5);
  while (panel < end) {
    const low = v128.load(panel);
    const high = v128.load(panel, 16);
    const a = v128.load32_splat(packed);
    a0 = f32x4.add(a0, f32x4.mul(a, low));
    a1 = f32x4.add(a1, f32x4.mul(a, high));
    const b = v128.load32_splat(packed, 4);
    b0 = f32x4.add(b0, f32x4.mul(b, low));
    b1 = f32x4.add(b1, f32x4.mul(b, high));
    const c = v128.load32_splat(packed, 8);
    c0 = f32x4.add(c0, f32x4.mul(c, low));
    c1 = f32x4.add(c1, f32x4.mul(c, high));
    const d = v128.load32_splat(packed, 12);
    d0 = f32x4.add(d0, f32x4.mul(d, low));
    d1 = f32x4.add(d1, f32x4.mul(d, high));
    panel += 32;
    packed += 16;
  }
  const a = v128.load32_splat(halves);
  v128.store(out, f32x4.sub(a, a0));
  v128.store(out, f32x4.sub(a, a1), 16);
  const b = v128.load32_splat(halves, 4);
  v128.store(out, f32x4.sub(b, b0), 32);
  v128.store(out, f32x4.sub(b, b1), 48);
  const c = v128.load32_splat(halves, 8);
  v128.store(out, f32x4.sub(c, c0), 64);
  v128.store(out, f32x4.sub(c, c1), 80);
  const d = v128.load32_splat(halves, 12);
  v128.store(out, f32x4.sub(d, d0), 96);
  v128.store(out, f32x4.sub(d, d1), 112);
}

/**
 * Scores |c|^2 / 2 - p c, which order centres as their distances do: for each of the eight points the least, the second least and the centre of the least,
 * at out, out + 32 and out + 64; from out + 96 there is room for 128 bytes.
 */
function search(panel: usize, width: u32, packed: usize, halves: usize, clusters: u32, out: usize): void {
  let best0 = f32x4.splat(3e38);
  let best1 = best0;
  let second0 = best0;
  let second1 = best0;
  let label0 = i32x4.splat(0);
  let label1 = label0;
  const scores = out + 96;
  for (let cluster: u32 = 0; cluster < clusters; cluster += 4) {
    dots(panel, width, packed, halves, scores);
    for (let lane: u32 = 0; lane < 4; lane++) {
      const score0 = v128.load(scores + ((<usize>lane) << 5));
      const score1 = v128.load(scores + ((<usize>lane) << 5), 16);
      const label = i32x4.splat(cluster + lane);
      const less0 = f32x4.lt(score0, best0);
      const less1 = f32x4.lt(score1, best1);
      second0 = f32x4.pmin(second0, f32x4.pmax(score0, best0));
      second1 = f32x4.pmin(second1, f32x4.pmax(score1, best1));
      best0 = f32x4.pmin(score0, best0);
      best1 = f32x4.pmin(score1, best1);
      label0 = v128.bitselect(label, label0, less0);
      label1 = v128.bitselect(label, label1, less1);
    }
    packed += (<usize>width) << 4;
    halves += 16;
  }
  v128.store(out, best0);
  v128.store(out, best1, 16);
  v128.store(out, second0, 32);
  v128.store(out, second1, 48);
  v128.store(out, label0, 64);
  v128.store(out, label1, 80);
}

/** Takes over what `nearest` found: rows that changed their centre move from sum to sum (`sums` clusters x stride, `masses` their weights). Returns how many did. */
export function move(
  list: usize,
  count: u32,
  found: usize,
  foundUppers: usize,
  foundLowers: usize,
  points: usize,
  stride: u32,
  weights: usize,
  labels: usize,
  uppers: usize,
  lowers: usize,
  sums: usize,
  masses: usize,
): u32 {
  let moved: u32 = 0;
  for (let place: usize = 0; place < <usize>count; place++) {
    const row = <usize>load<u32>(list + (place << 2));
    store<f64>(uppers + (row << 3), load<f64>(foundUppers + (place << 3)));
    store<f64>(lowers + (row << 3), load<f64>(foundLowers + (place << 3)));
    const label = load<i32>(found + (place << 2));
    const old = load<i32>(labels + (row << 2));
    if (label === old) continue;
    moved++;
    store<i32>(labels + (row << 2), label);
    const weight = weights === 0 ? 1 : load<f64>(weights + (row << 3));
    const point = points + row * ((<usize>stride) << 3);
    if (old >= 0) add(sums, masses, old, point, stride, -weight);
    add(sums, masses, label, point, stride, weight);
  }
  return moved;
}

function add(sums: usize, masses: usize, label: i32, point: usize, stride: u32, weight: f64): void {
  const mass = masses + ((<usize>label) << 3);
  store<f64>(mass, load<f64>(mass) + weight);
  let sum = sums + <usize>label * ((<usize>stride) << 3);
  const factor = f64x2.splat(weight);
  const end = point + ((<usize>stride) << 3);
  while (point < end) {
    v128.store(sum, f64x2.add(v128.load(sum), f64x2.mul(factor, v128.load(point))));
    sum += 16;
    point += 16;
  }
}

/** Adds `count` doubles to others. */
export function addTo(sums: usize, values: usize, count: u32): void {
  for (const end = sums + ((<usize>count) << 3); sums < end; sums += 8) {
    store<f64>(sums, load<f64>(sums) + load<f64>(values));
    values += 8;
  }
}

/** Sum of weight x squared distance of the rows to the centres of their labels. */
export function inertia(points: usize, rows: u32, stride: u32, centres: usize, labels: usize, weights: usize): f64 {
  let sum: f64 = 0;
  for (let row: usize = 0; row < <usize>rows; row++) {
    const distance = squaredDistance(points, centres + <usize>load<i32>(labels + (row << 2)) * ((<usize>stride) << 3), stride);
    sum += weights === 0 ? distance : distance * load<f64>(weights + (row << 3));
    points += (<usize>stride) << 3;
  }
  return sum;
}
