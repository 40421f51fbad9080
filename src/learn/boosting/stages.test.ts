import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../../base/index.ts";
import { createArena } from "../kernels/arena.ts";
import { type BinningKernel, SORT_COUNTER_BYTES } from "../kernels/binning.ts";
import type { GradientsKernel } from "../kernels/gradients.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import {
  assignBins,
  BINS,
  binEdges,
  edgesOfSorted,
  floatAbove,
  floatBelow,
  LAST_EDGE,
  MISSING_BIN,
  storeEdges,
} from "../trees/binning.ts";
import { rankerBy } from "../trees/categories.ts";
import { createHistograms, type Histograms, SUMS } from "./histogram.ts";
import { allocate, type Memory, strideOf } from "./memory.ts";
import { createPartition } from "./partition.ts";
import { quantileOf } from "./quantiles.ts";
import { NO_SPLIT, plainScan, type Split, searchNumber, searchText } from "./split-search.ts";

const floats = fc.float({ noDefaultInfinity: true, noNaN: true });

test("a value's bin is the first whose edge is not below it, also at edges and one step beside them", () => {
  fc.assert(
    fc.property(fc.array(floats, { minLength: 1, maxLength: 600 }), fc.integer({ min: 2, max: 255 }), (values, binsMax) => {
      const edges = binEdges(Float32Array.from(values), binsMax, 1);
      assert.ok(edges.length <= binsMax && edges.at(-1) === LAST_EDGE);
      assert.ok(
        edges.every((edge, index) => index === 0 || edge > edges[index - 1]!),
        "edges rise",
      );
      const table = new Float32Array(BINS);
      storeEdges(edges, table);
      const probes = Float32Array.from([
        ...values,
        ...edges,
        ...Array.from(edges, floatBelow),
        ...Array.from(edges.slice(0, -1), floatAbove),
      ]);
      const bins = new Uint8Array(probes.length);
      assert.equal(assignBins(probes, table, bins, 0, 0, probes.length), false);
      probes.forEach((x, index) => {
        assert.equal(
          bins[index],
          edges.findIndex((edge) => x <= edge),
        );
      });
    }),
    { seed: 11, numRuns: 60 },
  );
});

test("few distinct values have a bin each; many share evenly; a heavy value does not starve the rest", () => {
  assert.deepEqual([...binEdges(Float32Array.of(3, 1, 2, 2, NaN), 255, 1)], [1.5, 2.5, LAST_EDGE]);
  const skewed = Float32Array.from({ length: 10_000 }, (_, index) => (index < 9000 ? 0 : index));
  const table = new Float32Array(BINS);
  const edges = binEdges(skewed, 11, 1);
  storeEdges(edges, table);
  const bins = new Uint8Array(skewed.length);
  assignBins(skewed, table, bins, 0, 0, skewed.length);
  const counts = Array.from({ length: 11 }, (_, bin) => bins.filter((value) => value === bin).length);
  assert.deepEqual(counts, [9000, ...Array(10).fill(100)]);
});

test("missing values have the bin of their own", () => {
  const bins = new Uint8Array(2);
  assert.equal(assignBins(Float32Array.of(NaN, 1), new Float32Array(BINS).fill(Infinity), bins, 0, 0, 2), true);
  assert.deepEqual([...bins], [MISSING_BIN, 0]);
});

test("texts are ranked by smoothed mean target: a rare text lies near the middle, an unseen one nowhere", () => {
  const codes = Int32Array.from([...Array(100).fill(0), ...Array(100).fill(1), 2, ...Array(100).fill(3), -1]);
  const target = Float64Array.from(codes, (code) => ({ 0: 1, 1: 0, 2: 1, 3: 0.5 })[code] ?? 0);
  assert.deepEqual([...rankerBy({ target, mean: 0.5, weights: undefined })(codes, 5)], [1, 3, 2, 0]);
});

test("the kernels sort and bin as the plain loops do", () => {
  const random = createRandom(8);
  const values = Float32Array.from({ length: 5000 }, () => random.normal() * 10 ** (random.below(60) - 30));
  const arena = createArena();
  const kernel = instantiateKernel<BinningKernel>("binning", arena.memory);
  const [given, sorted, counters] = [arena.float32(5000), arena.float32(5000), arena.uint8(SORT_COUNTER_BYTES)];
  given.set(values);
  kernel.sort(given.byteOffset, sorted.byteOffset, 5000, counters.byteOffset);
  assert.deepEqual([...sorted], [...values.slice().sort()]);
  const table = arena.float32(BINS);
  storeEdges(edgesOfSorted(sorted, 200), table);
  const probes = Float32Array.from([
    ...values,
    ...table.subarray(0, 200),
    ...Array.from(table.subarray(0, 199), floatAbove),
    NaN,
  ]);
  const [x, bins, records] = [arena.float32(probes.length), arena.uint8(probes.length), arena.uint8(probes.length * 3)];
  x.set(probes);
  const plain = new Uint8Array(probes.length);
  for (const count of [probes.length, probes.length - 1]) {
    const found = kernel.assign(x.byteOffset, count, table.byteOffset, bins.byteOffset, records.byteOffset, 3);
    assert.equal((found & 1) === 1, assignBins(probes, table, plain, 0, 0, count));
  }
  assert.deepEqual([...bins], [...plain]);
  assert.deepEqual(
    [...plain],
    Array.from(plain, (_, at) => records[at * 3]),
  );
});

/** Rows with random bins and gradients. */
const tables = fc
  .record({ columnCount: fc.integer({ min: 1, max: 21 }), rowCount: fc.integer({ min: 1, max: 120 }) })
  .chain(({ columnCount, rowCount }) =>
    fc.record({
      bins: fc.array(fc.array(fc.constantFrom(0, 1, 2, 3, MISSING_BIN), { minLength: columnCount, maxLength: columnCount }), {
        minLength: rowCount,
        maxLength: rowCount,
      }),
      gradients: fc.array(fc.integer({ min: -(2 ** 30), max: 2 ** 30 }), { minLength: rowCount, maxLength: rowCount }),
      hessians: fc.array(fc.integer({ min: 1, max: 2 ** 21 }), { minLength: rowCount, maxLength: rowCount }),
    }),
  );

interface Table {
  readonly bins: number[][];
  readonly gradients: number[];
  readonly hessians: number[];
}

test("a histogram is the plain sum per column and bin, of rows in their order and of rows listed", () => {
  fc.assert(
    fc.property(tables, fc.boolean(), (table, listed) => {
      const memory = memoryOf(table, 1);
      if (listed) memory.rows.set([...table.bins.keys()].reverse());
      const histograms = histogramsOf(memory, table, 0);
      histograms.add(0, 0, table.bins.length, listed);
      assertSums(histograms, 0, table, [...table.bins.keys()]);
    }),
    { seed: 12, numRuns: 40 },
  );
});

test("members add up parts, and the parent is left with the sibling", () => {
  const random = createRandom(4);
  const draw = (bound: number) => random.below(bound);
  const table: Table = { bins: [], gradients: [], hessians: [] };
  for (let row = 0; row < 9000; row++) {
    table.bins.push(Array.from({ length: 13 }, () => [0, 1, 2, 3, MISSING_BIN][draw(5)]!));
    table.gradients.push(draw(2 ** 31) - 2 ** 30);
    table.hessians.push(draw(2 ** 24));
  }
  const memory = memoryOf(table, 3);
  const crew = [0, 1, 2].map((index) => histogramsOf(memory, table, index));
  const columns = Array.from({ length: 13 }, (_, column) => column);
  for (const member of crew) member.add(0, 0, 9000, false);
  crew[0]!.reduce(columns, 0, -1, 9000);
  assertSums(crew[0]!, 0, table, [...table.bins.keys()]);
  const child = [...table.bins.keys()].filter((row) => row % 5 < 3);
  memory.rows.set(child);
  for (const member of crew) member.add(1, 0, child.length, true);
  crew[2]!.reduce(columns, 1, 0, child.length);
  assertSums(crew[0]!, 1, table, child);
  assertSums(
    crew[0]!,
    0,
    table,
    [...table.bins.keys()].filter((row) => row % 5 >= 3),
  );
});

test("rows are parted in their order, by numbers and by sets, however many there are", () => {
  const random = createRandom(6);
  const bins = Array.from({ length: 40_000 }, () => [[0, 1, 2, 3, MISSING_BIN][random.below(5)]!]);
  const table = { bins, gradients: bins.map(() => 0), hessians: bins.map(() => 1) };
  const goesLeft = [
    [{ bin: 1, set: null, missingLeft: true }, [0, 1, MISSING_BIN]],
    [{ bin: 0, set: Int32Array.of(0b1010, 0, 0, 0, 0, 0, 0, 0), missingLeft: false }, [1, 3]],
  ] as const;
  for (const [cut, left] of goesLeft) {
    const memory = memoryOf(table, 1);
    memory.bins.set(bins.flat());
    const rows = [...bins.keys()].filter((row) => row % 3 !== 0);
    memory.rows.set(rows, 100);
    const isLeft = (row: number) => (left as readonly number[]).includes(bins[row]![0]!);
    const expected = [...rows.filter(isLeft), ...rows.filter((row) => !isLeft(row))];
    const split: Split = { ...cut, gain: 1, column: 0, left: { gradient: 0, hessian: 0, rows: 0 } };
    createPartition(memory, bins.length, memberOf(0, 1))(split, 100, rows.length, rows.filter(isLeft).length);
    assert.deepEqual([...memory.rows.subarray(100, 100 + rows.length)], expected);
  }
});

test("the best split is the best of all splits, found by trying each", () => {
  fc.assert(
    fc.property(tables, fc.integer({ min: 1, max: 12 }), (table, minRowsPerLeaf) => {
      const leaf = leafOf(table, minRowsPerLeaf);
      table.bins[0]!.forEach((_, column) => {
        const values = table.bins.map((row) => row[column]!);
        const best = Math.max(0, ...cutsOf(values).map((left) => gainOf(left, table, minRowsPerLeaf)));
        const found = searchNumber(leaf, column, 4, true, 0, NO_SPLIT);
        assert.ok(Math.abs(found.gain - best) <= 1e-9 * (1 + best), `${found.gain} instead of ${best}`);
        if (found.column >= 0) assertHonest(found, values, table, minRowsPerLeaf);
      });
    }),
    { seed: 13, numRuns: 60 },
  );
});

test("the kernel's scan gives the plain scan's cut to the bit, also where bounds are so wide that they bind nothing", () => {
  fc.assert(
    fc.property(tables, fc.integer({ min: 1, max: 12 }), (table, minRowsPerLeaf) => {
      const leaf = leafOf(table, minRowsPerLeaf);
      const order = Uint8Array.of(0, 1, 2, 3);
      for (const column of table.bins[0]!.keys()) {
        const missing = leaf.histograms.missing(0, column).slice(MISSING_BIN * SUMS);
        const rest = { gradient: missing[0]!, hessian: missing[1]!, rows: missing[2]! };
        const found = searchNumber(leaf, column, 4, true, 0, NO_SPLIT);
        const right = plainScan(leaf, column, order, 0)(4, { gradient: 0, hessian: 0, rows: 0 }, 0);
        const left = rest.rows > 0 ? plainScan(leaf, column, order, 0)(3, rest, right?.gain ?? 0) : null;
        const plain = rest.rows > 0 ? (left ?? right) : plainScan(leaf, column, order, 0)(3, rest, 0);
        assert.deepEqual([found.gain, found.bin, found.left], [plain?.gain ?? 0, plain?.last ?? 0, plain?.left ?? NO_SPLIT.left]);
        const wide = searchNumber({ ...leaf, bounds: { lower: -Infinity, upper: Infinity } }, column, 4, true, 0, NO_SPLIT);
        assert.ok(Math.abs(wide.gain - found.gain) <= 1e-9 * (1 + found.gain));
      }
    }),
    { seed: 14, numRuns: 40 },
  );
});

test("the best split of a text is at least as good as any cut of its bins in their own order", () => {
  const values = Array.from({ length: 400 }, (_, row) => row % 4);
  const gradients = values.map((bin) => [5, -5, 5, -5][bin]! * 2 ** 20);
  const leaf = leafOf({ bins: values.map((bin) => [bin]), gradients, hessians: values.map(() => 2 ** 20) }, 20);
  const number = searchNumber(leaf, 0, 4, false, 0, NO_SPLIT);
  const text = searchText(leaf, 0, 4, false, NO_SPLIT);
  assert.deepEqual([text.set![0]! & 15, text.left.rows], [0b1010, 200]);
  assert.ok(text.gain > 2 * number.gain);
});

test("gradients are those of the formulas, rounded, at every score and for any number of rows", () => {
  const random = createRandom(9);
  for (const rowCount of [1, 2, 3, 1000]) {
    for (const hasWeights of [false, true]) {
      const memory = allocate({ ...oneColumn(rowCount), outputs: 3, hasWeights });
      for (let row = 0; row < rowCount; row++) {
        memory.y[row] = random.below(3);
        for (let k = 0; k < 3; k++) memory.scores[row * 3 + k] = random.normal() * 10 ** random.below(4);
        if (hasWeights) memory.weights[row] = random.next();
      }
      const kernel = instantiateKernel<GradientsKernel>("gradients", memory.memory);
      const [scores, weights] = [memory.scores, hasWeights ? memory.weights : undefined];
      const [y, w] = [memory.y.byteOffset, hasWeights ? memory.weights.byteOffset : 0];
      const target = [0, rowCount, memory.records.byteOffset, strideOf(1), 2 ** 28, 2 ** 20] as const;
      const expectRows = (derive: (row: number) => readonly [gradient: number, hessian: number]) => {
        const records = new Int32Array(memory.records.buffer, memory.records.byteOffset, rowCount * (strideOf(1) / 4));
        for (let row = 0; row < rowCount; row++) {
          const [gradient, hessian] = derive(row).map((value) => value * (weights?.[row] ?? 1));
          const at = row * (strideOf(1) / 4);
          assert.ok(Math.abs(records[at]! - gradient! * 2 ** 28) <= 0.51, `gradient of row ${row}`);
          assert.ok(Math.abs(records[at + 1]! - hessian! * 2 ** 20) <= 0.51, `hessian of row ${row}`);
        }
      };
      kernel.logistic(y, w, scores.byteOffset, ...target);
      expectRows((row) => {
        const p = 1 / (1 + Math.exp(-scores[row]!));
        return [p - memory.y[row]!, p * (1 - p)];
      });
      kernel.normalise(scores.byteOffset, 3, memory.normalisers.byteOffset, 0, rowCount);
      kernel.softmax(y, w, scores.byteOffset, 3, 1, memory.normalisers.byteOffset, ...target);
      expectRows((row) => {
        const own = [...scores.subarray(row * 3, row * 3 + 3)].map((score) => Math.exp(score - scores[row * 3 + 1]!));
        const p = 1 / own.reduce((a, b) => a + b);
        return [p - (memory.y[row] === 1 ? 1 : 0), p * (1 - p)];
      });
      for (let row = 0; row < rowCount; row++) scores[row] = Math.tanh(scores[row]!);
      kernel.squared(y, w, scores.byteOffset, ...target);
      expectRows((row) => [scores[row]! - memory.y[row]!, 1]);
      const residuals = Array.from(
        { length: rowCount },
        (_, row) => Math.abs(scores[row]! - memory.y[row]!) * (weights?.[row] ?? 1),
      );
      assert.equal(kernel.largestResidual(y, w, scores.byteOffset, 0, rowCount), Math.max(...residuals));
    }
  }
});

test("a quantile reaches its share of the weights; the half of an even number is the middle between two", () => {
  const equal = (values: number[]) => values.map((value) => [value, 1] as const);
  assert.equal(quantileOf(equal([4, 1, 3, 2]), 0.5), 2.5);
  assert.equal(quantileOf(equal([3, 1, 2]), 0.5), 2);
  assert.equal(quantileOf(equal([3, 1, 2]), 0.9), 3);
  assert.equal(quantileOf([...equal([1, 2]), [3, 10]], 0.5), 3);
  assert.equal(quantileOf([...equal([1, 2]), [1.5, 0]], 0.5), 1.5);
});

const memberOf = (index: number, count: number) => ({ index, count, barrier: () => {}, progress: () => {}, keep: () => {} });

const oneColumn = (rowCount: number) => ({
  ...{ rowCount, columnCount: 1, outputs: 1, members: 1, leavesMax: 2 },
  ...{ hasWeights: false, hasRaw: false, hasKeys: false },
});

function memoryOf({ bins, gradients, hessians }: Table, members: number): Memory {
  const columnCount = bins[0]!.length;
  const memory = allocate({ ...oneColumn(bins.length), columnCount, members });
  memory.binCounts.fill(4);
  memory.hasMissing.fill(1);
  const stride = strideOf(columnCount);
  const words = new Int32Array(memory.records.buffer, memory.records.byteOffset, (bins.length * stride) / 4);
  bins.forEach((row, index) => {
    words.set([gradients[index]!, hessians[index]!], (index * stride) / 4);
    memory.records.set(row, index * stride + 8);
  });
  return memory;
}

const histogramsOf = (memory: Memory, { bins }: Table, index: number) =>
  createHistograms(memory, bins[0]!.length, bins.length, 2, memberOf(index, memory.own.length));

function assertSums(histograms: Histograms, slot: number, { bins, gradients, hessians }: Table, rows: readonly number[]): void {
  bins[0]!.forEach((_, column) => {
    const sums = histograms.column(slot, column);
    for (const bin of [0, 1, 2, 3, MISSING_BIN]) {
      const own = rows.filter((row) => bins[row]![column] === bin);
      const sum = (values: readonly number[]) => own.reduce((total, row) => total + values[row]!, 0);
      assert.deepEqual([...sums.slice(bin * SUMS, bin * SUMS + SUMS)], [sum(gradients), sum(hessians), own.length]);
    }
  });
}

const scales = { gradient: 2 ** 28, hessian: 2 ** 19 };
const sumOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

function leafOf(table: Table, minRowsPerLeaf: number) {
  const histograms = histogramsOf(memoryOf(table, 1), table, 0);
  histograms.add(0, 0, table.bins.length, false);
  const totals = { gradient: sumOf(table.gradients), hessian: sumOf(table.hessians), rows: table.bins.length };
  return { histograms, slot: 0, totals, scales, rules: { minRowsPerLeaf, minHessianPerLeaf: 1e-3, l2: 1, minGain: 0 } };
}

/** Every way to cut ordered bins: which rows go left, with missing values on either side. */
const cutsOf = (values: readonly number[]) =>
  [0, 1, 2, 3].flatMap((bin) =>
    [false, true].map((missingLeft) => values.map((value) => (value === MISSING_BIN ? missingLeft : value <= bin))),
  );

function gainOf(left: readonly boolean[], { gradients, hessians }: Table, minRowsPerLeaf: number): number {
  const side = (wanted: boolean) => {
    const rows = left.flatMap((isLeft, row) => (isLeft === wanted ? [row] : []));
    const hessian = sumOf(rows.map((row) => hessians[row]!)) / scales.hessian;
    const gradient = sumOf(rows.map((row) => gradients[row]!)) / scales.gradient;
    return { rows: rows.length, hessian, term: gradient ** 2 / (hessian + 1) };
  };
  const [a, b] = [side(true), side(false)];
  if (Math.min(a.rows, b.rows) < minRowsPerLeaf || Math.min(a.hessian, b.hessian) < 1e-3) return 0;
  return a.term + b.term - (sumOf(gradients) / scales.gradient) ** 2 / (sumOf(hessians) / scales.hessian + 1);
}

/** What the split says of its left side is so. */
function assertHonest(split: Split, values: readonly number[], table: Table, minRowsPerLeaf: number): void {
  const left = values.map((value) => (value === MISSING_BIN ? split.missingLeft : value <= split.bin));
  assert.equal(split.left.rows, left.filter(Boolean).length);
  assert.ok(Math.abs(split.gain - gainOf(left, table, minRowsPerLeaf)) <= 1e-9 * (1 + split.gain));
}
