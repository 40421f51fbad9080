import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { createSecrets, openKeyring } from "../index.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-secrets-"));
after(() => rm(folder, { recursive: true }));

async function fresh() {
  const workspace = await mkdtemp(join(folder, "w-"));
  const records = await openTestRecords(join(workspace, "mill.db"));
  const keyring = await openKeyring(workspace);
  const clock = { ms: 1_000_000 };
  const now = () => clock.ms;
  return { workspace, records, keyring, clock, secrets: createSecrets({ records, keyring, now }) };
}

test("whatever is set, replaced, removed and rotated, a name stands for the value that was set last", async () => {
  const { records, keyring, secrets } = await fresh();
  const names = fc.constantFrom("a", "b", "c");
  const act = fc.oneof(
    fc.record({ name: names, value: fc.string({ unit: "binary", minLength: 1 }).filter((text) => text.isWellFormed()) }),
    fc.record({ remove: names }),
    fc.constant({ rotate: true }),
  );
  const known = new Map<string, string>();
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 8 }), async (acts) => {
      for (const one of acts) {
        if ("value" in one) {
          known.set(one.name, one.value);
          await secrets.set({ ...one, by: "anna" });
        } else if ("remove" in one) {
          const was = known.delete(one.remove);
          await secrets.remove(one.remove).then(
            () => assert.ok(was),
            ({ code }) => assert.deepEqual([was, code], [false, "guard.secret-unknown"]),
          );
        } else {
          const old = keyring.current;
          await keyring.rotate();
          await secrets.rewrapAll();
          assert.equal(await keyring.drop(old), true);
        }
      }
      assert.deepEqual(
        (await secrets.list()).map(({ name }) => name),
        [...known.keys()].sort(),
      );
      for (const [name, value] of known) assert.equal(await secrets.resolve(`secret:${name}`, "webhook"), value);
    }),
    { numRuns: 25 },
  );
  await records.close();
});

test("a list tells who set what and when; the records hold no value", async () => {
  const { records, clock, secrets } = await fresh();
  await secrets.set({ name: "alerts", value: "https://example.org/planted", by: "anna" });
  clock.ms += 5;
  await secrets.set({ name: "alerts", value: "https://example.org/planted-again", by: "ben" });
  assert.deepEqual(await secrets.list(), [{ name: "alerts", setAt: 1_000_005, setBy: "ben" }]);
  assert.ok(!JSON.stringify(await records.query("SELECT * FROM secrets")).includes("planted"));
  await records.close();
});

test("one that was not set is told with what to do; a text that names none stands for itself", async () => {
  const { records, secrets } = await fresh();
  await secrets.set({ name: "alerts", value: "x", by: "anna" });
  const missing = {
    code: "guard.secret-missing",
    at: "webhook",
    got: "alert",
    message: /Did you mean "alerts"/,
    fix: /mill secret set alert,/,
  } as const;
  await assert.rejects(secrets.resolve("secret:alert", "webhook"), missing);
  await assert.rejects(secrets.require([["webhook", "secret:alert"]]), missing);
  await secrets.require([
    ["webhook", "secret:alerts"],
    ["openLineage", "https://example.org"],
  ]);
  for (const text of ["https://example.org", "secret:", "secret:Alerts", "my secret:alerts"])
    assert.equal(await secrets.resolve(text, "webhook"), text);
  await records.close();
});

test("a value that was moved to another name, or altered, is refused", async () => {
  const { records, secrets } = await fresh();
  await secrets.set({ name: "a", value: "of a", by: "anna" });
  await secrets.set({ name: "b", value: "of b", by: "anna" });
  await records.commit([{ sql: "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = 'a') WHERE name = 'b'" }]);
  await assert.rejects(secrets.resolve("secret:b", "webhook"), { code: "envelope.altered" });
  assert.equal(await secrets.resolve("secret:a", "webhook"), "of a");
  await records.close();
});

test("a rotation that is cut short anywhere loses nothing, and the next one goes on", async () => {
  const { workspace, records, keyring, secrets } = await fresh();
  const first = keyring.current;
  await secrets.set({ name: "before", value: "1", by: "anna" });
  await keyring.rotate();
  const dying = createSecrets({ keyring, records: { ...records, commit: () => Promise.reject(new Error("killed")) } });
  await assert.rejects(dying.rewrapAll(), /killed/);

  const reopened = await openKeyring(workspace);
  const restarted = createSecrets({ records, keyring: reopened });
  await restarted.set({ name: "between", value: "2", by: "anna" });
  assert.equal(await restarted.resolve("secret:before", "webhook"), "1");
  assert.equal(await restarted.rewrapAll(), 1);
  assert.equal(await restarted.rewrapAll(), 0);
  await reopened.drop(first);
  assert.deepEqual([await restarted.resolve("secret:before", "x"), await restarted.resolve("secret:between", "x")], ["1", "2"]);
  await records.close();
});

test("what lies under a key that is gone is told by its name, keeps no rotation back, and can be set anew", async () => {
  const { records, keyring, secrets } = await fresh();
  await secrets.set({ name: "lost", value: "1", by: "anna" });
  const other = await fresh();
  const restored = createSecrets({ records, keyring: other.keyring });
  await restored.set({ name: "new", value: "2", by: "anna" });
  const lost = { code: "guard.secret-missing", at: "webhook", expected: new RegExp(keyring.current) } as object;
  await assert.rejects(restored.resolve("secret:lost", "webhook"), lost);
  await assert.rejects(restored.require([["webhook", "secret:lost"]]), lost);
  await other.keyring.rotate();
  assert.equal(await restored.rewrapAll(), 1);
  assert.equal(await secrets.resolve("secret:lost", "webhook"), "1", "and opens where its key is");
  await restored.set({ name: "lost", value: "3", by: "anna" });
  assert.equal(await restored.resolve("secret:lost", "webhook"), "3");
  await Promise.all([records.close(), other.records.close()]);
});

test("what is set while keys rotate is under a key that stays", async () => {
  const { workspace, records, keyring, secrets } = await fresh();
  const old = keyring.current;
  const names = Array.from({ length: 20 }, (_, index) => `s${index}`);
  const setting = names.map((name) => secrets.set({ name, value: name, by: "anna" }));
  await keyring.rotate();
  const more = names.map((name) => secrets.set({ name: `${name}-more`, value: name, by: "anna" }));
  await secrets.rewrapAll();
  await keyring.drop(old);
  await Promise.all([...setting, ...more]);
  const again = createSecrets({ records, keyring: await openKeyring(workspace) });
  for (const { name } of await again.list())
    assert.equal(`${await again.resolve(`secret:${name}`, "x")}`, name.replace("-more", ""));
  assert.equal((await again.list()).length, 40);
  await records.close();
});
