import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY, howLate, LIVE_FROM, late, type Order, openWorld, ordersOf, whoseOrder } from "./fixtures/orders.ts";

const FIRST = LIVE_FROM - 30 * DAY;

test("a reference tells what the test part was like: features, predictions, columns and rates, and each day's quality", async () => {
  const world = await openWorld();
  const version = await world.makeVersion(late);
  const reference = (await world.references.of(version))!;
  assert.deepEqual(
    [reference.model, reference.task, reference.rows, reference.days],
    ["late", "binary-classification", 21 * 400, 21],
  );

  const { hour, shop, load, weight, heavy } = reference.features;
  assert.deepEqual(shop!.values.toSorted(), ["a", "b", "c", "d"]);
  assert.equal(shop!.shares.at(-2), 0, "no shop is another one");
  assert.ok(Math.abs(load!.shares.at(-1)! - 0.05) < 0.01, "one in twenty has no load");
  for (const share of load!.shares.slice(0, -1)) assert.ok(Math.abs(share - 0.095) < 0.002);
  assert.equal(heavy!.edges.length, 3);
  for (const one of [hour, shop, load, weight, heavy, reference.prediction]) {
    assert.ok(Math.abs(one!.shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-12);
    assert.ok(one!.daily.mean < 0.1 && one!.daily.high < 0.5, "days of chance alone");
  }

  assert.deepEqual(Object.keys(reference.columns), ["shop", "load", "weight"]);
  assert.deepEqual(reference.columns.shop!.values, ["a", "b", "c", "d"]);
  assert.ok(reference.columns.load!.nulls > 0.03 && reference.columns.load!.nullsHigh >= reference.columns.load!.nulls);
  assert.ok(reference.columns.weight!.range!.low > reference.columns.weight!.range!.min);
  assert.equal(reference.rate.length, 24);
  for (const { mean, low, high } of reference.rate) assert.ok(low <= mean && mean <= high && Math.abs(mean - 400 / 24) < 1);

  const { auc, gain } = reference.quality;
  assert.ok(auc!.low < auc!.mean && auc!.mean < auc!.high && auc!.mean > 0.75);
  assert.ok(
    Math.abs(reference.estimated.auc!.mean - auc!.mean) < 0.02 && Math.abs(reference.estimated.gain!.mean - gain!.mean) < 200,
  );
  assert.ok(reference.groups.shop!.worst > 0 && reference.groups.shop!.lasting < reference.groups.shop!.worst);
  assert.ok(Math.abs(Object.values(reference.importance).reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
  assert.deepEqual(reference.reads, { hour: ["at"], shop: ["shop"], load: ["load"], weight: ["weight"], heavy: ["load"] });
  await world.close();
});

test("the same version has the same reference, byte for byte; one that was made before there were any has none", async () => {
  const [one, other] = [await openWorld(), await openWorld()];
  const [a, b] = [await one.makeVersion(late), await other.makeVersion(late)];
  assert.deepEqual(await one.references.of(a), await other.references.of(b));
  assert.deepEqual(a.lineage, b.lineage);
  const before = await one.makeVersion(whoseOrder, { withReference: false });
  assert.equal(await one.references.of(before), null);
  await one.close();
  await other.close();
});

test("several classes are known by the likeliest, numbers by their value", async () => {
  const world = await openWorld();
  const classes = (await world.references.of(await world.makeVersion(whoseOrder)))!;
  assert.deepEqual([classes.prediction.kind, classes.prediction.values.toSorted()], ["text", ["a", "b", "c", "d"]]);
  assert.deepEqual(Object.keys(classes.estimated), ["accuracy"]);
  assert.ok(Math.abs(classes.estimated.accuracy!.mean - classes.quality.accuracy!.mean) < 0.02);
  assert.ok(classes.calibration!.length >= 3);

  const numbers = (await world.references.of(await world.makeVersion(howLate)))!;
  assert.deepEqual([numbers.prediction.kind, numbers.calibration, numbers.estimated], ["number", null, {}]);
  assert.deepEqual(Object.keys(numbers.quality), ["rmse", "mae", "r2"]);
  assert.ok(numbers.groups.shop!.worst > 0);
  await world.close();
});

const made = async (rows: readonly Order[]) => {
  const world = await openWorld();
  const reference = (await world.references.of(await world.makeVersion(late, { rows })))!;
  await world.close();
  return reference;
};

test("a test part of a few rows, or of two days, makes a reference that knows no band", async () => {
  const few = await made([...ordersOf(FIRST, 9, 40, 1), ...ordersOf(FIRST + 9 * DAY, 1, 5, 2), ...ordersOf(LIVE_FROM, 1, 20, 3)]);
  assert.deepEqual([few.rows, few.quality, few.estimated], [5, {}, {}]);
  assert.equal(few.features.load!.daily.high, 0.25);
  assert.deepEqual(few.rate.length, 0, "no hour of the clock is known twice");
  const two = await made([
    ...ordersOf(FIRST, 9, 40, 1),
    ...ordersOf(FIRST + 9 * DAY, 2, 450, 2),
    ...ordersOf(LIVE_FROM, 1, 20, 3),
  ]);
  assert.deepEqual([two.rows, two.days, two.quality], [900, 2, {}]);
});

test("where there are too few days, a thousand rows stand for one", async () => {
  const rows = [...ordersOf(FIRST, 9, 40, 1), ...ordersOf(FIRST + 9 * DAY, 2, 2500, 2), ...ordersOf(LIVE_FROM, 1, 20, 3)];
  const { quality, features } = await made(rows);
  assert.ok(quality.auc!.low < quality.auc!.high);
  assert.notEqual(features.load!.daily.high, 0.25);
});

test("a column that was null throughout is known as that", async () => {
  const rows = ordersOf(FIRST, 32, 200, 4).map((row) => (row.time < FIRST + 9 * DAY ? row : { ...row, weight: null }));
  const { features, columns } = await made(rows);
  assert.deepEqual([features.weight!.edges, features.weight!.shares], [[], [0, 1]]);
  const { nulls, top, range, numbers, longestRun } = columns.weight!;
  assert.deepEqual({ nulls, top, range, numbers, longestRun }, { nulls: 1, top: 0, range: null, numbers: [], longestRun: 0 });
});
