import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assignBins, BINS, binEdges, floatAbove, floatBelow, LAST_EDGE, MISSING_BIN, storeEdges } from "../trees/binning.ts";
import { rankLevels } from "../trees/categories.ts";
import { addRows, type HistogramLayout, reduceColumn } from "./histogram.ts";
import { histogramSize, SUMS, strideOf } from "./memory.ts";
import { NO_SPLIT, type Split, searchNumber, searchText } from "./split-search.ts";

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
  assert.deepEqual([...rankLevels(codes, 5, target, 0.5, undefined)], [1, 3, 2, 0]);
});

/** Rows with random bins and gradients, as records and as plain numbers. */
const tables = fc
  .record({ columnCount: fc.integer({ min: 1, max: 9 }), rowCount: fc.integer({ min: 1, max: 120 }), seed: fc.nat() })
  .chain(({ columnCount, rowCount }) =>
    fc.record({
      columnCount: fc.constant(columnCount),
      bins: fc.array(fc.array(fc.constantFrom(0, 1, 2, 3, MISSING_BIN), { minLength: columnCount, maxLength: columnCount }), {
        minLength: rowCount,
        maxLength: rowCount,
      }),
      gradients: fc.array(fc.integer({ min: -(2 ** 30), max: 2 ** 30 }), { minLength: rowCount, maxLength: rowCount }),
      hessians: fc.array(fc.integer({ min: 1, max: 2 ** 21 }), { minLength: rowCount, maxLength: rowCount }),
    }),
  );

test("a histogram is the plain sum per column and bin, however many members add it up", () => {
  fc.assert(
    fc.property(tables, fc.integer({ min: 1, max: 3 }), ({ columnCount, bins, gradients, hessians }, members) => {
      const { pool } = histogramOf(columnCount, bins, gradients, hessians, members);
      for (let column = 0; column < columnCount; column++)
        for (const bin of [0, 1, 2, 3, MISSING_BIN]) {
          const rows = bins.flatMap((row, index) => (row[column] === bin ? [index] : []));
          const sum = (values: readonly number[]) => rows.reduce((total, row) => total + values[row]!, 0);
          const at = (column * BINS + bin) * SUMS;
          assert.deepEqual([...pool.slice(at, at + SUMS)], [sum(gradients), sum(hessians), rows.length]);
        }
    }),
    { seed: 12, numRuns: 60 },
  );
});

test("the count of a bin cannot run into its hessian, whatever the number of rows", () => {
  const rowCount = 100_000;
  const layout = layoutOf(1, 1);
  const records = new Int32Array(rowCount * 3);
  for (let row = 0; row < rowCount; row++) records.set([-(2 ** 30), 2 ** 21, 3], row * 3);
  const rows = Uint32Array.from({ length: rowCount }, (_, row) => row);
  const partial = new Float64Array(histogramSize(1));
  addRows(layout, records, rows, 0, rowCount, new Float64Array(histogramSize(1)), partial, 0);
  assert.deepEqual([...partial.slice(3 * SUMS, 4 * SUMS)], [-(2 ** 30) * rowCount, 2 ** 21 * rowCount, rowCount]);
});

test("the best split is the best of all splits, found by trying each", () => {
  fc.assert(
    fc.property(tables, fc.integer({ min: 1, max: 12 }), ({ columnCount, bins, gradients, hessians }, minRowsPerLeaf) => {
      const { pool } = histogramOf(columnCount, bins, gradients, hessians, 1);
      const leaf = leafOf(pool, gradients, hessians, minRowsPerLeaf);
      for (let column = 0; column < columnCount; column++) {
        const values = bins.map((row) => row[column]!);
        const best = Math.max(0, ...cutsOf(values).map((left) => gainOf(left, gradients, hessians, minRowsPerLeaf)));
        const found = searchNumber(leaf, column, 4, true, NO_SPLIT);
        assert.ok(Math.abs(found.gain - best) <= 1e-9 * (1 + best), `${found.gain} instead of ${best}`);
        if (found.column >= 0) assertHonest(found, values, gradients, hessians, minRowsPerLeaf);
      }
    }),
    { seed: 13, numRuns: 60 },
  );
});

test("the best split of a text is at least as good as any cut of its bins in their own order", () => {
  const rowCount = 400;
  const values = Array.from({ length: rowCount }, (_, row) => row % 4);
  const gradients = values.map((bin) => [5, -5, 5, -5][bin]! * 2 ** 20);
  const hessians = values.map(() => 2 ** 20);
  const { pool } = histogramOf(
    1,
    values.map((bin) => [bin]),
    gradients,
    hessians,
    1,
  );
  const leaf = leafOf(pool, gradients, hessians, 20);
  const number = searchNumber(leaf, 0, 4, false, NO_SPLIT);
  const text = searchText(leaf, 0, 4, false, NO_SPLIT);
  assert.deepEqual([text.set![0]! & 15, text.left.rows], [0b1010, 200]);
  assert.ok(text.gain > 2 * number.gain);
});

function layoutOf(columnCount: number, members: number): HistogramLayout {
  return {
    columnCount,
    stride: strideOf(columnCount),
    members,
    binCounts: new Int32Array(columnCount).fill(4),
    hasMissing: new Uint8Array(columnCount).fill(1),
    sink: new Int32Array(1),
  };
}

function histogramOf(
  columnCount: number,
  bins: number[][],
  gradients: number[],
  hessians: number[],
  members: number,
): { pool: Float64Array } {
  const layout = layoutOf(columnCount, members);
  const records = new Int32Array(bins.length * layout.stride);
  bins.forEach((row, index) => {
    records.set([gradients[index]!, hessians[index]!], index * layout.stride);
    row.forEach((bin, column) => {
      records[index * layout.stride + 2 + (column >> 2)]! |= bin << ((column & 3) * 8);
    });
  });
  const rows = Uint32Array.from(bins.keys());
  const size = histogramSize(columnCount);
  const partials = new Float64Array(size * members);
  const packed = new Float64Array(size);
  for (let member = 0; member < members; member++) {
    const from = Math.floor((bins.length * member) / members);
    addRows(layout, records, rows, from, Math.floor((bins.length * (member + 1)) / members), packed, partials, member * size);
  }
  const pool = new Float64Array(size);
  for (let column = 0; column < columnCount; column++) reduceColumn(layout, column, partials, size, pool, 0, -1);
  return { pool };
}

const scales = { gradient: 2 ** 28, hessian: 2 ** 19 };
const sumOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

function leafOf(pool: Float64Array, gradients: number[], hessians: number[], minRowsPerLeaf: number) {
  const totals = { gradient: sumOf(gradients), hessian: sumOf(hessians), rows: gradients.length };
  return { pool, at: 0, totals, scales, rules: { minRowsPerLeaf, l2: 1, minGain: 0 } };
}

/** Every way to cut ordered bins: which rows go left, with missing values on either side. */
const cutsOf = (values: readonly number[]) =>
  [0, 1, 2, 3].flatMap((bin) =>
    [false, true].map((missingLeft) => values.map((value) => (value === MISSING_BIN ? missingLeft : value <= bin))),
  );

function gainOf(
  left: readonly boolean[],
  gradients: readonly number[],
  hessians: readonly number[],
  minRowsPerLeaf: number,
): number {
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
function assertHonest(
  split: Split,
  values: readonly number[],
  gradients: readonly number[],
  hessians: readonly number[],
  minRowsPerLeaf: number,
): void {
  const left = values.map((value) => (value === MISSING_BIN ? split.missingLeft : value <= split.bin));
  assert.equal(split.left.rows, left.filter(Boolean).length);
  assert.ok(Math.abs(split.gain - gainOf(left, gradients, hessians, minRowsPerLeaf)) <= 1e-9 * (1 + split.gain));
}
