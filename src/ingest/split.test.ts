import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import type { MillError } from "../base/index.ts";
import type { Split } from "../define/index.ts";
import { type Boundary, partitionSql } from "./boundary.ts";
import { contextIn, ingestText, query, schema } from "./fixtures/workshop.ts";
import { type SplitInput, split } from "./split.ts";

const byTime = (test: number, holdout: number): Split => ({ split: "time", test, holdout });
const byHash = (test: number, holdout: number, salt = "s"): Split => ({ split: "hash", test, holdout, salt });

async function splitRows(
  rows: readonly string[],
  {
    columns,
    time,
    entity = [],
    rule,
    frozen = null,
    generation,
  }: {
    columns: ReturnType<typeof schema>;
    time: string | null;
    entity?: string[];
    rule: Split;
    frozen?: Boundary | null;
    generation?: NonNullable<SplitInput["generation"]>;
  },
) {
  const { manifest } = await ingestText({ "a.csv": [Object.keys(columns).join(","), ...rows].join("\n") }, { columns, time });
  const found = await split.run(
    {
      dataset: "d",
      parts: [manifest.objects["part-0"]!],
      columns,
      time,
      entity,
      split: rule,
      frozen,
      ...(generation && { generation }),
    },
    contextIn(),
  );
  return found.facts as unknown as {
    boundary: Boundary;
    rows: { train: number; test: number; holdout: number };
    generation?: number;
    older?: number;
    note?: string;
  };
}

for (const [type, text, from] of [
  ["timestamp", (i: number) => `2001-01-01T00:${String(i).padStart(2, "0")}:00`, ["2001-01-01T00:14:00", "2001-01-01T00:17:00"]],
  ["instant", (i: number) => `2001-01-01T00:${String(i).padStart(2, "0")}:00Z`, ["2001-01-01T00:14:00Z", "2001-01-01T00:17:00Z"]],
  ["date", (i: number) => `2001-01-${String(i + 1).padStart(2, "0")}`, ["2001-01-15", "2001-01-18"]],
] as const)
  test(`the newest rows are held out, those before them test, by moments of type ${type}`, async () => {
    const rows = Array.from({ length: 20 }, (_, i) => text((i * 7) % 20));
    const { boundary, rows: counts } = await splitRows(rows, {
      columns: schema({ at: type }),
      time: "at",
      rule: byTime(0.15, 0.15),
    });
    assert.deepEqual(boundary, { testFrom: from[0], holdoutFrom: from[1] });
    assert.deepEqual(counts, { train: 14, test: 3, holdout: 3 });
  });

test("a moment is never on both sides, and every part comes as near to its share as moments allow", async () => {
  const moments = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 30, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(moments, async (days) => {
      fc.pre(new Set(days).size >= 3);
      const rows = days.map((day) => `2001-01-${String(day + 1).padStart(2, "0")}`);
      const { boundary, rows: counts } = await splitRows(rows, {
        columns: schema({ at: "date" }),
        time: "at",
        rule: byTime(0.2, 0.2),
      });
      assert.ok("testFrom" in boundary && boundary.testFrom! < boundary.holdoutFrom!);
      const behind = (from: string) => rows.filter((row) => row >= from).length;
      assert.equal(counts.holdout, behind(boundary.holdoutFrom!));
      const distance = Math.abs(counts.holdout - rows.length * 0.2);
      const starts = [...new Set(rows)].sort().slice(2);
      assert.ok(starts.every((from) => Math.abs(behind(from) - rows.length * 0.2) >= distance - 1e-9));
      assert.equal(counts.train + counts.test + counts.holdout, rows.length);
      assert.ok(counts.train > 0 && counts.test > 0 && counts.holdout > 0);
    }),
    { seed: 11, numRuns: 12 },
  );
});

test("a frozen boundary stays when rows are added", async () => {
  const frozen: Boundary = { testFrom: "2001-01-03", holdoutFrom: "2001-01-05" };
  const rows = Array.from({ length: 9 }, (_, i) => `2001-01-0${i + 1}`);
  const { boundary, rows: counts } = await splitRows(rows, {
    columns: schema({ at: "date" }),
    time: "at",
    rule: byTime(0.2, 0.2),
    frozen,
  });
  assert.deepEqual(boundary, frozen);
  assert.deepEqual(counts, { train: 2, test: 2, holdout: 5 });
});

test("a part of no share has no boundary", async () => {
  const rows = Array.from({ length: 10 }, (_, i) => `2001-01-${String(i + 1).padStart(2, "0")}`);
  const asked = { columns: schema({ at: "date" as const }), time: "at" };
  const onlyTest = await splitRows(rows, { ...asked, rule: byTime(0.3, 0) });
  assert.deepEqual(onlyTest, {
    boundary: { testFrom: "2001-01-08", holdoutFrom: null },
    rows: { train: 7, test: 3, holdout: 0 },
  });
  const onlyHoldout = await splitRows(rows, { ...asked, rule: byTime(0, 0.3) });
  assert.deepEqual(onlyHoldout, {
    boundary: { testFrom: null, holdoutFrom: "2001-01-08" },
    rows: { train: 7, test: 0, holdout: 3 },
  });
});

test("too few moments or rows are refused with what to do", async () => {
  const rows = ["2001-01-01", "2001-01-02", "2001-01-02"];
  await assert.rejects(
    splitRows(rows, { columns: schema({ at: "date" }), time: "at", rule: byTime(0.2, 0.2) }),
    (error: MillError) => {
      assert.equal(error.code, "split.too-few");
      assert.match(error.message, /too few different values of at/);
      assert.match(error.fix!, /Split by hash/);
      return true;
    },
  );
  await assert.rejects(splitRows(["2001-01-01"], { columns: schema({ at: "date" }), time: null, rule: byHash(0.2, 0.2) }), {
    code: "split.too-few",
  });
});

const days = (count: number) => Array.from({ length: count }, (_, i) => `2001-01-${String(i + 1).padStart(2, "0")}`);
const byDay = { columns: schema({ at: "date" as const }), time: "at" };

test("a later generation is cut anew, by shares of the rows from `trainFrom` on; older rows are in no part", async () => {
  const generation = { number: 2, trainFrom: "2001-01-11", older: { testFrom: "2001-01-05", holdoutFrom: "2001-01-09" } };
  const found = await splitRows(days(30), { ...byDay, rule: byTime(0.2, 0.2), generation });
  assert.deepEqual(found, {
    boundary: { trainFrom: "2001-01-11", testFrom: "2001-01-23", holdoutFrom: "2001-01-27" },
    rows: { train: 12, test: 4, holdout: 4 },
    generation: 2,
    older: 10,
  });
  const all = await splitRows(days(30), { ...byDay, rule: byTime(0.2, 0.2), generation: { ...generation, trainFrom: null } });
  assert.deepEqual(all.boundary, { trainFrom: null, testFrom: "2001-01-19", holdoutFrom: "2001-01-25" });
  assert.deepEqual([all.rows, all.older], [{ train: 18, test: 6, holdout: 6 }, 0]);
});

test("newer parts never start before those that they replace, and the split says so", async () => {
  const generation = { number: 2, trainFrom: null, older: { testFrom: "2001-01-23", holdoutFrom: "2001-01-28" } };
  const found = await splitRows(days(30), { ...byDay, rule: byTime(0.2, 0.2), generation });
  assert.deepEqual(found.boundary, { trainFrom: null, testFrom: "2001-01-23", holdoutFrom: "2001-01-28" });
  assert.equal(
    found.note,
    "holdout would start at 2001-01-25, and stays at 2001-01-28, where the one before it starts; test would start at 2001-01-22, and stays at 2001-01-23, where the one before it starts",
  );
  assert.deepEqual(found.rows, { train: 22, test: 5, holdout: 3 });
});

test("from generation to generation test and holdout move on or stay, whatever rows come and wherever training starts", async () => {
  const amounts = fc.array(fc.record({ added: fc.integer({ min: 1, max: 9 }), from: fc.integer({ min: 0, max: 12 }) }), {
    minLength: 2,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(amounts, async (grown) => {
      let [count, older] = [12, { testFrom: "2001-01-07", holdoutFrom: "2001-01-09" }];
      for (const [index, { added, from }] of grown.entries()) {
        count = Math.min(31, count + added);
        const trainFrom = from === 0 ? null : days(31)[from - 1]!;
        const generation = { number: index + 2, trainFrom, older };
        const found = await splitRows(days(count), { ...byDay, rule: byTime(0.2, 0.2), generation }).catch(
          (error: MillError) => error,
        );
        if (!("boundary" in found)) {
          assert.equal(found.code, "split.too-few");
          continue;
        }
        assert.ok("holdoutFrom" in found.boundary && found.boundary.testFrom! >= older.testFrom);
        assert.ok(found.boundary.holdoutFrom! >= older.holdoutFrom);
        assert.equal(found.rows.train + found.rows.test + found.rows.holdout + found.older!, count);
        older = { testFrom: found.boundary.testFrom!, holdoutFrom: found.boundary.holdoutFrom! };
      }
    }),
    { seed: 3, numRuns: 10 },
  );
});

test("by hash a row keeps its part from generation to generation, or is too old for any", async () => {
  const columns = schema({ at: "timestamp", n: "int32" });
  const rows = Array.from({ length: 200 }, (_, i) => `2001-01-${String(1 + (i % 20)).padStart(2, "0")}T00:00:00,${i}`);
  const generation = { number: 2, trainFrom: "2001-01-11T00:00:00", older: null };
  const asked = { columns, time: "at", entity: ["n"], rule: byHash(0.2, 0.2) };
  const [one, two] = [await splitRows(rows, asked), await splitRows(rows, { ...asked, generation })];
  assert.deepEqual(two.boundary, { ...one.boundary, trainFrom: "2001-01-11T00:00:00" });
  assert.equal(two.older, 100);
  const partIn = (boundary: Boundary) => partitionSql(boundary, { time: "at", entity: ["n"], columns });
  const parts = await query(`SELECT day, ${partIn(one.boundary)} AS one, ${partIn(two.boundary)} AS two
    FROM (SELECT i % 20 AS day, TIMESTAMP '2001-01-01' + to_days((i % 20)::INTEGER) AS at, i AS n FROM range(200) AS r(i))`);
  assert.ok(parts.every(({ day, one, two }) => two === (Number(day) < 10 ? null : one)));
});

test("too few rows since `trainFrom` are refused, which names it", async () => {
  const generation = { number: 2, trainFrom: "2001-01-30", older: { testFrom: "2001-01-05", holdoutFrom: "2001-01-09" } };
  await assert.rejects(splitRows(days(30), { ...byDay, rule: byTime(0.2, 0.2), generation }), (error: MillError) => {
    assert.equal(error.code, "split.too-few");
    assert.match(error.message, /different values of at from 2001-01-30 on/);
    return true;
  });
});

test("a hash split is the MD5 that its definition says, of the salt and the entity's texts", async () => {
  const columns = schema({ who: "string?", n: "int32" });
  const boundary: Boundary = { salt: "pepper", test: 0.2, holdout: 0.3 };
  const keys = Array.from({ length: 500 }, (_, i) => (i === 0 ? null : `k${i}`));
  const values = keys.map((key, i) => `(${key === null ? "NULL" : `'${key}'`}, ${i})`).join(", ");
  const sql = partitionSql(boundary, { time: null, entity: ["who"], columns });
  const rows = await query(`SELECT n, ${sql} AS part FROM (VALUES ${values}) AS t(who, n) ORDER BY n`);
  for (const { n, part } of rows) {
    const key = keys[Number(n)] ?? "\x1e";
    const hash = Number.parseInt(createHash("md5").update(`pepper\x1f${key}`).digest("hex").slice(0, 8), 16) / 2 ** 32;
    assert.equal(part, hash >= 0.7 ? "holdout" : hash >= 0.5 ? "test" : "train", String(key));
  }
});

test("rows of one entity share a part, whatever else they hold; the shares are about those asked for", async () => {
  const rows = Array.from({ length: 4000 }, (_, i) => `e${i % 1000},${i}`);
  const { manifest } = await ingestText(
    { "a.csv": ["who,n", ...rows].join("\n") },
    { columns: schema({ who: "string", n: "int32" }) },
  );
  const input = {
    dataset: "d",
    parts: [manifest.objects["part-0"]!],
    columns: schema({ who: "string", n: "int32" }),
    time: null,
    entity: ["who"],
    split: byHash(0.2, 0.2),
  };
  const { facts } = await split.run(input, contextIn());
  const counts = facts.rows as { train: number; test: number; holdout: number };
  assert.equal(counts.train % 4, 0);
  assert.ok(Math.abs(counts.test - 800) < 120 && Math.abs(counts.holdout - 800) < 120, JSON.stringify(counts));
  assert.deepEqual((await split.run(input, contextIn())).facts, facts);
});

test("without an entity the whole row decides, so equal rows never part", async () => {
  const columns = schema({ a: "float64", at: "instant", b: "boolean" });
  const sql = partitionSql({ salt: "s", test: 0.3, holdout: 0.3 }, { time: null, entity: [], columns });
  const rows = await query(`SELECT count(DISTINCT part) AS parts FROM (SELECT i % 50 AS k, ${sql} AS part
    FROM (SELECT i, (i % 50) / 7.0 AS a, TIMESTAMPTZ '2001-01-01 00:00:00Z' + to_hours((i % 50)::INTEGER) AS at, i % 2 = 0 AS b FROM range(200) AS r(i))) GROUP BY k`);
  assert.ok(rows.every(({ parts }) => parts === 1));
});

test("a boundary is read as a moment, so that it cannot bring SQL with it", () => {
  const dataset = { time: "at", entity: [], columns: schema({ at: "timestamp" }) };
  assert.throws(() => partitionSql({ testFrom: "2001'); DROP TABLE x; --", holdoutFrom: null }, dataset));
});
