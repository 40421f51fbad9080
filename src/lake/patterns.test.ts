import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { matchesPattern } from "./patterns.ts";

/** Letters, stars and slashes as a regular expression. */
const asRegExp = (pattern: string) =>
  new RegExp(`^${pattern.replace(/\*{2,}|\*/g, (stars) => (stars === "*" ? "[^/]*" : "[^]*"))}$`);

test("patterns match what the same regular expression does", () => {
  const texts = (characters: string) => fc.string({ unit: fc.constantFrom(...characters), maxLength: 10 });
  fc.assert(
    fc.property(texts("ab/*"), texts("ab/"), (pattern, text) => {
      assert.equal(matchesPattern(pattern, text), asRegExp(pattern).test(text));
    }),
    { numRuns: 5000 },
  );
});

test("a pattern of many stars is answered at once", () => {
  assert.equal(matchesPattern(`${"**a".repeat(60)}b`, `${"a/".repeat(500)}`), false);
  assert.equal(matchesPattern(`${"*a".repeat(60)}b`, "a".repeat(1000)), false);
});
