import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { byPixels, drawCurves } from "./curve-plot.ts";
import { logScale } from "./scale.ts";

test("what is drawn of a curve has in each column of pixels its first, least, greatest and last place, and at most these", () => {
  const ys = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { maxLength: 400 });
  fc.assert(
    fc.property(ys, fc.integer({ min: 1, max: 40 }), (ys, columns) => {
      const points = ys.map((y, x) => ({ x, y }));
      const columnOf = (x: number) => Math.floor((x * columns) / points.length);
      const kept = byPixels(points, columnOf);
      assert.deepEqual(
        kept.map(({ x }) => x),
        kept.map(({ x }) => x).toSorted((a, b) => a - b),
      );
      for (const column of new Set(points.map(({ x }) => columnOf(x)))) {
        const [all, some] = [points, kept].map((places) => places.filter(({ x }) => columnOf(x) === column)) as [
          typeof points,
          typeof points,
        ];
        const range = (places: typeof points) => [Math.min(...places.map(({ y }) => y)), Math.max(...places.map(({ y }) => y))];
        assert.deepEqual([some[0], some.at(-1), range(some)], [all[0], all.at(-1), range(all)]);
        assert.ok(some.length <= 4);
      }
    }),
  );
});

test("a curve has a gap where a value is no number, and a lone point is seen", () => {
  const points = [1, 2, Number.NaN, 3, Number.NaN, 2, 1].map((y, x) => ({ x, y }));
  const { markup } = drawCurves({ title: "loss", told: "", across: "step", curves: [{ name: "a", points }] });
  assert.equal(/ d="([^"]+)"/.exec(markup)![1]!.match(/M/g)?.length, 3);
  assert.match(markup, /h\.01/);
});

test("powers of ten rise evenly, from less than one of them to many", () => {
  const { ticks, heightOf } = logScale([0.02, 3000]);
  assert.deepEqual(
    ticks.map(({ text }) => text),
    ["0.01", "1", "100", "10000"],
  );
  assert.ok(Math.abs(heightOf(1) - 2 / 6) < 1e-9 && heightOf(0.01) === 0);
  assert.deepEqual(
    logScale([5, 5]).ticks.map(({ value }) => value),
    [1, 10, 2, 5],
  );
});
