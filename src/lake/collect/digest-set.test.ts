import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Digest, digestOf } from "../../base/index.ts";
import { DigestSet } from "./digest-set.ts";

test("a set of digests does what a Set does, also while it grows", () => {
  const some = fc.array(fc.tuple(fc.boolean(), fc.nat(400)), { maxLength: 2000 });
  fc.assert(
    fc.property(some, (steps) => {
      const [set, model] = [new DigestSet(), new Set<Digest>()];
      for (const [adds, number] of steps) {
        const digest = digestOf(`${number}`);
        if (adds) assert.equal(set.add(digest), !model.has(digest));
        if (adds) model.add(digest);
        assert.equal(set.has(digest), model.has(digest));
        assert.equal(set.size, model.size);
      }
    }),
    { numRuns: 100 },
  );
});

test("digests that begin alike, or with zeros, are told apart", () => {
  const set = new DigestSet();
  const digests = [
    "0".repeat(64),
    `${"0".repeat(31)}2${"0".repeat(32)}`,
    `00${"f".repeat(62)}`,
    `${"f".repeat(31)}e${"0".repeat(32)}`,
  ];
  for (const [at, hex] of digests.entries()) {
    assert.equal(set.has(`sha256:${hex}`), false);
    assert.equal(set.add(`sha256:${hex}`), true);
    for (const before of digests.slice(0, at + 1)) assert.equal(set.has(`sha256:${before}`), true);
  }
});

test("a million digests take less than 45 bytes each", () => {
  const before = process.memoryUsage().arrayBuffers;
  const set = new DigestSet();
  for (let index = 0; index < 1_000_000; index++) set.add(digestOf(`${index}`));
  const bytes = process.memoryUsage().arrayBuffers - before;
  assert.equal(set.size, 1_000_000);
  assert.ok(bytes < 45_000_000, `${bytes} bytes`);
});
