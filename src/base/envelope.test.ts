import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { type Keyring, keyIdOf, openBytes, rewrap, sealBytes } from "./index.ts";

function ringOf(current: string, keys: Record<string, Uint8Array>): Keyring {
  return { current, key: (id) => keys[id] ?? null };
}
const keys = { old: randomBytes(32), new: randomBytes(32) };
const ring = ringOf("old", keys);

test("what was sealed opens again, to the bit, under the same associated data", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.string(), (bytes, aad) => {
      const sealed = sealBytes(bytes, ring, aad);
      assert.equal(sealed.byteLength, bytes.byteLength + 128);
      assert.deepEqual(new Uint8Array(openBytes(sealed, ring, aad)), bytes);
    }),
  );
});

test("no byte can be changed, cut off or added, and no other associated data opens it", () => {
  const sealed = sealBytes(Buffer.from("a secret"), ring, "row 1");
  for (let at = 0; at < sealed.byteLength; at++) {
    const changed = Uint8Array.from(sealed);
    changed[at]! ^= 1;
    assert.throws(() => openBytes(changed, ring, "row 1"), { code: /^envelope\.(altered|unknown-key)$/ }, `byte ${at}`);
  }
  for (const length of [0, 7, 111, 112, 127, sealed.byteLength - 1])
    assert.throws(() => openBytes(sealed.subarray(0, length), ring, "row 1"), { code: "envelope.altered" });
  assert.throws(() => openBytes(Buffer.concat([sealed, Buffer.of(0)]), ring, "row 1"), { code: "envelope.altered" });
  assert.throws(() => openBytes(sealed, ring, "row 2"), { code: "envelope.altered" });
  assert.throws(() => openBytes(Buffer.from("never sealed"), ring), { code: "envelope.altered" });
});

test("the same bytes sealed twice look different, and neither shows them", () => {
  const bytes = Buffer.from("marker-of-the-plain-text");
  const [a, b] = [sealBytes(bytes, ring), sealBytes(bytes, ring)].map((sealed) => Buffer.from(sealed));
  assert.ok(!a!.equals(b!) && !a!.includes(bytes) && !b!.subarray(112).equals(a!.subarray(112)));
});

test("rotation changes the key and leaves the body, and the old key can go afterwards", () => {
  const rotated = ringOf("new", keys);
  const sealed = sealBytes(Buffer.from("kept"), ring, "row");
  const renewed = rewrap(sealed, rotated);
  assert.deepEqual([keyIdOf(sealed), keyIdOf(renewed)], ["old", "new"]);
  assert.deepEqual(renewed.subarray(112), sealed.subarray(112));
  assert.equal(rewrap(renewed, rotated), renewed);
  const alone = ringOf("new", { new: keys.new });
  assert.equal(Buffer.from(openBytes(renewed, alone, "row")).toString(), "kept");
  assert.throws(() => openBytes(sealed, alone, "row"), { code: "envelope.unknown-key", got: "old" });
  assert.throws(() => rewrap(sealed, alone), { code: "envelope.unknown-key" });
});

test("another key under the same id opens nothing", () => {
  const sealed = sealBytes(Buffer.from("kept"), ring);
  assert.throws(() => openBytes(sealed, ringOf("old", { old: randomBytes(32) })), { code: "envelope.altered" });
});

test("keys of a wrong length and ids that do not fit are refused before anything is sealed", () => {
  for (const bad of [ringOf("short", { short: randomBytes(16) }), ringOf("x".repeat(45), { ["x".repeat(45)]: randomBytes(32) })])
    assert.throws(() => sealBytes(Buffer.from("a"), bad), { code: "envelope.bad-key" });
  assert.throws(() => sealBytes(Buffer.from("a"), ringOf("none", {})), { code: "envelope.unknown-key" });
});
