import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseMoment } from "../base/index.ts";
import { dataset, files } from "../define/index.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { newFolder, run } from "./fixtures/workshop.ts";
import { type HeldBackAsked, type HeldBackRow, readHeldBack } from "./held-back.ts";
import { resolveSources } from "./sources.ts";

const trips = dataset("trips", {
  from: files(["*.csv", "*.ndjson", "*.parquet"]),
  where: (c) => c.date.before("2001-06-01"),
  columns: { date: "timestamp", delay: { type: "int32", source: "Delay (min)" }, origin: "string?" },
  time: "date",
  outcomes: { delay: (r) => r.date.plusMinutes(90) },
});

const folder = newFolder();
writeFileSync(
  join(folder, "a.csv"),
  "origin,date,Delay (min)\nSEA,2001-06-02 10:00:00,5\nPDX,2001-05-31 10:00:00,6\nLAX,2001-06-01T10:00:00,soon\nSFO,never,1\n,2001-06-03T10:00:00,7\n",
);
writeFileSync(join(folder, "b.ndjson"), '{"date":"2001-06-01T10:00:00","Delay (min)":1,"origin":"ORD"}\n\n[]\n');
await run(
  `COPY (SELECT TIMESTAMP '2001-06-01 09:59:59.5' AS date, 2 AS "Delay (min)", 'DEN' AS origin UNION ALL SELECT TIMESTAMP '2001-05-01', 3, 'DEN') TO '${join(folder, "c.parquet")}'`,
);

async function heldBack(asked: Partial<HeldBackAsked> = {}): Promise<readonly HeldBackRow[]> {
  const scratch = newFolder();
  const tables = openDuckDb({ threads: 2, memoryMb: 300, tempFolder: join(scratch, "spill") });
  try {
    const sources = await resolveSources(trips.from, folder);
    const held = await readHeldBack(
      { dataset: { ...trips, time: "date" }, sources, after: null, from: null, to: null, scratch, ...asked },
      tables,
    );
    const rows: HeldBackRow[] = [];
    for await (const row of held.rows()) rows.push(row);
    assert.equal(rows.length, held.rowCount);
    assert.deepEqual([held.oldest, held.newest], [rows[0]?.row.date ?? null, rows.at(-1)?.row.date ?? null]);
    return rows;
  } finally {
    tables.close();
  }
}

const micros = (text: string) => parseMoment(text)!.micros;
const origins = (rows: readonly HeldBackRow[]) => rows.map(({ row }) => row.origin);

test("what `where` leaves out comes from all files in the order of its time; what does not fit a column is missing", async () => {
  const rows = await heldBack();
  assert.deepEqual(
    rows.map(({ row }) => row),
    [
      { date: micros("2001-06-01T09:59:59.5"), delay: 2, origin: "DEN" },
      { date: micros("2001-06-01T10:00:00"), delay: null, origin: "LAX" },
      { date: micros("2001-06-01T10:00:00"), delay: 1, origin: "ORD" },
      { date: micros("2001-06-02T10:00:00"), delay: 5, origin: "SEA" },
      { date: micros("2001-06-03T10:00:00"), delay: 7, origin: null },
    ],
  );
});

test("a row's id is its own, and the same each time, whatever else is asked for", async () => {
  const all = await heldBack();
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
  const some = await heldBack({ after: micros("2001-06-01T12:00:00") });
  assert.deepEqual(some, all.slice(3));
});

test("bounds: later than the rows taken in; from a moment on, or known only then; before an end", async () => {
  assert.deepEqual(origins(await heldBack({ after: micros("2001-06-01T10:00:00") })), ["SEA", null]);
  assert.deepEqual(origins(await heldBack({ from: micros("2001-06-02T11:00:00") })), ["SEA", null]);
  assert.deepEqual(origins(await heldBack({ from: micros("2001-06-02T11:31:00") })), [null]);
  assert.deepEqual(origins(await heldBack({ to: micros("2001-06-01T10:00:00") })), ["DEN"]);
  assert.deepEqual(await heldBack({ after: micros("2002-01-01") }), []);
});

test("a data set that leaves nothing out keeps nothing back", async () => {
  const { where: _, ...whole } = { ...trips, time: "date" as const };
  assert.deepEqual(await heldBack({ dataset: whole }), []);
});
