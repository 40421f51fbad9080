import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergeFields, shortDigest } from "./merge.ts";

const fields = fc.dictionary(fc.constantFrom("name", "status", "tag a", "tag __proto__"), fc.constantFrom("1", "2", "3"), {
  noNullPrototype: true,
});
const mapOf = (one: Record<string, string>) => new Map(Object.entries(one));
const digests = (one: ReadonlyMap<string, string>) => new Map([...one].map(([key, value]) => [key, shortDigest(value)]));

test("what only the source changed is changed, what was changed here is left, and merging again changes nothing", () => {
  fc.assert(
    fc.property(fields, fields, fields, (said, says, has) => {
      const [base, theirs, ours] = [mapOf(said), mapOf(says), mapOf(has)];
      const merged = mergeFields(digests(base), theirs, ours);
      const after = new Map(ours);
      for (const [field, value] of merged.set) after.set(field, value);
      for (const field of merged.without) after.delete(field);
      for (const field of ["name", "status", "tag a", "tag __proto__"]) {
        const [before, there, here] = [base.get(field), theirs.get(field), ours.get(field)];
        const expected = there === before ? here : here === before ? there : here;
        assert.equal(after.get(field), expected, field);
        assert.equal(merged.left.includes(field), there !== before && there !== here && here !== before, field);
      }
      const again = mergeFields(merged.base, theirs, after);
      assert.deepEqual([again.set.size, again.without.length, again.left, again.base], [0, 0, merged.left, merged.base]);
    }),
  );
});
