import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { readTar, type TarEntry, tarBytes, writeTar } from "./tar.ts";

const root = mkdtempSync(join(tmpdir(), "mill-tar-"));
after(() => rmSync(root, { recursive: true, force: true }));

const entryOf = (name: string, bytes: Uint8Array): TarEntry => ({
  name,
  sizeBytes: bytes.byteLength,
  async *content() {
    yield bytes;
  },
});

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

const files = fc.array(fc.tuple(fc.stringMatching(/^[a-z0-9]{1,20}(\/[a-z0-9]{1,64})?$/), fc.uint8Array({ maxLength: 3000 })), {
  maxLength: 5,
});

test("what is written is read again, in whatever pieces it comes and whether or not contents are asked for; its size is known before", () =>
  fc.assert(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 2000 }), fc.boolean(), async (given, pieceBytes, asked) => {
      const tar = await bytesOf(writeTar(given.map(([name, bytes]) => entryOf(name, bytes))));
      assert.equal(tar.byteLength, tarBytes(given.map(([, bytes]) => bytes.byteLength)));
      const found: [string, Uint8Array][] = [];
      for await (const { name, sizeBytes, content } of readTar(inPieces(tar, pieceBytes), "x"))
        found.push([name, asked ? Uint8Array.from(await bytesOf(content())) : new Uint8Array(sizeBytes)]);
      assert.deepEqual(
        found,
        given.map(([name, bytes]) => [name, asked ? Uint8Array.from(bytes) : new Uint8Array(bytes.byteLength)]),
      );
    }),
    { numRuns: 60 },
  ));

test("the system's tar lists and reads it, and what the system's tar wrote is read", async () => {
  const path = join(root, "a.tar");
  writeFileSync(
    path,
    await bytesOf(writeTar([entryOf("recipe/ab.json", Buffer.from("{}")), entryOf("objects/cd", Buffer.alloc(700, 7))])),
  );
  assert.equal(execFileSync("tar", ["tf", path], { encoding: "utf8" }), "recipe/ab.json\nobjects/cd\n");
  assert.equal(execFileSync("tar", ["xOf", path, "recipe/ab.json"], { encoding: "utf8" }), "{}");
  writeFileSync(join(root, "b"), "text");
  const theirs = execFileSync("tar", ["cf", "-", "--format=ustar", "-C", root, "b"]);
  const { value: first } = await readTar(inPieces(theirs, 100), "x").next();
  assert.deepEqual([first?.name, first?.sizeBytes], ["b", 4]);
});

test("sizes of 8 GiB and more are written and read as they are; content that is not as long as it was said to be ends the writing", async () => {
  for (const sizeBytes of [8 ** 11 - 1, 8 ** 11, 2 ** 43]) {
    const header = await writeTar([{ ...entryOf("objects/cd", new Uint8Array()), sizeBytes }]).next();
    const entry = await readTar(inPieces(header.value as Uint8Array, 512), "x").next();
    assert.equal((entry.value as TarEntry).sizeBytes, sizeBytes);
  }
  for (const sizeBytes of [3, 5])
    await assert.rejects(bytesOf(writeTar([{ ...entryOf("objects/cd", Buffer.from("four")), sizeBytes }])), {
      code: "recipe.damaged",
    });
});
