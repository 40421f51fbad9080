import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { createAccessKeys, createAccounts, openKeyring } from "../index.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-access-keys-"));
after(() => rm(folder, { recursive: true }));

async function fresh() {
  const workspace = await mkdtemp(join(folder, "w-"));
  const records = await openTestRecords(join(workspace, "mill.db"));
  const keyring = await openKeyring(workspace);
  const clock = { ms: 1_000_000 };
  const open = () => createAccessKeys({ records, keyring, now: () => clock.ms });
  const accounts = createAccounts({ records, now: () => clock.ms });
  const service = { kind: "service", email: null, displayName: "", roles: ["editor"], by: "owner" } as const;
  for (const name of ["ci", "a", "b", "c"]) await accounts.users.create({ ...service, name });
  return { records, keyring, clock, open, accounts, keys: createAccessKeys({ records, keyring, accounts, now: () => clock.ms }) };
}

test("a key has the form clients expect, is found again, and its secret lies nowhere in the open", async () => {
  const { records, keys, open } = await fresh();
  const { id, secret } = await keys.create({ actor: "ci", may: ["read", "edit"], about: "the nightly upload" });
  assert.match(id, /^MILL[A-Z0-9]{16}$/);
  assert.match(secret, /^[A-Za-z0-9_-]{40}$/);
  assert.ok(!JSON.stringify(await records.query("SELECT * FROM access_keys")).includes(secret));
  for (const store of [keys, open()])
    assert.deepEqual(await store.find(id), {
      id,
      secret,
      actor: { id: "ci", token: id, roles: ["editor"], may: new Set(["read", "edit"]) },
    });
  assert.equal(await keys.find("MILLAAAAAAAAAAAAAAAA"), null);
  assert.deepEqual(await keys.list(), [
    { id, actor: "ci", may: ["read", "edit"], about: "the nightly upload", createdAt: 1_000_000, revokedAt: null },
  ]);
  await records.close();
});

test("a key stays the same object while it is in force, and is answered at once", async () => {
  const { records, keys, clock } = await fresh();
  const { id } = await keys.create({ actor: "ci", may: ["read"], about: "" });
  const [first, second] = await Promise.all([keys.find(id), keys.find(id)]);
  assert.equal(first, second);
  assert.equal(keys.find(id), first);
  clock.ms += 60_000;
  assert.equal(await keys.find(id), first);
  await records.close();
});

test("a revoked key is gone at once here, soon elsewhere, and its secret is erased", async () => {
  const { records, keys, open, clock } = await fresh();
  const elsewhere = open();
  const { id } = await keys.create({ actor: "ci", may: ["read"], about: "" });
  await keys.find(id);
  await elsewhere.find(id);
  const underWay = open().find(id);
  assert.equal(await keys.revoke(id), true);
  assert.equal(await keys.revoke(id), false);
  assert.equal(await keys.find(id), null);
  await underWay;
  clock.ms += 5_000;
  assert.equal(await elsewhere.find(id), null);
  assert.deepEqual(await records.query("SELECT secret FROM access_keys"), [{ secret: "" }]);
  assert.equal((await keys.list())[0]!.revokedAt, 1_000_000);
  await records.close();
});

test("a look-up that began before a revocation does not bring the key back", async () => {
  const { records, keys } = await fresh();
  const { id } = await keys.create({ actor: "ci", may: ["read"], about: "" });
  const [, revoked] = await Promise.all([keys.find(id), keys.revoke(id)]);
  assert.equal(revoked, true);
  assert.equal(await keys.find(id), null);
  await records.close();
});

test("after a rotation every secret is sealed anew, and the old key can be dropped", async () => {
  const { records, keyring, keys, open } = await fresh();
  const made = await Promise.all(["a", "b", "c"].map((actor) => keys.create({ actor, may: ["read", "edit"], about: "" })));
  await keys.revoke(made[2]!.id);
  const old = keyring.current;
  await keyring.rotate();
  assert.equal(await keys.rewrapAll(), 2);
  assert.equal(await keys.rewrapAll(), 0);
  await keyring.drop(old);
  const again = open();
  for (const { id, secret } of made.slice(0, 2)) assert.equal((await again.find(id))?.secret, secret);
  await records.close();
});

test("a sealed secret that was moved to another row is refused", async () => {
  const { records, keys, open } = await fresh();
  const a = await keys.create({ actor: "a", may: ["read"], about: "" });
  const b = await keys.create({ actor: "b", may: ["edit"], about: "" });
  await records.commit([
    { sql: "UPDATE access_keys SET secret = (SELECT secret FROM access_keys WHERE id = ?) WHERE id = ?", params: [a.id, b.id] },
  ]);
  await assert.rejects(async () => open().find(b.id), { code: "envelope.altered" });
  await records.close();
});

test("a key allows no more than the roles of its user, and nothing once the user is disabled", async () => {
  const { records, accounts, keys, open, clock } = await fresh();
  const elsewhere = open();
  const { id } = await keys.create({ actor: "ci", may: ["read", "edit"], about: "" });
  const mayOf = async (store: typeof keys) => [...((await store.find(id))?.actor.may ?? ["nothing"])];
  assert.deepEqual(await mayOf(elsewhere), ["read", "edit"]);
  await accounts.users.grant("ci", "viewer", "owner");
  await accounts.users.revoke("ci", "editor");
  assert.deepEqual(await mayOf(keys), ["read"]);
  await accounts.users.setDisabled("ci", true);
  assert.deepEqual(await mayOf(keys), ["nothing"]);
  clock.ms += 5_000;
  assert.deepEqual(await mayOf(elsewhere), ["nothing"]);
  await accounts.users.setDisabled("ci", false);
  assert.deepEqual(await mayOf(keys), ["read"]);
  await records.close();
});
