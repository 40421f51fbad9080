import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type WalkedStep, walk, walkOften } from "./along-graph.ts";

/** Each step stands behind some of those before it. */
const graph: fc.Arbitrary<WalkedStep[]> = fc
  .array(fc.record({ wallMs: fc.integer({ min: 1, max: 50 }), memoryBytes: fc.nat(9), needs: fc.array(fc.nat(11)) }), {
    maxLength: 12,
  })
  .map((steps) =>
    steps.map((step, i) => ({ ...step, id: `s${i}`, needs: [...new Set(step.needs.filter((n) => n < i))].map((n) => `s${n}`) })),
  );

/** The same, one millisecond after the other. */
function naive(steps: readonly WalkedStep[], concurrency: number) {
  const left = new Map<string, number>();
  const done = new Set<string>();
  let [ms, most] = [0, 0];
  for (; done.size < steps.length; ms++) {
    for (const { id, needs, wallMs } of steps)
      if (left.size < concurrency && !left.has(id) && !done.has(id) && needs.every((need) => done.has(need)))
        left.set(id, wallMs);
    most = Math.max(
      most,
      steps.reduce((sum, { id, memoryBytes }) => sum + (left.has(id) ? memoryBytes : 0), 0),
    );
    for (const [id, rest] of left) {
      left.set(id, rest - 1);
      if (rest > 1) continue;
      left.delete(id);
      done.add(id);
    }
  }
  return { wallMs: ms, memoryBytes: most };
}

test("steps that run so many at a time take what they take when time passes bit by bit", () => {
  fc.assert(
    fc.property(graph, fc.integer({ min: 1, max: 4 }), (steps, concurrency) => {
      assert.deepEqual(walk(steps, concurrency), naive(steps, concurrency));
    }),
  );
});

test("one at a time they take their sum, and any number at a time no less than the longest chain", () => {
  fc.assert(
    fc.property(graph, (steps) => {
      assert.equal(
        walk(steps, 1).wallMs,
        steps.reduce((sum, { wallMs }) => sum + wallMs, 0),
      );
      const ends = new Map<string, number>();
      for (const { id, needs, wallMs } of steps) ends.set(id, wallMs + Math.max(0, ...needs.map((need) => ends.get(need)!)));
      assert.equal(walk(steps, 99).wallMs, Math.max(0, ...ends.values()));
    }),
  );
});

test("a step behind one that is done already, and so not in the list, starts at once", () => {
  assert.equal(walk([{ id: "b", needs: ["a"], wallMs: 5, memoryBytes: 1 }], 2).wallMs, 5);
});

test("the draws of a whole lie between what its steps take at least and at most, the same each time", () => {
  const steps = [
    { id: "a", needs: [], wallMs: [10, 20, 90], memoryBytes: 4 },
    { id: "b", needs: ["a"], wallMs: [5, 7], memoryBytes: 3 },
  ];
  const found = walkOften(steps, 2);
  assert.deepEqual(found, walkOften(steps, 2));
  assert.ok(15 <= found.lowMs && found.lowMs <= found.wallMs && found.wallMs <= found.highMs && found.highMs <= 97);
  assert.deepEqual(walkOften([], 2), { wallMs: 0, lowMs: 0, highMs: 0, memoryBytes: 0 });
});
