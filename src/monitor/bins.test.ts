import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createRandom } from "../base/index.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { addCounted, type Bins, binCount, binOf, countBins, layBins, layNumberBins } from "./bins.ts";

const folder = mkdtempSync(join(tmpdir(), "mill-bins-"));
const tables = openDuckDb({ threads: 2, memoryMb: 200, tempFolder: folder });
after(() => {
  tables.close();
  rmSync(folder, { recursive: true, force: true });
});

const texts = ["a", "b", "it's", "", "null", null];
const random = createRandom(3);
const rows = Array.from({ length: 3000 }, (_, row) => ({
  day: Math.floor(row / 1000),
  x: random.below(10) === 0 ? null : Math.round(random.normal() * 50) / 10,
  t: texts[random.below(texts.length)]!,
}));
const literal = (value: string | number | null) =>
  typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
await tables.run(`CREATE TABLE seen AS SELECT day::INTEGER AS day, x::DOUBLE AS x, t::VARCHAR AS "odd "" name"
  FROM (VALUES ${rows.map(({ day, x, t }) => `(${day}, ${literal(x)}, ${literal(t)})`).join(", ")}) AS v(day, x, t)`);
const NAMED = 'odd " name';

test("one statement counts every day as one look at each value does, and tells its range", async () => {
  const columns = await layBins(tables, "seen", { x: "number", [NAMED]: "text" });
  const counted = await countBins({ tables, relation: "seen", chunk: "day", columns });
  for (const day of [0, 1, 2]) {
    const mine = rows.filter((row) => row.day === day);
    const naive = (bins: Bins, of: (row: (typeof rows)[number]) => string | number | null) => {
      const counts = new Array<number>(binCount(bins)).fill(0);
      for (const row of mine) counts[binOf(bins, of(row))]!++;
      return counts;
    };
    const { x, [NAMED]: t } = counted.get(day)!;
    assert.deepEqual(
      x!.counts,
      naive(columns.x!, (row) => row.x),
    );
    assert.deepEqual(
      t!.counts,
      naive(columns[NAMED]!, (row) => row.t),
    );
    const known = mine.flatMap((row) => row.x ?? []);
    assert.deepEqual([x!.min, x!.max, x!.rows], [Math.min(...known), Math.max(...known), 1000]);
    const distinct = new Set(known).size;
    assert.ok(Math.abs(x!.distinct - distinct) < 0.2 * distinct);
  }
});

test("days put together are the whole", async () => {
  const columns = await layBins(tables, "seen", { x: "number", [NAMED]: "text" });
  const byDay = [...(await countBins({ tables, relation: "seen", chunk: "day", columns })).values()];
  const whole = (await countBins({ tables, relation: "seen", chunk: "0", columns })).get(0)!;
  const together = byDay.reduce(addCounted);
  for (const column of ["x", NAMED]) {
    const { distinct: _, ...rest } = together[column]!;
    assert.deepEqual({ ...rest, distinct: whole[column]!.distinct }, whole[column]);
  }
});

test("bins are the tenths of the reference; values that fall together make fewer", async () => {
  await tables.run(
    "CREATE OR REPLACE TABLE many AS SELECT i::DOUBLE AS even, (CASE WHEN i < 800 THEN 0 ELSE i END)::DOUBLE AS zeros FROM range(1000) r(i)",
  );
  const { even, zeros } = await layBins(tables, "many", { even: "number", zeros: "number" });
  assert.deepEqual(even!.edges, [99, 199, 299, 399, 499, 599, 699, 799, 899]);
  assert.deepEqual(zeros!.edges, [0, 899]);
  assert.deepEqual(layNumberBins(Float64Array.from({ length: 1000 }, (_, i) => i)).edges, even!.edges);
});

test("a number with few values has a bin for each, and one on either side for what was never seen", () => {
  const bins = layNumberBins(Float64Array.of(1, 0, 1, Number.NaN, 0));
  assert.deepEqual(
    [-1, 0, 1, 2, null, Number.NaN].map((value) => binOf(bins, value)),
    [0, 1, 2, 3, 4, 4],
  );
  const constant = layNumberBins(Float64Array.of(-7, -7));
  assert.deepEqual(
    [-8, -7, -6].map((value) => binOf(constant, value)),
    [0, 1, 2],
  );
});

test("a column that is null throughout, or has no row, has a bin for whatever may come", async () => {
  await tables.run(
    "CREATE OR REPLACE TABLE nothing AS SELECT NULL::DOUBLE AS x, NULL::VARCHAR AS t, 'NaN'::DOUBLE AS n FROM range(5)",
  );
  const columns = await layBins(tables, "nothing", { x: "number", t: "text", n: "number" });
  const counted = (await countBins({ tables, relation: "nothing", chunk: "0", columns })).get(0)!;
  assert.deepEqual(
    [counted.x!.counts, counted.t!.counts, counted.n!.counts],
    [
      [0, 5],
      [0, 5],
      [0, 5],
    ],
  );
  assert.equal(counted.x!.min, null);
  assert.equal((await countBins({ tables, relation: "nothing WHERE false", chunk: "0", columns })).size, 0);
  assert.deepEqual([binOf(columns.x!, 3), binOf(columns.t!, "new")], [0, 0]);
});

test("texts beyond the twenty commonest share a bin", async () => {
  await tables.run("CREATE OR REPLACE TABLE words AS SELECT 'w' || (i % (1 + i // 40)) AS w FROM range(1200) r(i)");
  const { w } = await layBins(tables, "words", { w: "text" });
  assert.equal(w!.values.length, 20);
  assert.equal(binOf(w!, "never seen"), 20);
});
