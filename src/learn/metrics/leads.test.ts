import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../../base/index.ts";
import { MEASURES, type Task } from "../../contract/index.ts";
import type { Evidence } from "./evidence.ts";
import { leadsOver, reweighed } from "./leads.ts";
import { measure } from "./measure.ts";

const SEED = 20010601;
const TASKS = Object.keys(MEASURES) as Task[];
const gain = { truePositive: 40, falsePositive: -15, falseNegative: -3 };

/** Rows of a task, with ties, each with how often it counts. */
const weighted = (task: Task) => {
  const score = fc.oneof(
    fc.integer({ min: 0, max: 8 }).map((n) => n / 8),
    fc.double({ min: 0, max: 1, noNaN: true }),
  );
  const row = fc.record({
    scores: fc.tuple(score, score, score),
    label: fc.integer({ min: 0, max: 2 }),
    count: fc.integer({ min: 0, max: 3 }),
  });
  return fc.array(row, { minLength: 1, maxLength: 40 }).map((rows) => {
    const evidenceOf = (some: typeof rows): Evidence => ({
      predictions: Float64Array.from(some.flatMap(({ scores }) => (task === "multiclass-classification" ? scores : [scores[0]]))),
      y: Float64Array.from(some, ({ label }) => (task === "binary-classification" ? Math.min(label, 1) : label)),
      classes: { "binary-classification": ["false", "true"], "multiclass-classification": ["a", "b", "c"], regression: [] }[task],
      ...(task === "binary-classification" ? { threshold: 0.4, gain } : {}),
    });
    return {
      evidence: evidenceOf(rows),
      repeated: evidenceOf(rows.flatMap((one) => Array.from({ length: one.count }, () => one))),
      weights: Float64Array.from(rows, ({ count }) => count),
    };
  });
};

const near = (a: number | null, b: number | null, what: string) => {
  if (a === null || b === null) assert.equal(a, b, what);
  else assert.ok(Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b)), `${what}: ${a} is not near ${b}`);
};

for (const task of TASKS)
  test(`a measure of weighted rows is that of rows that are there so often: ${task}`, () => {
    fc.assert(
      fc.property(weighted(task), ({ evidence, repeated, weights }) => {
        const [once, often] = [measure(task, evidence).measures, measure(task, repeated).measures];
        for (const name of Object.keys(MEASURES[task])) {
          near(reweighed(task, name, evidence)(weights.map(() => 1)), once[name] ?? null, name);
          near(reweighed(task, name, evidence)(weights), often[name] ?? null, name);
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

const random = createRandom(SEED);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Two models that see the same rows, each with noise of its own: `noise` 0 knows the true chance. */
function rival(rows: number, noise: readonly [own: number, other: number]): [Evidence, Evidence] {
  const truth = Float64Array.from({ length: rows }, () => 1.5 * random.normal());
  const y = truth.map((x) => (random.next() < sigmoid(x) ? 1 : 0));
  const of = (sd: number): Evidence => ({
    predictions: truth.map((x) => sigmoid(x + sd * random.normal())),
    ...{ y, classes: ["false", "true"], threshold: 0.4, gain },
  });
  return [of(noise[0]), of(noise[1])];
}

function trueLeads(measures: readonly string[], [own, other]: readonly [Evidence, Evidence]): Record<string, number> {
  const [a, b] = [measure("binary-classification", own).measures, measure("binary-classification", other).measures];
  const lower = (name: string) => name === "logLoss" || name === "brier";
  return Object.fromEntries(measures.map((name) => [name, (a[name]! - b[name]!) * (lower(name) ? -1 : 1)]));
}

test("the interval of a lead covers the true lead in about 95 of 100 draws", () => {
  const measures = ["auc", "logLoss", "brier", "accuracy", "f1", "gain"];
  const repetitions = 200;
  const truth = trueLeads(measures, rival(400_000, [0.4, 1]));
  const covered = Object.fromEntries(measures.map((name) => [name, 0]));
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const leads = leadsOver("binary-classification", measures, ...rival(500, [0.4, 1]));
    for (const name of measures) {
      const [low, high] = leads[name]!.interval;
      if (low <= truth[name]! && truth[name]! <= high) covered[name]!++;
    }
  }
  for (const name of measures) {
    const share = covered[name]! / repetitions;
    assert.ok(share >= 0.9 && share <= 0.99, `${name}: ${share} covered`);
  }
});

test("the interval of a lead in area is DeLong's, of two correlated curves", () => {
  const [own, other] = rival(1500, [0.3, 0.8]);
  const { interval } = leadsOver("binary-classification", ["auc"], own, other).auc!;
  const placements = [own, other].map(({ predictions: p, y }) => {
    const rowsOf = (label: number) => [...y.keys()].filter((row) => y[row] === label);
    const [ups, downs] = [rowsOf(1), rowsOf(0)];
    const win = (up: number, down: number) => (p[up]! > p[down]! ? 1 : p[up] === p[down] ? 0.5 : 0);
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      ups: ups.map((up) => mean(downs.map((down) => win(up, down)))),
      downs: downs.map((down) => mean(ups.map((up) => win(up, down)))),
    };
  });
  const variance = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1) / values.length;
  };
  const differences = (part: "ups" | "downs") => placements[0]![part].map((value, row) => value - placements[1]![part][row]!);
  const error = Math.sqrt(variance(differences("ups")) + variance(differences("downs")));
  const ratio = (interval[1] - interval[0]) / 2 / (1.96 * error);
  assert.ok(ratio > 0.85 && ratio < 1.15, `${ratio} times DeLong's`);
});

test("pairing makes the interval of two like models much narrower than that of either alone", () => {
  const [own] = rival(2000, [0.3, 0.3]);
  const other = { ...own, predictions: own.predictions.map((p) => Math.min(1, p + 0.02 * random.next())) };
  const { interval } = leadsOver("binary-classification", ["auc"], own, other).auc!;
  const [low, high] = measure("binary-classification", own).intervals.auc!;
  assert.ok(interval[1] - interval[0] < (high - low) / 5);
});

test("a model has no lead over itself, and the same evidence gives the same interval", () => {
  const [own, other] = rival(300, [0.3, 0.8]);
  assert.deepEqual(leadsOver("binary-classification", ["auc", "gain"], own, own), {
    auc: { value: 0, interval: [0, 0] },
    gain: { value: 0, interval: [0, 0] },
  });
  assert.deepEqual(
    leadsOver("binary-classification", ["auc"], own, other),
    leadsOver("binary-classification", ["auc"], own, other),
  );
});

test("less is better where the measure says so", () => {
  const [own, other] = rival(3000, [0, 1.5]);
  const { logLoss, auc } = leadsOver("binary-classification", ["logLoss", "auc"], own, other);
  assert.ok(logLoss!.interval[0] > 0 && auc!.interval[0] > 0);
});

test("where rows do not define a measure there is no lead", () => {
  const [own, other] = rival(50, [0.3, 0.8]);
  const oneClass = own.y.map(() => 1);
  const of = (evidence: Evidence) => ({ ...evidence, y: oneClass });
  assert.equal(leadsOver("binary-classification", ["auc"], of(own), of(other)).auc, null);
  const broken = { ...own, predictions: own.predictions.map((p, row) => (row === 3 ? Number.NaN : p)) };
  assert.equal(leadsOver("binary-classification", ["logLoss"], broken, other).logLoss, null);
  assert.throws(() => leadsOver("binary-classification", ["auc"], own, rival(49, [0, 0])[0]), { code: "internal.unexpected" });
});
