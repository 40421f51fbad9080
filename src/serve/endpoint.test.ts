import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { MillError } from "../base/index.ts";
import { deliveries, deliveryRows, late } from "./fixtures/deliveries.ts";
import { openServed } from "./fixtures/served.ts";

const served = await openServed();
after(() => served.close());
await served.deploy("late", late, await served.ingest(deliveries, deliveryRows(200)));
const good = { at: "2024-01-10T12:00:00", shop: "a", load: 5 };
const predict = (...rows: unknown[]) => served.serving.predict("late", rows);

const BAD: readonly (readonly [what: string, row: unknown, at: string, message: RegExp])[] = [
  ["a missing field", { at: good.at, load: 5 }, "/rows/1/shop", /the field "shop" \(string\), got nothing/],
  [
    "a missing field that may be null",
    { at: good.at, shop: "a" },
    "/rows/1/load",
    /the field "load" \(int32 or null\), got nothing/,
  ],
  [
    "a field that it does not take",
    { ...good, laod: 5 },
    "/rows/1/laod",
    /"laod" that this endpoint does not take.*Did you mean "?load/,
  ],
  ["an outcome", { ...good, delay: 5 }, "/rows/1/delay", /"delay" that this endpoint does not take/],
  ["a field named as what every object has", { ...good, constructor: 1 }, "/rows/1/constructor", /does not take/],
  [
    "a field named __proto__",
    JSON.parse('{"at":"2024-01-10T12:00:00","shop":"a","load":5,"__proto__":1}'),
    "/rows/1/__proto__",
    /does not take/,
  ],
  ["a value of another type", { ...good, load: "five" }, "/rows/1/load", /"load": expected .*, got "five"/],
  ["a number that is not whole", { ...good, load: 5.5 }, "/rows/1/load", /got 5\.5/],
  ["null where there must be a value", { ...good, shop: null }, "/rows/1/shop", /got null/],
  ["a time that is none", { ...good, at: "2024-02-30T12:00:00" }, "/rows/1/at", /got "2024-02-30T12:00:00"/],
  [
    "a time with a zone where the column has none",
    { ...good, at: "2024-01-10T12:00:00Z" },
    "/rows/1/at",
    /got "2024-01-10T12:00:00Z"/,
  ],
  ["no object", 7, "/rows/1", /expected an object, got 7/],
  ["a list", [1], "/rows/1", /expected an object, got \[1\]/],
  ["null", null, "/rows/1", /expected an object, got null/],
];

for (const [what, row, at, message] of BAD)
  test(`a request row with ${what} is refused by its place, and no row of the request is answered`, async () => {
    const before = (await served.lake.read("late-predictions")).tail.length;
    await assert.rejects(predict(good, row), (error: MillError) => {
      assert.deepEqual([error.code, error.at], ["request.row", at]);
      assert.match(error.message, message);
      return true;
    });
    assert.equal((await served.lake.read("late-predictions")).tail.length, before);
  });

test("a field that may be null may be null", async () => {
  assert.equal((await predict({ ...good, load: null })).predictions.length, 1);
});

test("a request asks for what features read of the row itself, never for an outcome", async () => {
  const { request } = await served.serving.state("late");
  assert.deepEqual(Object.keys(request), ["at", "shop", "load"]);
});

test("predictions are counted by rows", async () => {
  const { predictions } = await served.serving.state("late");
  await predict(good, good, good);
  assert.equal((await served.serving.state("late")).predictions, predictions + 3);
});
