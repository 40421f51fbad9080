import assert from "node:assert/strict";
import { test } from "node:test";
import { type JsonSchema, VERBS } from "../contract/index.ts";
import { checkJson, withDefaults } from "./check-json.ts";

const page: JsonSchema = VERBS.listSteps.input;
const predict: JsonSchema = VERBS.predict.input;

const cases: readonly [what: string, schema: JsonSchema, value: unknown, at: string | null, words: RegExp][] = [
  ["fits", page, { limit: 1, cursor: "a" }, null, /^$/],
  ["leaves optional fields out", page, {}, null, /^$/],
  ["is no object", page, [], "", /an object; a list of 0/],
  ["has a wrong type", page, { limit: "1" }, "/limit", /an integer from 1 to 1000; "1"/],
  ["is not integral", page, { limit: 1.5 }, "/limit", /an integer/],
  ["is beyond 2^53", page, { limit: 2 ** 60 }, "/limit", /an integer/],
  ["is out of range", page, { limit: 1001 }, "/limit", /from 1 to 1000; 1001/],
  ["is not a number", page, { limit: Number.NaN }, "/limit", /NaN/],
  ["has an unknown field", page, { limt: 1 }, "/limt", /one of the fields limit, cursor, target.*Did you mean "limit"/],
  ["has a field by the name of a method", page, { constructor: 1 }, "/constructor", /the field "constructor"/],
  ["has a field by the name of the prototype", page, JSON.parse('{"__proto__": 1}'), "/__proto__", /the field "__proto__"/],
  ["lacks a field", predict, { name: "late" }, "/rows", /a list of at least 1 of at most 10000 items; nothing/],
  ["has an empty list", predict, { name: "late", rows: [] }, "/rows", /at least 1.*; 0 items/],
  ["has too many items", predict, { name: "late", rows: Array(10_001).fill({}) }, "/rows", /10001 items/],
  ["has a bad item", predict, { name: "late", rows: [{}, 3] }, "/rows/1", /an object; 3/],
  ["breaks a pattern", predict, { name: "Late!", rows: [{}] }, "/name", /a text like/],
  [
    "breaks a pattern that has an example",
    VERBS.plan.input,
    { targets: ["late"] },
    "/targets/0",
    /^a text like model\/late-arrival; "late" $/,
  ],
  ["lacks a field of the variant that was meant", VERBS.run.output, { event: "step-finished" }, "/id", /a text; nothing/],
  ["has a slash in a field's name", page, { "a/b": 1 }, "/a~1b", /the field "a\/b"/],
];

for (const [what, schema, value, at, words] of cases) {
  test(`a value that ${what} is told so`, () => {
    const found = checkJson(schema, value);
    assert.equal(found?.at ?? null, at);
    assert.match(found === null ? "" : `${found.expected}; ${found.got} ${found.hint ?? ""}`, words);
  });
}

test("the variant that was meant explains the mismatch", () => {
  const found = checkJson(VERBS.predict.output, { id: "1", model: "m", version: 1, predictions: [{ id: "1", value: "high" }] });
  assert.equal(found?.at, "/predictions/0/value");
});

test("defaults are filled in where nothing was said", () => {
  assert.deepEqual(withDefaults(page, { cursor: "a" }), { cursor: "a", limit: 100 });
  assert.deepEqual(withDefaults(page, { limit: 5 }), { limit: 5 });
});
