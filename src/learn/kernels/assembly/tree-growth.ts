/**
 * Grows one tree on binned columns, depth first, the smaller child first (which bounds the stack). What a row adds to a sum moves with it:
 *
 *   rows    u32 per place                      which row stands there
 *   stats   i64 x 2 per place   | a | b |      a: weight x target, or the class where there are more than two; b: weight << 32 | 1
 *   cells   per bin             | a | b |      or | b | weight of class 0 | weight of class 1 | ...
 *
 * All sums are of integers. Only the bins that a node's rows touch are scanned and cleared. The last bin is for missing values.
 */
const MISSING: u32 = 255;
const BINS: usize = 256;
/** From so many rows on, nearly every bin is touched: looking for those that are costs more than it saves. */
const TOUCHED_ROWS: u32 = 1600;
const FRAME: usize = 32;
const NODE: usize = 40;

let rowCount: u32 = 0;
let columnCount: u32 = 0;
let columnsTried: u32 = 0;
let classCount: u32 = 0;
let minRows: u32 = 0;
let depthMax: u32 = 0;
let isRandomCut: bool = false;
let bins: usize = 0;
let targets: usize = 0;
let units: usize = 0;
let labels: usize = 0;
let weights: usize = 0;

let draws: usize = 0;
let rows: usize = 0;
let stats: usize = 0;
let spareRows: usize = 0;
let spareStats: usize = 0;
let cells: usize = 0;
let scratch: usize = 0;
let nodes: usize = 0;
let vectors: usize = 0;

/** Bytes of a bin's cell. */
let cellBytes: usize = 16;
let hasDraws: bool = false;
let stack: usize = 0;
let stackTop: usize = 0;
let touched: usize = 0;
let order: usize = 0;
let totals: usize = 0;
let lefts: usize = 0;
let nodeCount: u32 = 0;
let vectorCount: u32 = 0;
let settledRows: u32 = 0;

/** What is the same for all trees. `classes` is 0 but for more than two; `unitsAt` and `weightsAt` are 0 for rows that all weigh 1. */
export function prepare(
  rowTotal: u32,
  columnTotal: u32,
  tried: u32,
  classes: u32,
  rowsMin: u32,
  depth: u32,
  randomCut: bool,
  binsAt: usize,
  targetsAt: usize,
  unitsAt: usize,
  labelsAt: usize,
  weightsAt: usize,
): void {
  rowCount = rowTotal;
  columnCount = columnTotal;
  columnsTried = tried;
  classCount = classes;
  minRows = rowsMin;
  depthMax = depth;
  isRandomCut = randomCut;
  bins = binsAt;
  targets = targetsAt;
  units = unitsAt;
  labels = labelsAt;
  weights = weightsAt;
  cellBytes = classes === 0 ? 16 : (1 + <usize>classes) << 3;
}

/** This thread's own memory; `cells` is all 0, and `vectors` begins with the unit vector of each class. */
export function own(
  drawsAt: usize,
  rowsAt: usize,
  statsAt: usize,
  spareRowsAt: usize,
  spareStatsAt: usize,
  cellsAt: usize,
  scratchAt: usize,
  nodesAt: usize,
  vectorsAt: usize,
): void {
  draws = drawsAt;
  rows = rowsAt;
  stats = statsAt;
  spareRows = spareRowsAt;
  spareStats = spareStatsAt;
  cells = cellsAt;
  scratch = scratchAt;
  nodes = nodesAt;
  vectors = vectorsAt;
  touched = scratch;
  stack = scratch + 64;
  totals = stack + 64 * FRAME;
  lefts = totals + (<usize>classCount << 3);
  order = lefts + (<usize>classCount << 3);
}

/** Draws the tree's rows and plants its root; answers how many rows there are. */
export function plant(seed: i32, bootstrap: bool): u32 {
  seedRandom(seed);
  hasDraws = bootstrap;
  if (bootstrap) {
    memory.fill(draws, 0, rowCount);
    for (let draw: u32 = 0; draw < rowCount; draw++) {
      const at = draws + below(rowCount);
      store<u8>(at, load<u8>(at) + 1);
    }
  }
  let count: u32 = 0;
  let a: i64 = 0;
  let b: i64 = 0;
  for (let row: u32 = 0; row < rowCount; row++) {
    const unit = <i64>drawn(row) * (units === 0 ? 1 : <i64>load<u32>(units + (<usize>row << 2)));
    if (unit === 0) continue;
    const target = <i64>load<i32>(targets + (<usize>row << 2));
    const ofTarget = classCount === 0 ? unit * target : target;
    const ofUnit = (unit << 32) | 1;
    store<u32>(rows + (<usize>count << 2), row);
    store<i64>(stats + (<usize>count << 4), ofTarget);
    store<i64>(stats + (<usize>count << 4), ofUnit, 8);
    a += ofTarget;
    b += ofUnit;
    count++;
  }
  // a draw of rows that all weigh nothing would grow a tree of nothing
  if (count === 0 && bootstrap) return plant(seed, false);
  for (let column: u32 = 0; column < columnCount; column++) store<u32>(order + (<usize>column << 2), column);
  nodeCount = 1;
  vectorCount = classCount;
  settledRows = 0;
  stackTop = stack;
  push(0, count, 0, 0, a, b);
  return count;
}

/** Cuts nodes until about `budget` rows were seen; answers whether there are more. */
export function grow(budget: u32): bool {
  let seen: u32 = 0;
  while (stackTop > stack && seen < budget) {
    stackTop -= FRAME;
    const first = load<u32>(stackTop);
    const end = load<u32>(stackTop, 4);
    seen += end - first;
    cutNode(first, end, load<u32>(stackTop, 8), load<u32>(stackTop, 12), load<i64>(stackTop, 16), load<i64>(stackTop, 24));
  }
  return stackTop > stack;
}

/** Rows of this tree that are in leaves. */
export function settled(): u32 {
  return settledRows;
}

export function nodesGrown(): u32 {
  return nodeCount;
}

export function vectorsMade(): u32 {
  return vectorCount;
}

function push(first: u32, end: u32, node: u32, depth: u32, a: i64, b: i64): void {
  store<u32>(stackTop, first);
  store<u32>(stackTop, end, 4);
  store<u32>(stackTop, node, 8);
  store<u32>(stackTop, depth, 12);
  store<i64>(stackTop, a, 16);
  store<i64>(stackTop, b, 24);
  stackTop += FRAME;
}

let totalA: i64 = 0;
let totalB: i64 = 0;
let bestScore: f64 = 0;
let bestColumn: i32 = -1;
let bestBin: u32 = 0;
let bestMissingLeft: bool = false;
let bestA: i64 = 0;
let bestB: i64 = 0;

function cutNode(first: u32, end: u32, node: u32, depth: u32, a: i64, b: i64): void {
  totalA = a;
  totalB = b;
  bestColumn = -1;
  bestScore = -Infinity;
  if (classCount > 0) sumClasses(first, end);
  const record = nodes + <usize>node * NODE;
  store<f64>(record, <f64>(b >> 32), 32);
  const mayBeCut = end - first >= 2 * minRows && (depthMax === 0 || depth < depthMax) && !isPure(first, end);
  if (mayBeCut) searchColumns(first, end);
  if (bestColumn < 0) {
    makeLeaf(first, end, record);
    return;
  }
  const middle = partition(first, end);
  const left = nodeCount;
  nodeCount += 2;
  const gain = bestScore - parentScore();
  store<i32>(record, bestColumn);
  store<u32>(record, bestBin | (<u32>bestMissingLeft << 8), 4);
  store<u32>(record, left, 8);
  store<i32>(record, -1, 12);
  store<f64>(record, gain > 0 ? gain : 0, 16);
  store<f64>(record, 0, 24);
  const leftA = bestA;
  const leftB = bestB;
  if (middle - first < end - middle) {
    push(middle, end, left + 1, depth + 1, a - leftA, b - leftB);
    push(first, middle, left, depth + 1, leftA, leftB);
  } else {
    push(first, middle, left, depth + 1, leftA, leftB);
    push(middle, end, left + 1, depth + 1, a - leftA, b - leftB);
  }
}

function parentScore(): f64 {
  const weight = <f64>(totalB >> 32);
  if (classCount === 0) return (<f64>totalA * <f64>totalA) / weight;
  let squares: f64 = 0;
  for (let k: usize = 0; k < classCount; k++) {
    const sum = load<f64>(totals + (k << 3));
    squares += sum * sum;
  }
  return squares / weight;
}

function sumClasses(first: u32, end: u32): void {
  memory.fill(totals, 0, <usize>classCount << 3);
  for (let at = stats + (<usize>first << 4), last = stats + (<usize>end << 4); at < last; at += 16) {
    const sum = totals + (<usize>load<i64>(at) << 3);
    store<f64>(sum, load<f64>(sum) + <f64>(load<i64>(at, 8) >> 32));
  }
}

function isPure(first: u32, end: u32): bool {
  const at = stats + (<usize>first << 4);
  if (classCount > 0) return load<f64>(totals + (<usize>load<i64>(at) << 3)) === <f64>(totalB >> 32);
  const target = targetAt(at);
  for (let place = first + 1; place < end; place++) if (targetAt(stats + (<usize>place << 4)) !== target) return false;
  return true;
}

// @ts-expect-error: decorator
@inline
function targetAt(at: usize): i64 {
  return load<i64>(at) / (load<i64>(at, 8) >> 32);
}

/** Tries columns, drawn without putting back, until there are enough and one of them can be cut. */
function searchColumns(first: u32, end: u32): void {
  const drawsColumns = columnsTried < columnCount;
  for (let tried: u32 = 0; tried < columnCount; tried++) {
    if (tried >= columnsTried && bestColumn >= 0) return;
    const at = order + (<usize>tried << 2);
    if (drawsColumns) {
      const other = order + (<usize>(tried + below(columnCount - tried)) << 2);
      const column = load<u32>(other);
      store<u32>(other, load<u32>(at));
      store<u32>(at, column);
    }
    const column = load<u32>(at);
    const columnAt = bins + <usize>column * <usize>rowCount;
    if (end - first < TOUCHED_ROWS) touchRows(first, end, columnAt);
    else v128.store(touched, i64x2.splat(-1)), v128.store(touched, i64x2.splat(-1), 16);
    if (classCount === 0) addSums(first, end, columnAt);
    else addClasses(first, end, columnAt);
    searchCuts(<i32>column);
    clear();
  }
}

function touchRows(first: u32, end: u32, columnAt: usize): void {
  for (let at = rows + (<usize>first << 2), last = rows + (<usize>end << 2); at < last; at += 4) {
    const bin = <usize>load<u8>(columnAt + <usize>load<u32>(at));
    const word = touched + ((bin >> 6) << 3);
    store<u64>(word, load<u64>(word) | (<u64>1 << (bin & 63)));
  }
}

function addSums(first: u32, end: u32, columnAt: usize): void {
  let stat = stats + (<usize>first << 4);
  for (let at = rows + (<usize>first << 2), last = rows + (<usize>end << 2); at < last; at += 4, stat += 16) {
    const cell = cells + (<usize>load<u8>(columnAt + <usize>load<u32>(at)) << 4);
    v128.store(cell, i64x2.add(v128.load(cell), v128.load(stat)));
  }
}

function addClasses(first: u32, end: u32, columnAt: usize): void {
  let stat = stats + (<usize>first << 4);
  for (let at = rows + (<usize>first << 2), last = rows + (<usize>end << 2); at < last; at += 4, stat += 16) {
    const cell = cells + <usize>load<u8>(columnAt + <usize>load<u32>(at)) * cellBytes;
    const b = load<i64>(stat, 8);
    const sum = cell + 8 + (<usize>load<i64>(stat) << 3);
    store<i64>(cell, load<i64>(cell) + b);
    store<i64>(sum, load<i64>(sum) + (b >> 32));
  }
}

function clear(): void {
  for (let word: usize = 0; word < 4; word++) {
    let bits = load<u64>(touched + (word << 3));
    store<u64>(touched + (word << 3), 0);
    while (bits !== 0) {
      const cell = cells + ((word << 6) + <usize>ctz(bits)) * cellBytes;
      if (classCount === 0) v128.store(cell, i64x2.splat(0));
      else if (load<i64>(cell) !== 0) memory.fill(cell, 0, cellBytes);
      bits &= bits - 1;
    }
  }
}

// @ts-expect-error: decorator
@inline
function countOf(bin: usize): i64 {
  const cell = cells + bin * cellBytes;
  return classCount === 0 ? load<i64>(cell, 8) : load<i64>(cell);
}

/** Tries the cuts of a column with missing values right, then left where there are any. */
function searchCuts(column: i32): void {
  const missing = countOf(MISSING);
  const present = totalB - missing;
  let last: i32 = 254;
  if (isRandomCut) {
    let low: i32 = -1;
    let high: i32 = -1;
    for (let bin = nextBin(0); bin < MISSING; bin = nextBin(bin + 1)) {
      if (low < 0) low = <i32>bin;
      high = <i32>bin;
    }
    last = high > low ? low + <i32>below(<u32>(high - low)) : low;
  }
  if (present === 0) return;
  scan(column, last, false, missing, present);
  if (missing !== 0) scan(column, last, true, missing, present);
}

/** The next touched bin that has rows, 255 when there is none below. */
function nextBin(from: u32): u32 {
  let bin = from;
  while (bin < MISSING) {
    const bits = load<u64>(touched + (<usize>(bin >> 6) << 3)) >> <u64>(bin & 63);
    if (bits === 0) {
      bin = (bin | 63) + 1;
      continue;
    }
    bin += <u32>ctz(bits);
    if (bin >= MISSING) return MISSING;
    if (countOf(bin) !== 0) return bin;
    bin++;
  }
  return MISSING;
}

/** Scores the cut after each bin up to `last`, or after that one alone. The cut after all bins parts what is missing from the rest. */
function scan(column: i32, last: i32, missingLeft: bool, missing: i64, present: i64): void {
  let a: i64 = 0;
  let b: i64 = missingLeft ? missing : 0;
  if (classCount > 0) {
    memory.fill(lefts, 0, <usize>classCount << 3);
    if (missingLeft) moveLeft(MISSING);
  } else if (missingLeft) a = load<i64>(cells + <usize>MISSING * cellBytes);
  const all = missingLeft ? totalB : present;
  for (let bin = nextBin(0); <i32>bin <= last && bin < MISSING; bin = nextBin(bin + 1)) {
    if (classCount === 0) {
      const cell = cells + (<usize>bin << 4);
      a += load<i64>(cell);
      b += load<i64>(cell, 8);
    } else {
      b += countOf(bin);
      moveLeft(bin);
    }
    if (b === totalB) return;
    if (isRandomCut && b !== all && <i32>nextBin(bin + 1) <= last) continue;
    const count = <u32>b;
    const others = <u32>totalB - count;
    if (count < minRows || others < minRows) continue;
    const weight = <f64>(b >> 32);
    const otherWeight = <f64>((totalB >> 32) - (b >> 32));
    let score: f64;
    if (classCount === 0) {
      const left = <f64>a;
      const right = <f64>(totalA - a);
      score = (left * left) / weight + (right * right) / otherWeight;
    } else score = squaresLeft / weight + squaresRight / otherWeight;
    if (score > bestScore) {
      bestScore = score;
      bestColumn = column;
      bestBin = isRandomCut ? <u32>last : bin;
      bestMissingLeft = missing === 0 ? count >= others : missingLeft;
      bestA = a;
      bestB = b;
    }
  }
}

let squaresLeft: f64 = 0;
let squaresRight: f64 = 0;

/** Moves a bin's classes to the left, and sums the squares on both sides anew. */
function moveLeft(bin: u32): void {
  const cell = cells + <usize>bin * cellBytes + 8;
  squaresLeft = 0;
  squaresRight = 0;
  for (let at: usize = 0, end = <usize>classCount << 3; at < end; at += 8) {
    const left = load<f64>(lefts + at) + <f64>load<i64>(cell + at);
    const right = load<f64>(totals + at) - left;
    store<f64>(lefts + at, left);
    squaresLeft += left * left;
    squaresRight += right * right;
  }
}

/** Puts the rows that go right behind those that go left, both in their order; answers where they begin. */
function partition(first: u32, end: u32): u32 {
  const columnAt = bins + <usize>bestColumn * <usize>rowCount;
  // the bin for missing values is the last: adding 1 makes it the first
  const add = <u32>bestMissingLeft;
  const cut = bestBin + add;
  let left = first;
  let right: u32 = 0;
  for (let place = first; place < end; place++) {
    const row = load<u32>(rows + (<usize>place << 2));
    const stat = v128.load(stats + (<usize>place << 4));
    const goesRight = <u32>(((<u32>load<u8>(columnAt + <usize>row) + add) & 255) > cut);
    store<u32>(rows + (<usize>left << 2), row);
    v128.store(stats + (<usize>left << 4), stat);
    store<u32>(spareRows + (<usize>right << 2), row);
    v128.store(spareStats + (<usize>right << 4), stat);
    right += goesRight;
    left += 1 - goesRight;
  }
  memory.copy(rows + (<usize>left << 2), spareRows, <usize>right << 2);
  memory.copy(stats + (<usize>left << 4), spareStats, <usize>right << 4);
  return left;
}

// @ts-expect-error: decorator
@inline
function drawn(row: u32): u32 {
  return hasDraws ? <u32>load<u8>(draws + <usize>row) : 1;
}

// @ts-expect-error: decorator
@inline
function weightOf(row: u32): f64 {
  return <f64>drawn(row) * (weights === 0 ? 1 : load<f64>(weights + (<usize>row << 3)));
}

/** The mean label of the rows, or each class's share of them, by their weights as they are. */
function makeLeaf(first: u32, end: u32, record: usize): void {
  settledRows += end - first;
  store<i32>(record, -1);
  store<u32>(record, 0, 4);
  store<u32>(record, 0, 8);
  store<i32>(record, -1, 12);
  store<f64>(record, 0, 16);
  store<f64>(record, 0, 24);
  let mass: f64 = 0;
  if (classCount === 0) {
    let sum: f64 = 0;
    for (let place = first; place < end; place++) {
      const row = load<u32>(rows + (<usize>place << 2));
      const weight = weightOf(row);
      sum += weight * load<f64>(labels + (<usize>row << 3));
      mass += weight;
    }
    store<f64>(record, sum / mass, 24);
    return;
  }
  if (isPure(first, end)) {
    store<i32>(record, <i32>load<i64>(stats + (<usize>first << 4)), 12);
    return;
  }
  const vector = vectors + <usize>vectorCount * (<usize>classCount << 3);
  memory.fill(vector, 0, <usize>classCount << 3);
  for (let place = first; place < end; place++) {
    const weight = weightOf(load<u32>(rows + (<usize>place << 2)));
    const sum = vector + (<usize>load<i64>(stats + (<usize>place << 4)) << 3);
    store<f64>(sum, load<f64>(sum) + weight);
    mass += weight;
  }
  for (let k: usize = 0; k < classCount; k++) store<f64>(vector + (k << 3), load<f64>(vector + (k << 3)) / mass);
  store<i32>(record, <i32>vectorCount, 12);
  vectorCount++;
}

let stateA: u32 = 0;
let stateB: u32 = 0;
let stateC: u32 = 0;
let counter: u32 = 0;

/** The numbers of `createRandom`: sfc32, seeded by splitmix32. */
function seedRandom(seed: i32): void {
  stateA = splitMix(<u32>seed + 0x9e3779b9);
  stateB = splitMix(<u32>seed + 0x9e3779b9 * 2);
  stateC = splitMix(<u32>seed + 0x9e3779b9 * 3);
  counter = 1;
  for (let round = 0; round < 12; round++) random();
}

function splitMix(state: u32): u32 {
  let z = state ^ (state >>> 16);
  z *= 0x21f0aaad;
  z ^= z >>> 15;
  z *= 0x735a2d97;
  return z ^ (z >>> 15);
}

// @ts-expect-error: decorator
@inline
function random(): u32 {
  const sum = stateA + stateB + counter;
  counter++;
  stateA = stateB ^ (stateB >>> 9);
  stateB = stateC + (stateC << 3);
  stateC = rotl<u32>(stateC, 21) + sum;
  return sum;
}

// @ts-expect-error: decorator
@inline
function below(bound: u32): u32 {
  return <u32>((<f64>random() / 4294967296.0) * <f64>bound);
}
