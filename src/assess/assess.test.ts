import assert from "node:assert/strict";
import { test } from "node:test";
import { readPart } from "../features/index.ts";
import { measure } from "../learn/index.ts";
import { readTrained } from "../train/index.ts";
import { fromWhere, howLate, late, objects, stepContext, storeDeliveries, type Trained, trainModel } from "./fixtures/trained.ts";
import { type AssessmentReport, assess } from "./index.ts";

const part = await storeDeliveries();

async function assessed(trained: Trained) {
  const { objects: made, measurements } = await assess.run(trained, stepContext());
  return { measurements, report: JSON.parse(Buffer.from(await objects.get(made.report!)).toString()) as AssessmentReport };
}

/** Measures straight from the metrics, of the model or of what stands in for it. */
async function measuresOf(trained: Trained, digest = trained.holdout.holdout, predict?: (rows: number) => Float64Array) {
  const data = await readPart(digest, trained, stepContext());
  const predictions = predict ? predict(data.y.length) : (await readTrained(trained.trained, objects)).predict(data.X);
  const { task, classes, threshold, gain } = trained;
  return measure(task, {
    predictions,
    y: data.y,
    classes,
    ...(threshold === null ? {} : { threshold }),
    ...(gain ? { gain } : {}),
  });
}

for (const [what, definition] of Object.entries({ "two classes": late, "several classes": fromWhere, "a number": howLate }))
  test(`the measures of ${what} are those of the metrics, by part, and a constant stands beside them`, async () => {
    const trained = await trainModel(definition, part);
    const { report, measurements } = await assessed(trained);
    for (const name of ["holdout", "test"] as const) {
      const digest = name === "test" ? trained.test : trained.holdout.holdout;
      const expected = await measuresOf(trained, digest);
      assert.deepEqual(report[name].measures, expected.measures);
      assert.deepEqual(report[name].notes, expected.notes);
      const constant = (rows: number) =>
        Float64Array.from({ length: rows * trained.constant.length }, (_, at) => trained.constant[at % trained.constant.length]!);
      assert.deepEqual(report[name].constant, (await measuresOf(trained, digest, constant)).measures);
    }
    assert.deepEqual([report.task, report.classes, report.threshold], [trained.task, trained.classes, trained.threshold]);
    const first = measurements[0]!;
    assert.deepEqual([first.subject, first.count], [`model/${trained.model}@holdout`, report.holdout.rows]);
    assert.equal(measurements.length, 2 * Object.keys(report.holdout.measures).length);
  });

test("a model that has learned is better than the constant", async () => {
  const { report } = await assessed(await trainModel(late, part));
  const { measures, constant } = report.holdout;
  assert.ok(measures.auc! > 0.8 && constant.auc === 0.5);
  assert.ok(measures.logLoss! < constant.logLoss!);
});

test("the groups of a slice make up the whole part, and their measures its measures", async () => {
  const { report } = await assessed(await trainModel(late, part));
  for (const groups of Object.values(report.holdout.slices)) {
    const total = groups.reduce((sum, { rows }) => sum + rows, 0);
    assert.equal(total, report.holdout.rows);
    const accuracy = groups.reduce((sum, { rows, measures }) => sum + rows * measures.accuracy!, 0) / total;
    assert.ok(Math.abs(accuracy - report.holdout.measures.accuracy!) < 1e-12);
  }
  assert.deepEqual(
    report.holdout.slices.shop!.map(({ value }) => value),
    ["a", "b", "c", "d"],
  );
  assert.ok(
    report.holdout.slices.heavy!.some(({ value }) => value === "missing"),
    "rows without a load are a group",
  );
});

test("the confusion counts every row, and the ROC curve runs from nobody to everybody", async () => {
  const { report } = await assessed(await trainModel(late, part));
  const { confusion, roc, rows, calibration, measures } = report.holdout;
  assert.equal(
    confusion!.flat().reduce((sum, count) => sum + count, 0),
    rows,
  );
  assert.equal((confusion![0]![0]! + confusion![1]![1]!) / rows, measures.accuracy);
  assert.deepEqual(
    [roc[0], roc.at(-1)],
    [
      { falsePositiveRate: 0, truePositiveRate: 0 },
      { falsePositiveRate: 1, truePositiveRate: 1 },
    ],
  );
  assert.equal(
    calibration.reduce((sum, { count }) => sum + count, 0),
    rows,
  );
});
