import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { digestOf } from "../../base/index.ts";
import type { Dimension, Point, Space, TuningDefinition } from "../../define/index.ts";
import type { TrialResult } from "./choose.ts";
import { nextJobs } from "./search.ts";
import { type Searched, warmStart } from "./warm-start.ts";

const s = {
  integer: (from: number, to: number): Dimension => ({ kind: "integer", from, to, scale: "linear" }),
  uniform: (from: number, to: number): Dimension => ({ kind: "number", from, to, scale: "linear" }),
  logUniform: (from: number, to: number): Dimension => ({ kind: "number", from, to, scale: "log" }),
  categorical: (...values: readonly Point[string][]): Dimension => ({ kind: "choice", values }),
};

const tuning = (space: Space, more: Partial<TuningDefinition> = {}): TuningDefinition => ({
  ...{ among: { ridge: {} }, space, start: [], trials: 30, parallel: 2, sampler: "tpe", pruner: "none" },
  ...{ metric: "rmse", better: "lower", folds: 3, warmStart: true, ...more },
});

const trial = (number: number, point: Point, value: number | null, more: Partial<TrialResult> = {}): TrialResult => ({
  ...{ trial: number, estimator: "ridge", point, share: 1, value, values: [value, value, value], modelBytes: 1, error: null },
  ...{ key: digestOf(String(number)), ...more },
});
const searched = (trials: readonly TrialResult[], metric = "rmse"): Searched => ({ metric, better: "lower", trials });

const l2 = { l2: s.logUniform(0.1, 10) };

test("a search begins with the best of each earlier one, the newest first, and then with its own points that none has tried", () => {
  const older = searched([trial(0, { l2: 1 }, 5), trial(1, { l2: 2 }, 3), trial(2, { l2: 3 }, null)]);
  const newer = searched([trial(0, { l2: 4 }, 900), trial(1, { l2: 5 }, 800)]);
  const other = searched([trial(0, { l2: 9 }, 0)], "mae");
  const start = [{ l2: 1 }, { l2: 6 }];
  const warm = warmStart(tuning(l2, { start }), [older, newer, other]);
  assert.deepEqual(warm.start, [{ l2: 5 }, { l2: 2 }, { l2: 6 }]);
  assert.deepEqual([warm.begins, warm.trials], [2, 4]);
  assert.deepEqual(
    warm.earlier.map((trials) => trials.map(({ point, loss }) => [point.l2, loss])),
    [
      [
        [1, 5],
        [2, 3],
      ],
      [
        [4, 900],
        [5, 800],
      ],
    ],
  );
  assert.deepEqual(warmStart(tuning(l2, { start }), []), { start, earlier: [], trials: 0, begins: 0 });
});

test("in another space numbers are taken to the end of their range, what is new has the definition's own value, and only what lies in it whole is learnt from", () => {
  const space = { l2: s.logUniform(1, 3), steps: s.integer(1, 9), kind: s.categorical("a", "b") };
  const old = searched([
    trial(0, { l2: 50, steps: 2, kind: "c", gone: 1 }, 1),
    trial(1, { l2: 2, steps: 20, kind: "b" }, 2),
    trial(2, { l2: 2, steps: 3, kind: "b", gone: 4 }, 3),
    trial(3, { l2: 2, kind: "b" }, 4),
  ]);
  const warm = warmStart(tuning(space, { parallel: 4, start: [{ l2: 1, steps: 5, kind: "a" }] }), [old]);
  assert.deepEqual(warm.start, [
    { l2: 3, steps: 2, kind: "a" },
    { l2: 2, steps: 9, kind: "b" },
    { l2: 2, steps: 3, kind: "b" },
    { l2: 2, steps: 5, kind: "b" },
    { l2: 1, steps: 5, kind: "a" },
  ]);
  assert.deepEqual(
    warm.earlier.flat().map(({ point }) => point),
    [{ l2: 2, steps: 3, kind: "b" }],
  );
});

test("what a search of one estimator found is taken over by one among several, and back; a trial on more rows counts before", () => {
  const several = tuning(
    { estimator: s.categorical("ridge", "lasso"), "ridge.l2": { ...l2.l2, when: { name: "estimator", is: ["ridge"] } } },
    { among: { ridge: {}, lasso: {} } },
  );
  const one = searched([trial(0, { l2: 2 }, 1, { share: 0.1 }), trial(1, { l2: 3 }, 5), trial(1, { l2: 3 }, 4)]);
  assert.deepEqual(warmStart(several, [one]).start, [
    { estimator: "ridge", "ridge.l2": 3 },
    { estimator: "ridge", "ridge.l2": 2 },
  ]);
  const among = searched([
    trial(0, { estimator: "lasso", "lasso.alpha": 1 }, 1, { estimator: "lasso" }),
    trial(1, { estimator: "ridge", "ridge.l2": 7 }, 2),
  ]);
  assert.deepEqual(warmStart(tuning(l2), [among]).start, [{ l2: 7 }]);
});

test("whatever the spaces are, every point that is carried over lies in the new one, and the search tries no point twice", () => {
  const dimension = fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(9)).map(([from, wide]) => s.integer(from, from + wide)),
    fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(9)).map(([from, wide]) => s.uniform(from, from + wide)),
    fc.subarray([1, 2, 3, "a"], { minLength: 1 }).map((values) => s.categorical(...values)),
  );
  const value = fc.oneof(fc.integer({ min: -2, max: 25 }), fc.constant("a"), fc.double({ min: 0, max: 20, noNaN: true }));
  const trials = fc.array(fc.tuple(fc.dictionary(fc.constantFrom("x", "y"), value), fc.option(fc.nat(9), { nil: null })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(dimension, dimension, fc.array(trials, { maxLength: 3 }), (x, y, drawn) => {
      const space = { x, y };
      const rules = tuning(space, { start: [{ x: first(x), y: first(y) }], trials: 6 });
      const searches = drawn.map((some) => searched(some.map(([point, loss], at) => trial(at, point as Point, loss))));
      const { start, earlier } = warmStart(rules, searches);
      for (const point of [...start, ...earlier.flat().map(({ point }) => point)])
        for (const [name, within] of Object.entries(space)) assert.ok(holds(within, point[name]), `${name}: ${point[name]}`);
      const jobs = nextJobs({ ...rules, start, earlier }, 1, []);
      assert.deepEqual(jobs, nextJobs({ ...rules, start, earlier }, 1, []));
      assert.equal(new Set(jobs.map(({ point }) => JSON.stringify(point))).size, jobs.length);
    }),
  );
});

const first = (dimension: Dimension) => (dimension.kind === "choice" ? dimension.values[0]! : dimension.from);
const holds = (dimension: Dimension, value: unknown) =>
  dimension.kind === "choice"
    ? dimension.values.includes(value as never)
    : typeof value === "number" &&
      value >= dimension.from &&
      value <= dimension.to &&
      (dimension.kind === "number" || Number.isInteger(value));
