import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MEASURES, type Task } from "../../contract/index.ts";
import { calibrationCurve, calibrationError } from "./calibration.ts";
import { curvesOf } from "./curves.ts";
import { confusionOf, decide } from "./decisions.ts";
import { type Gain, gainPerThousand, maxGainThreshold } from "./gain.ts";
import { measure } from "./measure.ts";
import { rankScores } from "./ranked-scores.ts";
import { auc, precisionRecallCurve, rocCurve } from "./ranking.ts";

const SEED = 20010601;
const check = <T>(property: fc.IProperty<T>) => fc.assert(property, { seed: SEED, numRuns: 300 });

/** Rows with many ties, as (probability, outcome). */
const row = fc.tuple(
  fc.oneof(
    fc.integer({ min: 0, max: 8 }).map((n) => n / 8),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ),
  fc.integer({ min: 0, max: 1 }),
);
const rows = fc.array(row, { minLength: 1, maxLength: 60 }).map(split);
const money = fc.integer({ min: -50, max: 50 });
const gains: fc.Arbitrary<Gain> = fc.record({
  truePositive: money,
  falsePositive: money,
  falseNegative: money,
  trueNegative: money,
});

function split(pairs: readonly (readonly [number, number])[]) {
  return { p: Float64Array.from(pairs, ([p]) => p), y: Float64Array.from(pairs, ([, y]) => y) };
}

const near = (a: number, b: number, tolerance = 1e-12) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not near ${b}`);

test("the area under the curve is the share of pairs ranked right, ties counting half", () => {
  check(
    fc.property(rows, ({ p, y }) => {
      const scoresOf = (outcome: number) => p.filter((_, index) => y[index] === outcome);
      const [ups, downs] = [[...scoresOf(1)], [...scoresOf(0)]];
      const wins = ups.flatMap((up) => downs.map((down) => (up > down ? 1 : up === down ? 0.5 : 0)));
      const pairs = wins.length;
      const won = wins.reduce<number>((sum, win) => sum + win, 0);
      const { value } = auc(rankScores(p, y));
      if (pairs === 0) assert.equal(value, null);
      else near(value!, won / pairs);
    }),
  );
});

test("the area does not change under a rising map, and turns round when classes or scores do", () => {
  check(
    fc.property(rows, ({ p, y }) => {
      const area = auc(rankScores(p, y)).value;
      assert.equal(
        auc(
          rankScores(
            Float64Array.from(p, (each) => each ** 3 * 8 + each),
            y,
          ),
        ).value,
        area,
      );
      if (area === null) return;
      near(
        auc(
          rankScores(
            p,
            Float64Array.from(y, (each) => 1 - each),
          ),
        ).value!,
        1 - area,
      );
      near(
        auc(
          rankScores(
            Float64Array.from(p, (each) => -each),
            y,
          ),
        ).value!,
        1 - area,
      );
    }),
  );
});

test("no measure depends on the order of the rows, but for the last digits of a sum", () => {
  check(
    fc.property(rows, ({ p, y }) => {
      const evidence = { predictions: p, y, classes: ["false", "true"], gain: { truePositive: 3, falsePositive: -1 } };
      const turned = { ...evidence, predictions: p.toReversed(), y: y.toReversed() };
      const before = measure("binary-classification", evidence).measures;
      const after = measure("binary-classification", turned).measures;
      for (const [name, value] of Object.entries(before)) {
        if (value === null) assert.equal(after[name], null);
        else near(after[name]!, value);
      }
      assert.deepEqual(curvesOf("binary-classification", turned), curvesOf("binary-classification", evidence));
    }),
  );
});

test("the threshold of greatest gain is no worse than any other, for a tie the higher, and decides as its cut says", () => {
  check(
    fc.property(rows, gains, ({ p, y }, gain) => {
      const gainAt = (threshold: number) => gainPerThousand(confusionOf(decide(p, threshold), y, 2), gain).value!;
      const chosen = maxGainThreshold(p, y, gain);
      const scores = [...new Set(p)].sort((a, b) => a - b);
      for (const threshold of [...scores, 2]) {
        assert.ok(gainAt(chosen) >= gainAt(threshold), `${threshold} gains more than ${chosen}`);
        if (threshold > chosen && decide(p, threshold).join() !== decide(p, chosen).join()) {
          assert.ok(gainAt(chosen) > gainAt(threshold), `${threshold} gains as much as ${chosen}`);
        }
      }
    }),
  );
});

test("thresholds by hand: between two scores, all yes, all no, and no room between", () => {
  const y = Float64Array.of(0, 0, 1, 1);
  const gain = { truePositive: 40, falsePositive: -15 };
  assert.equal(maxGainThreshold(Float64Array.of(0.1, 0.3, 0.5, 0.9), y, gain), 0.4);
  assert.equal(maxGainThreshold(Float64Array.of(0.5, 0.3, 0.1, 0.9), y, gain), 0);
  assert.equal(maxGainThreshold(Float64Array.of(0.1, 0.3, 0.5, 0.9), y, { truePositive: -1, falsePositive: -1 }), 1);
  const never = maxGainThreshold(Float64Array.of(0.1, 0.3, 0.5, 1), y, { truePositive: -1, falsePositive: -1 });
  assert.ok(never > 1);
  const neighbour = 0.5 + 2 ** -53;
  assert.equal(maxGainThreshold(Float64Array.of(0.1, 0.5, neighbour, 0.9), y, gain), neighbour);
  assert.throws(() => maxGainThreshold(new Float64Array(0), new Float64Array(0), gain), { code: "learn.empty" });
});

test("gain is money per 1,000 decisions, and what is not stated is 0", () => {
  const confusion = [
    [50, 10],
    [20, 20],
  ];
  assert.equal(gainPerThousand(confusion, { truePositive: 40, falsePositive: -15 }).value, (1000 * (800 - 150)) / 100);
  const all = { truePositive: 40, falsePositive: -15, falseNegative: -5, trueNegative: 1 };
  assert.equal(gainPerThousand(confusion, all).value, (1000 * (800 - 150 - 100 + 50)) / 100);
});

test("a sure and wrong prediction costs -ln(1e-15), and a sure and right one nothing", () => {
  const loss = (p: number, y: number) =>
    measure("binary-classification", { predictions: Float64Array.of(p), y: Float64Array.of(y), classes: ["no", "yes"] }).measures
      .logLoss!;
  near(loss(0, 1), -Math.log(1e-15));
  near(loss(1, 0), -Math.log(1e-15), 0.06);
  near(loss(1, 1), 0);
  near(loss(0.25, 1), Math.log(4));
  near(loss(0.25, 0), Math.log(4 / 3));
});

test("calibration bins hold equal counts without ties, keep ties together, and cover every row", () => {
  const p = Float64Array.from({ length: 300 }, (_, i) => i / 300);
  const counts = calibrationCurve(rankScores(p, new Float64Array(300))).map(({ count }) => count);
  assert.deepEqual(counts, new Array(15).fill(20));
  const constant = calibrationCurve(rankScores(new Float64Array(8).fill(0.25), Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0)));
  assert.deepEqual(constant, [{ stated: 0.25, observed: 0.25, count: 8 }]);
  const tied = rankScores(
    Float64Array.of(0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 1),
    Float64Array.of(0, 0, 0, 0, 0, 1, 1, 1, 1, 1),
  );
  assert.deepEqual(calibrationCurve(tied, 2), [
    { stated: 0, observed: 0, count: 2 },
    { stated: 5 / 8, observed: 5 / 8, count: 8 },
  ]);
  check(
    fc.property(rows, (each) => {
      const curve = calibrationCurve(rankScores(each.p, each.y));
      assert.equal(
        curve.reduce((sum, { count }) => sum + count, 0),
        each.p.length,
      );
      const error = calibrationError(rankScores(each.p, each.y)).value!;
      assert.ok(error >= 0 && error <= 1);
    }),
  );
});

test("the ROC curve climbs from corner to corner, and its area is the area under the curve", () => {
  check(
    fc.property(rows, ({ p, y }) => {
      const ranked = rankScores(p, y);
      const points = rocCurve(ranked);
      const area = auc(ranked).value;
      if (area === null) return assert.deepEqual(points, []);
      assert.deepEqual(points[0], { threshold: null, falsePositiveRate: 0, truePositiveRate: 0 });
      assert.deepEqual([points.at(-1)!.falsePositiveRate, points.at(-1)!.truePositiveRate], [1, 1]);
      near(trapezoids(points), area);
    }),
  );
});

const trapezoids = (points: ReturnType<typeof rocCurve>) =>
  points.reduce((sum, { falsePositiveRate: x, truePositiveRate: y }, i) => {
    const last = points[i - 1] ?? { falsePositiveRate: 0, truePositiveRate: 0 };
    return sum + ((x - last.falsePositiveRate) * (y + last.truePositiveRate)) / 2;
  }, 0);

test("long curves are thinned to 200 points that keep both ends and the shape", () => {
  const p = Float64Array.from({ length: 20_000 }, (_, i) => ((i * 7919) % 20_011) / 20_011);
  const y = p.map((each, i) => (((i * 104_729) % 9973) / 9973 < each ? 1 : 0));
  const ranked = rankScores(p, y);
  const roc = rocCurve(ranked);
  assert.ok(roc.length <= 200 && roc.length > 150, `${roc.length} points`);
  assert.deepEqual([roc.at(-1)!.falsePositiveRate, roc.at(-1)!.truePositiveRate], [1, 1]);
  near(trapezoids(roc), auc(ranked).value!, 1e-3);
  const curve = precisionRecallCurve(ranked);
  assert.ok(curve.length <= 200 && curve.length > 150, `${curve.length} points`);
  assert.equal(curve.at(-1)!.recall, 1);
  for (const { threshold, precision } of curve.slice(0, 5)) {
    const yes = decide(p, threshold);
    const right = yes.filter((each, i) => each === 1 && y[i] === 1).length;
    near(precision, right / yes.filter((each) => each === 1).length);
  }
});

test("what rows do not define is null with its reason, and nothing is ever NaN", () => {
  const classes = { "binary-classification": ["false", "true"], "multiclass-classification": ["a", "b", "c"], regression: [] };
  for (const task of Object.keys(MEASURES) as Task[]) {
    const outputs = task === "multiclass-classification" ? 3 : 1;
    for (const y of [[], [0], [1], [0, 0], [1, 0]]) {
      for (const p of [0, 0.5, 1, Number.NaN, Number.POSITIVE_INFINITY]) {
        const predictions = new Float64Array(y.length * outputs).fill(p);
        const gain = { truePositive: 1, falsePositive: -1 };
        const { measures, notes } = measure(task, { predictions, y: Float64Array.from(y), classes: classes[task], gain });
        assert.deepEqual(Object.keys(measures).sort(), Object.keys(MEASURES[task]).sort());
        for (const [name, value] of Object.entries(measures)) {
          if (value === null) assert.ok(notes[name], `${name} has no reason`);
          else assert.ok(Number.isFinite(value) && !(name in notes), `${name} is ${value}`);
        }
        curvesOf(task, { predictions, y: Float64Array.from(y), classes: classes[task] });
      }
    }
  }
});

test("one class leaves the ranking undefined and says which is missing; the other measures stand", () => {
  const { measures, notes, intervals } = measure("binary-classification", {
    predictions: Float64Array.of(0.2, 0.4),
    y: Float64Array.of(0, 0),
    classes: ["false", "true"],
  });
  assert.deepEqual([measures.auc, measures.recall, measures.precision, measures.accuracy], [null, null, null, 1]);
  assert.equal(notes.auc, "there is no positive row");
  assert.deepEqual(intervals, {});
  assert.ok(!("gain" in measures));
});

test("a class that is never decided counts as 0 in the macro means, one that does not occur not at all", () => {
  const p = Float64Array.of(0.9, 0.1, 0, 0, 0.8, 0.2, 0, 0, 0.7, 0.3, 0, 0);
  const { measures, notes } = measure("multiclass-classification", {
    predictions: p,
    y: Float64Array.of(0, 0, 1),
    classes: ["a", "b", "c", "d"],
  });
  near(measures.macroPrecision!, (2 / 3 + 0) / 2);
  near(measures.macroRecall!, (1 + 0) / 2);
  near(measures.macroF1!, (4 / 5 + 0) / 2);
  assert.equal(measures.auc, null);
  assert.match(notes.auc!, /class c against the rest: there is no positive row/);
});

test("a regression without variance has no r2, and the mean has an r2 of 0", () => {
  const of = (predictions: number[], y: number[]) =>
    measure("regression", { predictions: Float64Array.from(predictions), y: Float64Array.from(y), classes: [] }).measures;
  assert.deepEqual(of([1, 3], [2, 2]), { rmse: 1, mae: 1, r2: null });
  assert.deepEqual(of([2, 2], [1, 3]), { rmse: 1, mae: 1, r2: 0 });
});

test("predictions that do not belong to the rows are refused", () => {
  const short = { predictions: new Float64Array(2), y: new Float64Array(3), classes: ["a", "b", "c"] };
  assert.throws(() => measure("multiclass-classification", short), { code: "internal.unexpected" });
  assert.throws(() => measure("binary-classification", short), { code: "internal.unexpected" });
  assert.throws(() => rankScores(Float64Array.of(Number.NaN), Float64Array.of(1)), { code: "internal.unexpected" });
});
