import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createForestBuilder, type Forest, SET_WORDS } from "./forest.ts";
import { createBlockScorer, createRowScorer, plainScorer } from "./scorer.ts";

const float = fc.oneof(fc.float({ noNaN: true, min: -3, max: 3 }), fc.constantFrom(NaN, 0, -0, 1, Infinity, -Infinity));

interface Node {
  readonly column: number;
  readonly threshold: number;
  readonly set: readonly number[] | null;
  readonly missingLeft: boolean;
}

/** Columns 0 and 1 hold numbers, column 2 bins. */
const question: fc.Arbitrary<Node> = fc.oneof(
  fc.record({
    column: fc.nat(1),
    threshold: fc.float({ noNaN: true, min: -3, max: 3 }),
    set: fc.constant(null),
    missingLeft: fc.boolean(),
  }),
  fc.record({
    column: fc.constant(2),
    threshold: fc.constant(0),
    set: fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { minLength: SET_WORDS, maxLength: SET_WORDS }),
    missingLeft: fc.boolean(),
  }),
);

const forests = fc
  .record({
    trees: fc.array(fc.array(fc.tuple(question, fc.nat()), { maxLength: 40, size: "max" }), { minLength: 1, maxLength: 6 }),
    outputs: fc.integer({ min: 1, max: 3 }),
    withVectors: fc.boolean(),
    values: fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -10, max: 10 }), { minLength: 40, maxLength: 40 }),
  })
  .map(({ trees, outputs, withVectors, values }) => ({ forest: build(trees, outputs, withVectors, values), outputs }));

function build(trees: [Node, number][][], outputs: number, withVectors: boolean, values: readonly number[]): Forest {
  const builder = createForestBuilder();
  for (const questions of trees) {
    const leaves = [builder.plant()];
    for (const [node, pick] of questions) {
      const leaf = leaves.splice(pick % leaves.length, 1)[0]!;
      const left = builder.split(leaf, { ...node, set: node.set && Int32Array.from(node.set), gain: 1 });
      leaves.push(left, left + 1);
    }
    for (const leaf of leaves) builder.setValue(leaf, values[leaf % values.length]!);
  }
  const forest = builder.finish();
  if (!withVectors) return forest;
  const ats = forest.columns.map((column, node) => (column < 0 ? node % 4 : -1));
  return { ...forest, vectors: { width: outputs, ats, values: Float64Array.from(values.slice(0, 4 * outputs)) } };
}

test("the kernel's sums are those of the plain loop, bit for bit, for any forest, any number of rows, and one row alone", () => {
  const rows = fc.array(fc.tuple(float, float, fc.oneof(fc.nat(255), fc.constant(NaN))), { minLength: 1, maxLength: 37 });
  fc.assert(
    fc.property(forests, rows, fc.boolean(), ({ forest, outputs }, given, mayMiss) => {
      const sums = [createBlockScorer(forest, 3, outputs), plainScorer(forest, 3, outputs)].map(({ fill, scores, add }) => {
        for (let column = 0; column < 3; column++) {
          const values = Float64Array.from(given, (row) => (mayMiss || !Number.isNaN(row[column]!) ? row[column]! : 1));
          fill(column, values, 0, given.length);
        }
        scores.fill(0.1);
        add(given.length);
        return [...scores.subarray(0, given.length * outputs)];
      });
      assert.deepEqual(sums[0], sums[1]);
      const addRow = createRowScorer(forest, 3, outputs);
      const single = given.flatMap((row) => {
        const own = new Float64Array(outputs).fill(0.1);
        addRow(
          Float32Array.from(row, (value) => (mayMiss || !Number.isNaN(value) ? value : 1)),
          own,
        );
        return [...own];
      });
      assert.deepEqual(single, sums[1]);
    }),
    { seed: 21, numRuns: 150 },
  );
});
