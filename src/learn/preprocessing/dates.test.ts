import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../../base/index.ts";
import type { LearnTask, TrainingData } from "../estimator.ts";
import { trainingData } from "../fixtures/training-data.ts";
import type { NumberColumn, TextColumn } from "../frame.ts";
import { quiet } from "../suite.ts";
import { dateParts } from "./date-parts.ts";
import { checkTransformer } from "./suite.ts";

const all = { dayOfYear: true, minute: true };

checkTransformer(dateParts, {
  revision: 1,
  data: (rowCount, task) => withMoments(rowCount, task, false),
  cases: {
    "numbers, defaults": { golden: "sha256:f6cf9a7984c73e6337522e574884febce0e903d8f55283a6210b283b1ab0363a" },
    "numbers, every part": { params: all, golden: "sha256:fd6214b0e9ea1ca125c2fd07fdd78620f25193c313149c78fb040ad54e6fb07d" },
  },
});
checkTransformer(dateParts, {
  revision: 1,
  data: (rowCount, task) => withMoments(rowCount, task, true),
  cases: { texts: { params: all, golden: "sha256:7bbad25636f40baef62ddfcd453827fbee3b7d700501f2d5c65916bd40c5a9cc" } },
});

test("every moment has the parts that Date gives it", async () => {
  const one = {
    ...trainingData("clustering", 1),
    X: { rowCount: 1, columns: { at: { kind: "number" as const, values: Float64Array.of(0) } } },
  };
  const row = (await dateParts.fit(one, all, quiet())).rowTransformer();
  const anyMillis = fc.oneof(fc.integer({ min: -8.6e15, max: 8.6e15 }), fc.integer({ min: -1e13, max: 1e13 }));
  fc.assert(
    fc.property(anyMillis, (millis) => {
      const date = new Date(millis);
      const year = date.getUTCFullYear();
      const firstDay = new Date(millis);
      firstDay.setUTCMonth(0, 1);
      assert.deepEqual(row({ at: millis }), {
        "at:year": year,
        "at:month": date.getUTCMonth() + 1,
        "at:day": date.getUTCDate(),
        "at:weekday": (date.getUTCDay() + 6) % 7,
        "at:dayOfYear": Math.round((date.getTime() - firstDay.getTime()) / 86_400_000) + 1,
        "at:hour": date.getUTCHours(),
        "at:minute": date.getUTCMinutes(),
      });
    }),
    { numRuns: 2000 },
  );
});

test("a text with a zone is in UTC, and what is no date is missing", async () => {
  const data = withMoments(20, "clustering", true);
  const row = (await dateParts.fit(data, {}, quiet())).rowTransformer();
  const [utc, zoned] = [row({ at: "2024-02-29T23:30:00Z" }), row({ at: "2024-03-01T00:30:00+01:00" })];
  assert.deepEqual(zoned, utc);
  assert.deepEqual([utc["at:month"], utc["at:day"], utc["at:hour"], utc["at:weekday"]], [2, 29, 23, 3]);
  for (const at of ["2023-02-29", "29/02/2024", "soon"]) assert.equal(row({ at })["at:year"], null);
});

test("no part at all is refused", async () => {
  const none = { year: false, month: false, day: false, weekday: false, hour: false };
  await assert.rejects(dateParts.fit(withMoments(20, "clustering", false), none, quiet()), { code: "learn.bad-parameter" });
});

function withMoments(rowCount: number, task: LearnTask, areTexts: boolean): TrainingData {
  const random = createRandom(11);
  const values = Float64Array.from({ length: rowCount }, () =>
    random.next() < 0.1 ? NaN : Math.floor((random.next() - 0.4) * 4e12),
  );
  const texts = Array.from(values, (millis) => (Number.isNaN(millis) ? "never" : new Date(millis).toISOString()));
  const numbers: NumberColumn = { kind: "number", values };
  const isoTexts: TextColumn = {
    kind: "text",
    codes: Int32Array.from(values, (millis, row) => (Number.isNaN(millis) ? -1 : row)),
    texts: [...new Set(texts)],
  };
  const codeOf = new Map(isoTexts.texts.map((text, code) => [text, code] as const));
  const coded = { ...isoTexts, codes: isoTexts.codes.map((code) => (code < 0 ? -1 : codeOf.get(texts[code]!)!)) };
  return { ...trainingData(task, rowCount), X: { rowCount, columns: { at: areTexts ? coded : numbers } } };
}
