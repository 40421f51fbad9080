import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Measurement, Schema } from "../contract/index.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { judgeChecks, momentText, profileSql, readProfile } from "./index.ts";

const share = (index: number, value: number | null, count = 10_000): Measurement => ({
  subject: `dataset/d#check/${index}`,
  measure: "share",
  value,
  count,
});
const fits = (value: number): Measurement => ({ subject: "dataset/d#fits", measure: "share", value, count: 10_000 });

test("each check is judged by its own share, in the order of the definition", () => {
  const checks = [
    { share: 0.999, text: "delay between -120 and 1440" },
    { share: 1, text: "distance above 0" },
  ];
  const passed = judgeChecks({ dataset: "d", checks, measurements: [share(1, 1), fits(1), share(0, 0.9995)] });
  assert.equal(passed.passed, true);
  assert.deepEqual(
    passed.chain.map(({ requirement, passed }) => [requirement.id, requirement.value, passed]),
    [
      ["check/0", 0.999, true],
      ["check/1", 1, true],
      ["fits", 0.5, true],
    ],
  );
  const refused = judgeChecks({ dataset: "d", checks, measurements: [share(0, 0.9989), share(1, 0.9999), fits(1)] });
  assert.equal(refused.passed, false);
  assert.deepEqual(
    refused.chain.map(({ passed }) => passed),
    [false, false, true],
  );
});

test("a sentence says the check, the share and what is asked, with digits enough to tell them apart", () => {
  const { chain } = judgeChecks({
    dataset: "d",
    checks: [{ share: 1, text: "n above 0" }],
    measurements: [share(0, 0.9999), fits(1)],
  });
  assert.equal(chain[0]!.sentence, "n above 0: true of 99.99 % of 10,000 rows, but at least 100 % is asked");
});

test("most rows must fit their columns", () => {
  const { passed, chain } = judgeChecks({ dataset: "d", checks: [], measurements: [fits(0.4)] });
  assert.equal(passed, false);
  assert.match(
    chain[0]!.sentence,
    /^the values fit the columns' types: true of 40 % of 10,000 rows, but at least 50 % is asked$/,
  );
});

test("what was not measured, or could not be, is not passed", () => {
  const checks = [{ share: 0.5, text: "a" }];
  assert.equal(judgeChecks({ dataset: "d", checks, measurements: [fits(1)] }).passed, false);
  assert.equal(judgeChecks({ dataset: "d", checks, measurements: [share(0, null), fits(1)] }).passed, false);
  assert.equal(
    judgeChecks({ dataset: "d", checks, measurements: [{ ...share(0, 1), subject: "dataset/other#check/0" }, fits(1)] }).passed,
    false,
  );
});

test("a profile tells nulls, ends and mean of every type, and of no rows", async () => {
  const tables = openDuckDb({ threads: 1, memoryMb: 200, tempFolder: join(tmpdir(), "mill-quality") });
  const types = { i: "int64", f: "float64", s: "string", b: "boolean", t: "instant", d: "date" } as const;
  const columns: Schema = Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type, nullable: true }]));
  const rows = `(SELECT * FROM (VALUES (9007199254740993, 0.5, 'b', true, TIMESTAMPTZ '2001-01-01 00:00:00.5Z', DATE '2001-01-01'),
    (1, NULL, 'a', false, NULL, NULL), (NULL, 1.5, NULL, NULL, TIMESTAMPTZ '2000-01-01 00:00:00Z', DATE '1969-12-31')) AS t(i, f, s, b, t, d))`;
  const { rowCount, profile } = readProfile(columns, (await tables.rows(profileSql(columns, rows)))[0]!);
  assert.equal(rowCount, 3);
  assert.deepEqual(profile, {
    i: { nulls: 1, distinct: 2, min: 1, max: "9007199254740993", mean: 4503599627000000 },
    f: { nulls: 1, distinct: 2, min: 0.5, max: 1.5, mean: 1 },
    s: { nulls: 1, distinct: 2, min: "a", max: "b" },
    b: { nulls: 1, distinct: 2, min: false, max: true, mean: 0.5 },
    t: { nulls: 1, distinct: 2, min: "2000-01-01T00:00:00Z", max: "2001-01-01T00:00:00.5Z" },
    d: { nulls: 1, distinct: 2, min: "1969-12-31", max: "2001-01-01" },
  });
  const none = readProfile(columns, (await tables.rows(profileSql(columns, `(SELECT * FROM ${rows} WHERE false)`)))[0]!);
  assert.deepEqual([none.rowCount, none.profile.f], [0, { nulls: 0, distinct: 0, min: null, max: null }]);
  tables.close();
});

test("moments are written as their type is", () => {
  assert.equal(momentText(0, "date"), "1970-01-01");
  assert.equal(momentText(0, "timestamp"), "1970-01-01T00:00:00");
  assert.equal(momentText(0, "instant"), "1970-01-01T00:00:00Z");
});
