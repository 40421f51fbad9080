import assert from "node:assert/strict";
import { after, test } from "node:test";
import { newId, parseMoment } from "../base/index.ts";
import { deliveries, deliveryRows, howLate, late, whichShop } from "./fixtures/deliveries.ts";
import { openServed, readAll } from "./fixtures/served.ts";

const refusals: { door: string; rows: number; code: string }[] = [];
const served = await openServed(undefined, undefined, {
  watcher: {
    ...{ predicted() {}, fed() {}, lost() {} },
    refused: (_, door, rows, { code }) => refusals.push({ door, rows, code }),
  },
});
after(() => served.close());
const part = await served.ingest(deliveries, deliveryRows(200));
await served.deploy("late", late, part);
await served.deploy("how-late", howLate, part);
await served.deploy("which-shop", whichShop, part);
const { serving, lake } = served;
const row = { at: "2024-01-10T12:00:00", shop: "a", load: 5 };

test("labels are kept with the prediction's id and when they became known: told, or else the data clock", async () => {
  const { id } = await serving.predict("late", [row]);
  const several = await serving.predict("late", [row, row]);
  const labels = [
    { id, label: true, at: "2024-01-10T12:45:30.5" },
    ...several.predictions.map((one, index) => ({ id: one.id, label: index === 1 })),
  ];
  assert.deepEqual(await serving.feedback("late", labels), { accepted: 3, refused: [] });
  const asOf = serving.dataTime("late");
  assert.deepEqual(
    (await readAll(lake, "late-feedback")).map((one) => [one.id, one.label, one.known, one.at]),
    [
      [id, "true", parseMoment("2024-01-10T12:45:30.5")!.micros, Date.UTC(2024, 1, 1)],
      [`${several.id}.0`, "false", asOf, Date.UTC(2024, 1, 1)],
      [`${several.id}.1`, "true", asOf, Date.UTC(2024, 1, 1)],
    ],
  );
});

test("a label may come before its prediction, twice, or corrected: all are kept, in order", async () => {
  const before = (await readAll(lake, "late-feedback")).length;
  const id = newId();
  for (const label of [true, true, false])
    assert.deepEqual(await serving.feedback("late", [{ id, label }]), { accepted: 1, refused: [] });
  assert.deepEqual(
    (await readAll(lake, "late-feedback")).slice(before).map((one) => [one.id, one.label]),
    [
      [id, "true"],
      [id, "true"],
      [id, "false"],
    ],
  );
});

test("a label has the form that the task asks for: a class that nobody trained on is taken too", async () => {
  const id = newId();
  assert.equal((await serving.feedback("how-late", [{ id, label: -3.5 }])).accepted, 1);
  assert.equal(
    (
      await serving.feedback("which-shop", [
        { id, label: "a" },
        { id, label: "a new one" },
      ])
    ).accepted,
    2,
  );
  assert.deepEqual(
    (await readAll(lake, "which-shop-feedback")).map(({ label }) => label),
    ['"a"', '"a new one"'],
  );
});

const id = newId();
const BAD: readonly (readonly [what: string, endpoint: string, label: unknown, reason: RegExp])[] = [
  ["no id", "late", { label: true }, /field "id": expected the id of a prediction.* got nothing/],
  ["an id that is a number", "late", { id: 7, label: true }, /"id".* got 7/],
  ["an id that is not ours", "late", { id: "order-17", label: true }, /got "order-17"/],
  ["a UUID of another version", "late", { id: "7d444840-9dc0-4c3b-9b1a-2b7e0f5e9a11", label: true }, /"id"/],
  ["an index beyond the rows of a request", "late", { id: `${id}.10000`, label: true }, /"id"/],
  ["an index with a zero before it", "late", { id: `${id}.01`, label: true }, /"id"/],
  ["SQL in its id", "late", { id: `${id}'; DROP TABLE x; --`, label: true }, /"id"/],
  ["no label", "late", { id }, /field "label": expected true or false, got nothing/],
  ["null as a yes or no", "late", { id, label: null }, /expected true or false, got null/],
  ["1 as a yes or no", "late", { id, label: 1 }, /got 1/],
  ["a text as a yes or no", "late", { id, label: "true" }, /got "true"/],
  ["a text as a number", "how-late", { id, label: "3" }, /expected a finite number, got "3"/],
  ["no finite number", "how-late", { id, label: Number.NaN }, /expected a finite number/],
  ["a number as a class", "which-shop", { id, label: 3 }, /expected the class as text/],
  ["half a character in its class", "which-shop", { id, label: "\ud800" }, /whole characters/],
  ["an empty class", "which-shop", { id, label: "" }, /got ""/],
  ["a moment with a zone where rows have none", "late", { id, label: true, at: "2024-01-10T12:00:00Z" }, /field "at"/],
  ["a moment that is none", "late", { id, label: true, at: "yesterday" }, /got "yesterday"/],
  ["null as a moment", "late", { id, label: true, at: null }, /field "at".* got null/],
  ["no object", "late", null, /field "id"/],
];

for (const [what, endpoint, label, reason] of BAD)
  test(`a label with ${what} is refused by itself, with a sentence, and watchers hear of it`, async () => {
    const told = refusals.length;
    const log = `${endpoint}-feedback`;
    const before = (await readAll(lake, log)).length;
    const good = { late: true, "how-late": 1, "which-shop": "a" }[endpoint];
    const reply = await serving.feedback(endpoint, [{ id, label: good }, label]);
    assert.deepEqual([reply.accepted, reply.refused.map(({ index }) => index)], [1, [1]]);
    assert.match(reply.refused[0]!.reason, reason);
    assert.match(reply.refused[0]!.reason, /^Label 1, /);
    assert.equal((await readAll(lake, log)).length, before + 1);
    assert.deepEqual(refusals.slice(told), [{ door: "feedback", rows: 1, code: "request.label" }]);
  });

test("labels of an endpoint that nobody deployed are refused as a whole", async () => {
  await assert.rejects(serving.feedback("lat", [{ id, label: true }]), { code: "endpoint.unknown" });
});
