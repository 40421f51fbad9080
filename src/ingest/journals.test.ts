import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Digest, MillError } from "../base/index.ts";
import type { Node } from "../express/index.ts";
import { type Asked, ingestText, schema, storeJournal } from "./fixtures/workshop.ts";

const columns = schema({ at: "timestamp", n: "int32", who: { type: "string", nullable: true, source: "Name" } });
const FILE = "at,n,Name\n2001-01-01T00:00:00,1,ann\n2001-01-03T00:00:00,3,\n";
const event = (id: string, day: number, n: unknown, who: unknown = "eve") => ({
  id,
  row: { at: `2001-01-0${day}T00:00:00`, n, who },
});
const journal = (parts: readonly Digest[], rowCount: number) => ({ dataset: "d-events", version: 4, parts, rowCount });

const grow = (journals: Asked["journals"], more: Partial<Asked> = {}) =>
  ingestText({ "a.csv": FILE }, { columns, time: "at", ...(journals && { journals }), ...more });

test("rows of a journal join those of the files, in the order of time, under the names of the data set", async () => {
  const parts = await storeJournal([event("a", 2, 2), event("b", 5, 5)], [event("c", 4, 4, null)]);
  const { rows, facts, quarantine } = await grow([journal(parts, 3)]);
  assert.deepEqual(
    rows.map(({ n, who }) => [n, who]),
    [
      [1, "ann"],
      [2, "eve"],
      [3, null],
      [4, null],
      [5, "eve"],
    ],
  );
  assert.deepEqual(quarantine, []);
  assert.deepEqual(facts.journals, [{ dataset: "d-events", version: 4, rowCount: 3 }]);
  assert.deepEqual([facts.rowCount, facts.ahead, facts.repeated, facts.to], [5, 0, 0, "2001-01-05T00:00:00"]);
  assert.deepEqual(
    facts.sources.map(({ name, rows }) => [name, rows]),
    [
      ["a.csv", 2],
      ["d-events", 3],
    ],
  );
});

test("files alone have the facts that they had before journals came", async () => {
  const { facts } = await grow(undefined);
  assert.deepEqual(
    ["journals", "ahead", "repeated"].filter((name) => name in facts),
    [],
  );
});

test("only the first rows are taken, across the parts of the journal", async () => {
  const parts = await storeJournal([event("a", 4, 4), event("b", 5, 5)], [event("c", 6, 6), event("d", 7, 7)]);
  for (const [rowCount, last] of [
    [1, 4],
    [2, 5],
    [3, 6],
  ] as const) {
    const { rows } = await grow([journal(parts, rowCount)]);
    assert.deepEqual([rows.length, rows.at(-1)!.n], [2 + rowCount, last]);
  }
});

test("what came twice under one id counts once, the first; rows from before ids each count", async () => {
  const parts = await storeJournal(
    [{ row: event("", 2, 20).row }, { row: event("", 2, 20).row }],
    [event("a", 4, 4), event("b", 5, 5), event("a", 6, 66)],
    [event("b", 7, 77), event("c", 8, 8)],
  );
  const { rows, facts } = await grow([journal(parts, 7)]);
  assert.deepEqual(
    rows.map(({ n }) => n),
    [1, 20, 20, 3, 4, 5, 8],
  );
  assert.equal(facts.repeated, 2);
});

test("a row that does not fit the columns goes to quarantine with the reason, its own text and the journal's name", async () => {
  const parts = await storeJournal([
    event("a", 4, "four"),
    event("b", 5, null),
    { id: "c", row: { n: 6, who: "no time" } },
    { id: "d", row: "[1, 2]" },
    { id: "e", row: "not JSON" },
    event("f", 6, -6),
    { id: "g", row: { at: "2001-01-09T00:00:00", n: 9, more: 1 } },
  ]);
  const positive: Node = {
    op: "gte",
    args: [
      { op: "column", name: "n" },
      { op: "literal", value: 0 },
    ],
  };
  const checks = [{ holds: positive, text: "n >= 0", index: 0 }];
  const { rows, quarantine, facts } = await grow([journal(parts, 7)], { checks });
  assert.deepEqual(
    quarantine.map(({ __source, __row, __column, __reason }) => [
      __source,
      Number(__row),
      __column,
      String(__reason).slice(0, 24),
    ]),
    [
      ["d-events", 1, "n", "not of type int32: a who"],
      ["d-events", 2, "n", "missing, and the column "],
      ["d-events", 3, "at", "missing, and the column "],
      ["d-events", 4, null, "not a JSON object"],
      ["d-events", 5, null, "not a JSON object"],
      ["d-events", 6, "n", "fails the check: n >= 0"],
    ],
  );
  assert.equal(quarantine[0]!.__text, JSON.stringify(event("a", 4, "four").row));
  assert.deepEqual(rows.at(-1), { at: rows.at(-1)!.at, n: 9, who: null }, "a column that may be missing may be missing");
  assert.deepEqual([facts.rowCount, facts.quarantined, facts.leftOut], [3, 6, 0]);
});

test("a journal of bad rows alone leaves the files' rows, and the share that fits says so", async () => {
  const parts = await storeJournal([event("a", 4, "x"), event("b", 5, "y")]);
  const { rows, manifest } = await grow([journal(parts, 2)]);
  assert.equal(rows.length, 2);
  assert.deepEqual(
    manifest.measurements.map(({ measure, value, count }) => [measure, value, count]),
    [["share", 0.5, 4]],
  );
});

test("`where` is about the files: rows that were fed stay", async () => {
  const where: Node = {
    op: "lt",
    args: [
      { op: "column", name: "n" },
      { op: "literal", value: 2 },
    ],
  };
  const parts = await storeJournal([event("a", 4, 4)]);
  const { rows, facts } = await grow([journal(parts, 1)], { where });
  assert.deepEqual([rows.map(({ n }) => n), facts.leftOut], [[1, 4], 1]);
});

test("rows later than `until` are left out and counted; whatever the files hold stays", async () => {
  const parts = await storeJournal([event("a", 2, 2), event("b", 3, 33), { id: "c", row: { at: "2031-01-01T00:00:00", n: 9 } }]);
  const { rows, facts, quarantine } = await grow([journal(parts, 3)], { until: "2001-01-02T00:00:00" });
  assert.deepEqual(
    rows.map(({ n }) => n),
    [1, 2, 3],
  );
  assert.deepEqual([facts.ahead, facts.leftOut, facts.rowCount, facts.to], [2, 0, 3, "2001-01-03T00:00:00"]);
  assert.deepEqual(quarantine, []);
});

test("a row that was fed and stands in a file too is found by a unique check, and the file's stays", async () => {
  const parts = await storeJournal([event("a", 1, 1, "again"), event("b", 4, 4)]);
  const checks = [{ holds: { unique: ["at", "n"] }, text: "unique", index: 0 }];
  const { rows, quarantine } = await grow([journal(parts, 2)], { checks });
  assert.deepEqual(
    rows.map(({ who }) => who),
    ["ann", null, "eve"],
  );
  assert.deepEqual([quarantine.length, quarantine[0]!.__source], [1, "d-events"]);
});

test("several journals are kept apart: one id may come in each", async () => {
  const [one, two] = [await storeJournal([event("a", 4, 4)]), await storeJournal([event("a", 5, 5)])];
  const { rows } = await grow([journal(one, 1), { ...journal(two, 1), dataset: "e-events" }]);
  assert.deepEqual(
    rows.map(({ n }) => n),
    [1, 3, 4, 5],
  );
});

test("a journal whose rows are gone is told, by name and version", async () => {
  const [part] = await storeJournal([event("a", 4, 4)]);
  const missing = `sha256:${"0".repeat(64)}` as Digest;
  for (const journals of [[journal([missing], 1)], [journal([part!], 2)], [journal([], 1)]])
    await assert.rejects(grow(journals), (error: MillError) => {
      assert.equal(error.code, "source.missing");
      assert.match(error.message, /version 4 of "d-events"/);
      return true;
    });
});

test("every row that was fed is a row, a repetition, ahead, or in quarantine", async () => {
  const ids = fc.constantFrom("a", "b", "c", "d", "e", "f");
  const fed = fc.record({
    id: ids,
    day: fc.integer({ min: 1, max: 9 }),
    n: fc.oneof(fc.integer({ min: 0, max: 99 }), fc.constant("x")),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fed, { minLength: 1, maxLength: 25 }), fc.nat(24), async (all, cut) => {
      const events = all.map(({ id, day, n }) => event(id, day, n));
      const rowCount = Math.min(all.length, cut + 1);
      const { facts, rows } = await grow(
        [journal(await storeJournal(events.slice(0, 9), ...(events.length > 9 ? [events.slice(9)] : [])), rowCount)],
        {
          until: "2001-01-06T00:00:00",
        },
      );
      const taken = all.slice(0, rowCount).filter(({ id }, at) => all.findIndex((one) => one.id === id) === at);
      const [ahead, bad] = [taken.filter(({ day }) => day > 6), taken.filter(({ day, n }) => day <= 6 && n === "x")];
      const good = taken.filter((one) => !ahead.includes(one) && !bad.includes(one)).map(({ n }) => n);
      assert.deepEqual([facts.repeated, facts.ahead, facts.quarantined], [rowCount - taken.length, ahead.length, bad.length]);
      assert.deepEqual(rows.map(({ n }) => n).sort(), [1, 3, ...good].sort());
    }),
    { seed: 5, numRuns: 15 },
  );
});
