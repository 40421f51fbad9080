import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openBytes, rewrap, sealBytes } from "../../base/index.ts";
import { openKeyring } from "../index.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-keyring-"));
after(() => rm(folder, { recursive: true }));
const fresh = () => mkdtemp(join(folder, "w-"));
const text = Buffer.from("a secret");

test("a keyring is made once, for its owner alone, and opened again", async () => {
  const workspace = await fresh();
  const first = await openKeyring(workspace);
  const sealed = sealBytes(text, first);
  assert.equal((await stat(join(workspace, "keys.json"))).mode & 0o777, 0o600);
  await chmod(join(workspace, "keys.json"), 0o644);
  const second = await openKeyring(workspace);
  assert.equal((await stat(join(workspace, "keys.json"))).mode & 0o777, 0o600, "closed to others again");
  assert.equal(second.current, first.current);
  assert.deepEqual(Buffer.from(openBytes(sealed, second)), text);
  assert.deepEqual(await readdir(workspace), ["keys.json"], "nothing is left beside it");
});

test("of many that open a fresh workspace at once, all have the same key", async () => {
  const workspace = await fresh();
  const rings = await Promise.all(Array.from({ length: 8 }, () => openKeyring(workspace)));
  assert.equal(new Set(rings.map((ring) => ring.current)).size, 1);
});

test("after a rotation old envelopes open until their key is dropped, also in a process that had the ring open before", async () => {
  const workspace = await fresh();
  const ring = await openKeyring(workspace);
  const other = await openKeyring(workspace);
  const old = ring.current;
  const sealed = sealBytes(text, ring);
  const current = await ring.rotate();
  assert.notEqual(current, old);
  assert.deepEqual(ring.ids(), [current, old]);
  assert.deepEqual(Buffer.from(openBytes(sealed, ring)), text);
  assert.deepEqual(Buffer.from(openBytes(sealBytes(text, ring), other)), text);

  await assert.rejects(ring.drop(current), { code: "guard.key-current" });
  const again = rewrap(sealed, ring);
  assert.equal(await ring.drop(old), true);
  assert.equal(await ring.drop(old), false);
  assert.throws(() => openBytes(sealed, ring), { code: "envelope.unknown-key" });
  assert.deepEqual(Buffer.from(openBytes(again, await openKeyring(workspace))), text);
});

test("configured keys are stored nowhere: the first is current, the others and the file's open what is old", async () => {
  const workspace = await fresh();
  const file = await openKeyring(workspace);
  const sealedByFile = sealBytes(text, file);
  const [a, b] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];
  const before = await readFile(join(workspace, "keys.json"), "utf8");

  const withA = await openKeyring(workspace, { configured: a });
  const sealedByA = sealBytes(text, withA);
  assert.deepEqual(Buffer.from(openBytes(sealedByFile, withA)), text);
  const withBoth = await openKeyring(workspace, { configured: `${b}, ${a}` });
  assert.notEqual(withBoth.current, withA.current);
  assert.deepEqual(Buffer.from(openBytes(sealedByA, withBoth)), text);
  await assert.rejects(withBoth.rotate(), { code: "guard.keyring-configured" });
  await assert.rejects(withBoth.drop(withA.current), { code: "guard.keyring-configured" });
  assert.equal(await readFile(join(workspace, "keys.json"), "utf8"), before);

  const bare = await fresh();
  await openKeyring(bare, { configured: a });
  assert.deepEqual(await readdir(bare), []);
});

test("the file's last key can be dropped beside a configured one; without it the ring begins anew", async () => {
  const workspace = await fresh();
  const old = (await openKeyring(workspace)).current;
  const given = await openKeyring(workspace, { configured: randomBytes(32).toString("base64") });
  assert.equal(await given.drop(old), true);
  const anew = await openKeyring(workspace);
  assert.notEqual(anew.current, old);
  assert.equal(anew.key(anew.current)?.byteLength, 32);
});

test("a keyring that cannot be read is told and left as it is", async () => {
  for (const content of [
    "",
    "{",
    "null",
    "[]",
    '{"current":"a"}',
    '{"current":"a","keys":{}}',
    '{"current":"a","keys":{"a":"c2hvcnQ="}}',
    '{"current":"a","keys":{"a":7}}',
  ]) {
    const workspace = await fresh();
    await writeFile(join(workspace, "keys.json"), content);
    await assert.rejects(openKeyring(workspace), { code: "guard.keyring-broken" }, content);
    assert.equal(await readFile(join(workspace, "keys.json"), "utf8"), content);
  }
  for (const configured of ["", "short", "!".repeat(44), `${randomBytes(32).toString("base64")},`])
    await assert.rejects(openKeyring(await fresh(), { configured }), { code: "guard.keyring-broken" }, configured);
});
