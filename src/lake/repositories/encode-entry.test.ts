import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Digest, digestOf } from "../../base/index.ts";
import { decodeEntry, encodeEntry, sameEntry } from "./encode-entry.ts";
import type { Entry } from "./entry.ts";

const pairs = fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ unit: "binary", maxLength: 40 }), {
  minKeys: 1,
  maxKeys: 4,
});
const hex = (length: number) => fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
const entry: fc.Arbitrary<Entry> = fc.record(
  {
    digest: hex(64).map((digits): Digest => `sha256:${digits}`),
    sizeBytes: fc.maxSafeNat(),
    etag: fc.oneof(
      hex(32),
      fc.tuple(hex(32), fc.integer({ min: 1, max: 10_000 })).map(([md5, parts]) => `${md5}-${parts}`),
      fc.string(),
      fc.constant(`${"0".repeat(32)}-01`),
    ),
    modifiedMs: fc.nat(2 ** 48 - 1),
    contentType: fc.string(),
    metadata: pairs,
    headers: pairs,
    checksums: pairs,
  },
  { requiredKeys: ["digest", "sizeBytes", "etag", "modifiedMs"] },
);

test("an entry is read as it was written, and equal entries are equal bytes", () => {
  fc.assert(
    fc.property(entry, (entry) => {
      const bytes = encodeEntry(entry);
      assert.deepEqual(decodeEntry(bytes), toPlain(entry));
      const reversed = (pairs: Readonly<Record<string, string>>) => Object.fromEntries(Object.entries(pairs).reverse());
      const other = { ...entry, ...(entry.metadata && { metadata: reversed(entry.metadata) }) };
      assert.deepEqual(encodeEntry(other), bytes);
    }),
    { numRuns: 2000, seed: 3 },
  );
});

/** Without the null prototype that some generated dictionaries have. */
const toPlain = (entry: Entry): Entry =>
  Object.fromEntries(
    Object.entries(entry).map(([name, value]) => [
      name,
      typeof value === "object" ? Object.fromEntries(Object.entries(value)) : value,
    ]),
  ) as unknown as Entry;

test("time and checksums are no part of what an entry is, everything else is", () => {
  const entry: Entry = {
    digest: digestOf("x"),
    sizeBytes: 1,
    etag: "e",
    modifiedMs: 1,
    contentType: "text/plain",
    metadata: { a: "1" },
    headers: { b: "2" },
  };
  const same = (changes: Partial<Entry>) => sameEntry(encodeEntry(entry), encodeEntry({ ...entry, ...changes }));
  assert.ok(same({ modifiedMs: 2, checksums: { crc32: "AAAAAA==" } }));
  const others: Partial<Entry>[] = [
    { digest: digestOf("y") },
    { sizeBytes: 2 },
    { etag: "f" },
    { contentType: "text/html" },
    { metadata: { a: "2" } },
    { metadata: {}, headers: { a: "1", b: "2" } },
    { headers: { b: "3" } },
  ];
  for (const other of others) assert.ok(!same(other), JSON.stringify(other));
  assert.ok(sameEntry(null, null));
  assert.ok(!sameEntry(encodeEntry(entry), null));
});

test("bytes that are no entry are refused", () => {
  const bytes = encodeEntry({ digest: digestOf("x"), sizeBytes: 1, etag: "e", modifiedMs: 1 });
  const wrong = [new Uint8Array(), bytes.subarray(0, 20), bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.from([0])])];
  for (const each of wrong) assert.throws(() => decodeEntry(each), { code: "lake.corrupt-entry" });
});
