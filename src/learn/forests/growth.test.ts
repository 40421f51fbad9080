/** The kernel against a plain twin: each node searched by trying every cut of its rows, with the same draws. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom, type Random } from "../../base/index.ts";
import { sharedFloat32 } from "../crew/shared.ts";
import { BINS, MISSING_BIN } from "../trees/binning.ts";
import type { Forest } from "../trees/forest.ts";
import { allocate } from "./memory.ts";
import { integerTargets } from "./targets.ts";
import { type GrowOrder, type GrowthRules, growForest } from "./train.ts";

const tables = fc
  .record({
    rowCount: fc.integer({ min: 2, max: 60 }),
    columnCount: fc.integer({ min: 1, max: 4 }),
    classCount: fc.constantFrom(0, 2, 4),
    weighted: fc.boolean(),
    seed: fc.nat(),
    rules: fc.record({
      columnsTried: fc.integer({ min: 1, max: 4 }),
      minRowsPerLeaf: fc.integer({ min: 1, max: 4 }),
      depthMax: fc.constantFrom(0, 0, 1, 3),
      isRandomCut: fc.boolean(),
      bootstrap: fc.boolean(),
    }),
  })
  .map((shape) => ({ ...shape, rules: { ...shape.rules, columnsTried: Math.min(shape.rules.columnsTried, shape.columnCount) } }));

test("the kernel grows the trees of the plain search, node for node, for any rules", () => {
  fc.assert(
    fc.property(tables, (table) => {
      const order = orderOf(table);
      const { forest } = growForest(order, { index: 0, count: 1, barrier: () => {}, progress: () => {}, keep: () => {} })!;
      let node = 0;
      for (const seed of order.seeds) {
        const tree = growPlainly(order, seed);
        for (const each of tree) assertSame(forest, node++, each, order);
      }
      assert.equal(node, forest.columns.length);
    }),
    { seed: 41, numRuns: 250 },
  );
});

interface PlainNode {
  readonly column: number;
  readonly bin: number;
  readonly missingLeft: boolean;
  readonly gain: number;
  readonly cover: number;
  /** Of a leaf: the mean label, or the classes' shares. */
  readonly values: readonly number[];
}

interface Place {
  readonly row: number;
  readonly unit: number;
  readonly weight: number;
}

function growPlainly(order: GrowOrder, seed: number): PlainNode[] {
  const { rowCount, classCount, rules, memory } = order;
  const random = createRandom(seed);
  const draws = Array.from({ length: rowCount }, () => (rules.bootstrap ? 0 : 1));
  if (rules.bootstrap) for (let draw = 0; draw < rowCount; draw++) draws[random.below(rowCount)]!++;
  const bag = draws
    .map((count, row) => ({ row, unit: count * (memory.units[row] ?? 1), weight: count * (memory.weights[row] ?? 1) }))
    .filter(({ unit }) => unit > 0);
  const columns = order.columns.map((_, column) => column);
  const nodes: PlainNode[] = [];
  let next = 1;
  const waiting: { places: readonly Place[]; node: number; depth: number }[] = [{ places: bag, node: 0, depth: 0 }];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const { places, node, depth } = at;
    const mayBeCut = places.length >= 2 * rules.minRowsPerLeaf && (rules.depthMax === 0 || depth < rules.depthMax);
    const pure = new Set(places.map(({ row }) => memory.targets[row])).size === 1;
    const cut = mayBeCut && !pure ? search(order, places, columns, random) : null;
    const cover = sum(places.map(({ unit }) => unit));
    if (cut === null) {
      const mass = sum(places.map(({ weight }) => weight));
      const share = (k: number) => sum(places.map(({ row, weight }) => (memory.labels[row] === k ? weight : 0))) / mass;
      const mean = sum(places.map(({ row, weight }) => weight * memory.labels[row]!)) / mass;
      const values = classCount > 2 ? Array.from({ length: classCount }, (_, k) => share(k)) : [mean];
      nodes[node] = { column: -1, bin: 0, missingLeft: false, gain: 0, cover, values };
      continue;
    }
    nodes[node] = { ...cut, gain: Math.max(0, cut.score - scoreOf(order, places)), cover, values: [] };
    const left = { places: places.filter((place) => cut.goesLeft(place)), node: next, depth: depth + 1 };
    const right = { places: places.filter((place) => !cut.goesLeft(place)), node: next + 1, depth: depth + 1 };
    next += 2;
    waiting.push(...(left.places.length < right.places.length ? [right, left] : [left, right]));
  }
  return nodes;
}

interface Cut extends Pick<PlainNode, "column" | "bin" | "missingLeft"> {
  readonly score: number;
  goesLeft(place: Place): boolean;
}

function search(order: GrowOrder, places: readonly Place[], columns: number[], random: Random): Cut | null {
  const { columnsTried, minRowsPerLeaf, isRandomCut } = order.rules;
  let best: Cut | null = null;
  for (let tried = 0; tried < columns.length && (tried < columnsTried || best === null); tried++) {
    if (columnsTried < columns.length) {
      const other = tried + random.below(columns.length - tried);
      [columns[tried], columns[other]] = [columns[other]!, columns[tried]!];
    }
    const column = columns[tried]!;
    const binOf = ({ row }: Place) => order.memory.bins[column * order.rowCount + row]!;
    const seen = [...new Set(places.map(binOf))].filter((bin) => bin !== MISSING_BIN).sort((a, b) => a - b);
    const [low, high] = [seen[0] ?? 0, seen.at(-1) ?? 0];
    const cuts = isRandomCut && high > low ? [low + random.below(high - low)] : seen;
    const hasMissing = places.some((place) => binOf(place) === MISSING_BIN);
    for (const sideOfMissing of hasMissing ? [false, true] : [false])
      for (const bin of cuts) {
        const goesLeft = (place: Place) => (binOf(place) === MISSING_BIN ? sideOfMissing : binOf(place) <= bin);
        const left = places.filter(goesLeft);
        const right = places.filter((place) => !goesLeft(place));
        if (Math.min(left.length, right.length) < minRowsPerLeaf) continue;
        const score = scoreOf(order, left) + scoreOf(order, right);
        if (best !== null && score <= best.score) continue;
        best = { score, column, bin, missingLeft: hasMissing ? sideOfMissing : left.length >= right.length, goesLeft };
      }
  }
  return best;
}

/** Square of the sum of targets by the sum of weights, or of each class's weight. */
function scoreOf({ classCount, memory }: GrowOrder, places: readonly Place[]): number {
  const weight = sum(places.map(({ unit }) => unit));
  if (classCount <= 2) {
    const total = sum(places.map(({ row, unit }) => unit * memory.targets[row]!));
    return (total * total) / weight;
  }
  const classes = Array.from({ length: classCount }, (_, k) =>
    sum(places.map(({ row, unit }) => (memory.targets[row] === k ? unit : 0))),
  );
  return sum(classes.map((each) => each * each)) / weight;
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

function assertSame(forest: Forest, node: number, plain: PlainNode, { memory, gainScale, classCount }: GrowOrder): void {
  assert.deepEqual([forest.columns[node], forest.covers![node]], [plain.column, plain.cover]);
  if (plain.column >= 0) {
    const threshold = memory.edges[plain.column * BINS + plain.bin];
    assert.deepEqual([forest.thresholds[node], forest.missingLeft[node] === 1], [threshold, plain.missingLeft]);
    const gain = forest.gains[node]! / gainScale;
    assert.ok(Math.abs(gain - plain.gain) <= 1e-6 * (1 + plain.gain), `${gain} instead of ${plain.gain}`);
  } else if (classCount <= 2) assert.equal(forest.values[node], plain.values[0]);
  else {
    const { ats, values, width } = forest.vectors!;
    assert.deepEqual([...values.subarray(ats[node]! * width, (ats[node]! + 1) * width)], plain.values);
  }
}

function orderOf({
  rowCount,
  columnCount,
  classCount,
  weighted,
  seed,
  rules,
}: {
  rowCount: number;
  columnCount: number;
  classCount: number;
  weighted: boolean;
  seed: number;
  rules: GrowthRules;
}): GrowOrder {
  const random = createRandom(seed);
  const columns = Array.from({ length: columnCount }, (_, at) => {
    const values = sharedFloat32(rowCount);
    values.set(Array.from(values, () => (random.below(8) === 0 ? NaN : random.below(6))));
    return { name: `x${at}`, values, levelCount: 0 };
  });
  // few distinct whole numbers, so that cuts tie and sums are exact on both sides
  const y = Float64Array.from({ length: rowCount }, () => random.below(classCount === 0 ? 5 : classCount));
  const weights = weighted ? Float64Array.from({ length: rowCount }, () => 1 + random.below(3)) : undefined;
  const { targets, targetScale, units, unitScale } = integerTargets(y, classCount === 0, weights);
  const memory = allocate({
    ...{ rowCount, columnCount, trees: 2, members: 1, hasWeights: weighted },
    ...{ classCount: classCount > 2 ? classCount : 0, leavesMax: rowCount },
  });
  memory.targets.set(classCount === 0 ? y : targets);
  memory.labels.set(y);
  if (weights !== undefined) {
    memory.weights.set(weights);
    memory.units.set(weights);
  }
  assert.ok(units === null || weights!.every((weight, row) => units[row] === weight * unitScale));
  assert.ok(targetScale > 0);
  const seeds = Int32Array.of(random.below(2 ** 31), random.below(2 ** 31));
  return { rowCount, columns, classCount, rules, seeds, binsMax: 255, seed, gainScale: 1, memory };
}
