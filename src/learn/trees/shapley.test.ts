/** Shapley values by their definition, over all subsets of the columns. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createForestBuilder, type Forest } from "./forest.ts";
import { createShapley } from "./shapley.ts";

const COLUMNS = 4;

const questions = fc.array(
  fc.record({
    column: fc.nat(COLUMNS - 1),
    threshold: fc.integer({ min: -2, max: 2 }),
    missingLeft: fc.boolean(),
    pick: fc.nat(),
    share: fc.integer({ min: 1, max: 9 }),
  }),
  { maxLength: 9 },
);

test("each column's share is its mean marginal effect over all orders, as the definition says", () => {
  const row = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(NaN)), { minLength: COLUMNS, maxLength: COLUMNS });
  fc.assert(
    fc.property(fc.array(questions, { minLength: 1, maxLength: 3 }), row, (trees, given) => {
      const forest = build(trees);
      const x = Float32Array.from(given);
      const shapley = createShapley(forest, forest.covers!, 1);
      const values = new Float64Array(COLUMNS);
      shapley.add(x, 0, values, 0);
      const worth = (known: number) => [...forest.roots].reduce((sum, root) => sum + answerOf(forest, root, x, known), 0);
      assert.ok(Math.abs(shapley.base[0]! - worth(0)) < 1e-9);
      for (let column = 0; column < COLUMNS; column++) {
        const expected = shareOf(column, worth);
        assert.ok(Math.abs(values[column]! - expected) < 1e-9, `${values[column]} instead of ${expected}`);
      }
    }),
    { seed: 31, numRuns: 300 },
  );
});

function build(
  trees: readonly (readonly { column: number; threshold: number; missingLeft: boolean; pick: number; share: number }[])[],
): Forest {
  const builder = createForestBuilder();
  for (const tree of trees) {
    const leaves = [{ node: builder.plant(), cover: 1000 }];
    builder.setCover(leaves[0]!.node, 1000);
    for (const { pick, share, ...question } of tree) {
      const { node, cover } = leaves.splice(pick % leaves.length, 1)[0]!;
      const left = builder.split(node, { ...question, set: null, gain: 1 });
      const covers = [(cover * share) / 10, cover - (cover * share) / 10];
      covers.forEach((each, side) => {
        builder.setCover(left + side, each);
        leaves.push({ node: left + side, cover: each });
      });
    }
    for (const { node } of leaves) builder.setValue(node, Math.sin(node * 7) * 5);
  }
  return builder.finish();
}

/** A tree's answer when only the columns in `known` (a bit each) are. */
function answerOf(forest: Forest, node: number, x: Float32Array, known: number): number {
  const column = forest.columns[node]!;
  if (column < 0) return forest.values[node]!;
  const left = forest.lefts[node]!;
  const [a, b] = [answerOf(forest, left, x, known), answerOf(forest, left + 1, x, known)];
  const value = x[column]!;
  if ((known >> column) & 1)
    return (Number.isNaN(value) ? forest.missingLeft[node] === 1 : value <= forest.thresholds[node]!) ? a : b;
  return (forest.covers![left]! * a + forest.covers![left + 1]! * b) / forest.covers![node]!;
}

function shareOf(column: number, worth: (known: number) => number): number {
  const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
  let share = 0;
  for (let known = 0; known < 2 ** COLUMNS; known++) {
    if ((known >> column) & 1) continue;
    const size = [...known.toString(2)].filter((bit) => bit === "1").length;
    const weight = (factorial(size) * factorial(COLUMNS - size - 1)) / factorial(COLUMNS);
    share += weight * (worth(known | (1 << column)) - worth(known));
  }
  return share;
}
