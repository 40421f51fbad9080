import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import type { Digest, Keyring } from "../../base/index.ts";
import { encryptedBy } from "./encrypted.ts";

const keys: Record<string, Uint8Array> = { old: randomBytes(32), new: randomBytes(32) };
const ringOf = (current: string, ids = [current]): Keyring => ({
  current,
  key: (id) => (ids.includes(id) ? keys[id]! : null),
});
const codec = encryptedBy(ringOf("old"));
const digestOf = (bytes: Uint8Array): Digest => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const CHUNK = 65_536;
const SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 77];

async function rangeOf(
  bytes: Uint8Array,
  stored: Uint8Array,
  range?: { start: number; end: number },
  piece = 10_000,
): Promise<Buffer> {
  async function* source({ start, end }: { start: number; end: number }) {
    for (let at = start; at < end; at += piece) yield stored.subarray(at, Math.min(at + piece, end));
  }
  const parts: Uint8Array[] = [];
  for await (const part of codec.read(digestOf(bytes), stored.byteLength, source, range)) parts.push(part);
  return Buffer.concat(parts);
}

test("every size comes back whole, the stored size follows from the plain one, and nothing of it shows", async () => {
  for (const size of SIZES) {
    const bytes = randomBytes(size);
    const stored = codec.encode(bytes, digestOf(bytes));
    assert.equal(stored.byteLength, codec.storedBytes(size));
    assert.equal(codec.sizeBytes(stored.byteLength), size);
    assert.ok(bytes.equals(codec.decode(stored, digestOf(bytes))));
    assert.ok(bytes.equals(await rangeOf(bytes, stored)));
    if (size > 100) assert.ok(!Buffer.from(stored).includes(bytes.subarray(size - 50)));
  }
});

test("bytes that come in any pieces, in a buffer used again, are encrypted as if they came whole", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 * CHUNK }), { maxLength: 6 }), (sizes) => {
      const bytes = randomBytes(sizes.reduce((sum, size) => sum + size, 0));
      const encoder = codec.encoder();
      const stored: Uint8Array[] = [];
      let at = 0;
      for (const size of sizes) {
        const piece = Buffer.from(bytes.subarray(at, at + size));
        stored.push(encoder.update(piece));
        piece.fill(0);
        at += size;
      }
      stored.push(encoder.end(digestOf(bytes)));
      assert.ok(bytes.equals(codec.decode(Buffer.concat(stored), digestOf(bytes))));
    }),
    { numRuns: 40 },
  );
});

test("any range opens alone, and is what the whole has there", async () => {
  const bytes = randomBytes(3 * CHUNK + 1234);
  const stored = codec.encode(bytes, digestOf(bytes));
  const edge = fc.oneof(fc.constantFrom(0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, bytes.length), fc.nat(bytes.length + 100));
  await fc.assert(
    fc.asyncProperty(edge, edge, fc.integer({ min: 1, max: 100_000 }), async (start, end, piece) => {
      assert.ok(bytes.subarray(start, Math.max(start, end)).equals(await rangeOf(bytes, stored, { start, end }, piece)));
    }),
    { numRuns: 150 },
  );
});

test("an altered, cut, lengthened, repeated or reordered chunk is refused, whole and by range", async () => {
  const bytes = randomBytes(3 * CHUNK + 100);
  const digest = digestOf(bytes);
  const stored = Buffer.from(codec.encode(bytes, digest));
  const sealed = CHUNK + 16;
  const chunk = (at: number) => stored.subarray(at * sealed, (at + 1) * sealed);
  const tail = stored.subarray(-112);
  const last = stored.subarray(3 * sealed, -112);
  const flipped = (at: number) => {
    const copy = Buffer.from(stored);
    copy[at]! ^= 1;
    return copy;
  };
  const damaged = {
    "first byte": flipped(0),
    "a tag": flipped(sealed - 1),
    "the last chunk": flipped(3 * sealed + 5),
    "the wrapped key": flipped(stored.length - 1),
    "the magic": flipped(stored.length - 112),
    "reordered chunks": Buffer.concat([chunk(1), chunk(0), chunk(2), last, tail]),
    "a chunk left out": Buffer.concat([chunk(0), chunk(2), last, tail]),
    "a chunk twice": Buffer.concat([chunk(0), chunk(1), chunk(1), chunk(2), last, tail]),
    "the end cut off": Buffer.concat([chunk(0), chunk(1), chunk(2), tail]),
    "the tail cut off": stored.subarray(0, -112),
    "a byte more": Buffer.concat([stored, Buffer.of(0)]),
    "only the tail": tail,
    nothing: Buffer.alloc(0),
  };
  for (const [what, bad] of Object.entries(damaged)) {
    assert.throws(() => codec.decode(bad, digest), { code: "object.corrupt" }, what);
    await assert.rejects(rangeOf(bytes, bad), { code: "object.corrupt" }, what);
  }
  await assert.rejects(rangeOf(bytes, flipped(2 * sealed + 9), { start: 2 * CHUNK, end: 2 * CHUNK + 1 }), {
    code: "object.corrupt",
  });
});

test("an object laid in another one's place is refused", () => {
  const [a, b] = [randomBytes(100), randomBytes(100)];
  assert.throws(() => codec.decode(codec.encode(a, digestOf(a)), digestOf(b)), { code: "object.corrupt" });
});

test("rotation renews the last 112 bytes alone; the old key can go, and without it what was not renewed says which key it needs", () => {
  const bytes = randomBytes(2 * CHUNK);
  const digest = digestOf(bytes);
  const stored = codec.encode(bytes, digest);
  const body = stored.byteLength - codec.tailBytes;
  const rotating = encryptedBy(ringOf("new", ["old", "new"]));
  const tail = rotating.renew(stored.subarray(body), digest)!;
  assert.equal(rotating.renew(tail, digest), null);
  const alone = encryptedBy(ringOf("new"));
  assert.ok(bytes.equals(alone.decode(Buffer.concat([stored.subarray(0, body), tail]), digest)));
  assert.throws(() => alone.decode(stored, digest), { code: "envelope.unknown-key", got: "old" });
  assert.throws(() => alone.renew(stored.subarray(body), digest), { code: "envelope.unknown-key" });
});
