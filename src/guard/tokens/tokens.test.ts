import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { createAccounts, openTokens } from "../index.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-tokens-"));
after(() => rm(folder, { recursive: true }));

async function fresh() {
  const workspace = await mkdtemp(join(folder, "w-"));
  const path = join(workspace, "mill.db");
  const records = await openTestRecords(path);
  const clock = { ms: Date.parse("2026-06-01T00:00:00Z") };
  const now = () => clock.ms;
  const accounts = createAccounts({ records, now });
  const tokens = await openTokens({ records, workspace, accounts, now });
  const service = { kind: "service", email: null, displayName: "", roles: ["operator"], by: "owner" } as const;
  for (const name of ["ci", "deploy"]) await accounts.users.create({ ...service, name });
  const open = () => openTokens({ records, workspace, now });
  return { workspace, path, records, clock, accounts, tokens, open };
}
const ALL = { name: "nightly", user: "ci", may: null, expiresAt: null } as const;

test("a token is told once, lets its user in with what the user may, and lies nowhere in the open", async () => {
  const { records, tokens, clock } = await fresh();
  const { id, token } = await tokens.create(ALL);
  assert.match(token, /^mill_[A-Za-z0-9_-]{43}$/);
  assert.deepEqual(await tokens.bearer(token), {
    id: "ci",
    roles: ["operator"],
    token: "nightly",
    may: new Set(["read", "predict", "edit", "operate"]),
  });
  assert.ok(!JSON.stringify(await records.query("SELECT * FROM tokens")).includes(token.slice(5)));
  assert.deepEqual(await tokens.list(), [{ id, ...ALL, createdAt: clock.ms, revokedAt: null, usedAt: clock.ms }]);
  await records.close();
});

test("the admin token and the tokens of users do not know of each other", async () => {
  const { records, tokens, open } = await fresh();
  const { token } = await tokens.create(ALL);
  const renewed = await tokens.renew();
  assert.equal((await tokens.bearer(token)).id, "ci", "a new admin token ends no other");
  const again = await open();
  assert.equal(again.current(), renewed);
  assert.equal((await again.bearer(token)).id, "ci");
  assert.equal((await tokens.list()).length, 1);
  await records.close();
});

test("what is no token of the workspace, whole and unaltered, lets nobody in", async () => {
  const { records, tokens } = await fresh();
  const other = await fresh();
  const { token } = await tokens.create(ALL);
  const { token: foreign } = await other.tokens.create(ALL);
  const altered = [...token].map((_, at) => `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`);
  const wrong = [
    ...altered,
    ...[token.slice(0, -1), token.slice(0, 20), "mill_", "", " ", `${token} `, `${token}A`, token.toUpperCase(), token.slice(5)],
    ...[foreign, other.tokens.current(), `mill_step_${token.slice(5)}`, "mill_"],
    ...["' OR 1=1 --", "null", "mill_\u0000", "é".repeat(43), `mill_${"A".repeat(1_000_000)}`],
  ];
  for (const text of wrong) await assert.rejects(tokens.bearer(text), { code: "guard.token-wrong" }, text.slice(0, 80));
  assert.equal((await tokens.bearer(token)).id, "ci");
  await Promise.all([records.close(), other.records.close()]);
});

test("a token works until it expires, and is told when it did", async () => {
  const { records, tokens, clock } = await fresh();
  const { token } = await tokens.create({ ...ALL, expiresAt: clock.ms + 3_000 });
  clock.ms += 2_999;
  assert.equal((await tokens.bearer(token)).id, "ci");
  clock.ms += 1;
  await assert.rejects(tokens.bearer(token), {
    code: "guard.token-expired",
    message: /"nightly" expired at 2026-06-01T00:00:03/,
  });
  await records.close();
});

test("a revoked token ends at once here and within five seconds elsewhere, and can be revoked once", async () => {
  const { records, tokens, open, clock } = await fresh();
  const elsewhere = await open();
  const { id, token } = await tokens.create(ALL);
  const { token: kept } = await tokens.create(ALL);
  for (const store of [tokens, elsewhere]) await store.bearer(token);
  assert.equal(await tokens.revoke(id), true);
  assert.equal(await tokens.revoke(id), false);
  assert.equal(await tokens.revoke("01890000-0000-7000-8000-000000000000"), false);
  await assert.rejects(tokens.bearer(token), { code: "guard.token-revoked" });
  clock.ms += 5_000;
  await assert.rejects(elsewhere.bearer(token), { code: "guard.token-revoked" });
  assert.equal((await elsewhere.bearer(kept)).id, "ci");
  await records.close();
});

test("a disabled user is let in by none of its tokens, and by all of them when it is enabled again", async () => {
  const { records, accounts, tokens, open, clock } = await fresh();
  const elsewhere = await open();
  const { token } = await tokens.create(ALL);
  await elsewhere.bearer(token);
  await accounts.users.setDisabled("ci", true);
  await assert.rejects(tokens.bearer(token), { code: "guard.user-disabled" });
  clock.ms += 5_000;
  await assert.rejects(elsewhere.bearer(token), { code: "guard.user-disabled" });
  await assert.rejects(tokens.create(ALL), { code: "guard.user-disabled" });
  await accounts.users.setDisabled("ci", false);
  assert.equal((await tokens.bearer(token)).id, "ci");
  await records.close();
});

test("a token loses what its user's role loses, and never gains what it was not made for", async () => {
  const { records, accounts, tokens } = await fresh();
  const { token: narrow } = await tokens.create({ ...ALL, may: ["read", "operate"] });
  const { token: whole } = await tokens.create(ALL);
  const mayOf = async (token: string) => [...(await tokens.bearer(token)).may];
  assert.deepEqual(await mayOf(narrow), ["read", "operate"]);
  await accounts.users.revoke("ci", "operator");
  await accounts.roles.put({ name: "runner", may: ["operate", "predict"], about: "", by: "owner" });
  await accounts.users.grant("ci", "runner", "owner");
  assert.deepEqual([await mayOf(narrow), await mayOf(whole)], [["operate"], ["predict", "operate"]]);
  await accounts.roles.put({ name: "runner", may: ["predict"], about: "", by: "owner" });
  assert.deepEqual([await mayOf(narrow), await mayOf(whole)], [[], ["predict"]]);
  await accounts.users.grant("ci", "admin", "owner");
  assert.deepEqual(await mayOf(narrow), ["read", "operate"]);
  await records.close();
});

test("a token that asks for more than its user may, or for a user that there is not, is not made", async () => {
  const { records, tokens } = await fresh();
  await assert.rejects(tokens.create({ ...ALL, may: ["read", "admin", "approve"] }), {
    code: "guard.token-beyond",
    message: /ci may not admin, approve/,
  });
  await assert.rejects(tokens.create({ ...ALL, user: "nobody" }), { code: "guard.user-unknown" });
  assert.deepEqual(await tokens.list(), []);
  await records.close();
});

test("the last use is noted now and then, not at each", async () => {
  const { records, tokens, clock } = await fresh();
  const { token } = await tokens.create(ALL);
  const usedAt = async () => (await tokens.list())[0]!.usedAt;
  assert.equal(await usedAt(), null);
  const first = clock.ms;
  await tokens.bearer(token);
  clock.ms += 9 * 60_000;
  await tokens.bearer(token);
  assert.equal(await usedAt(), first);
  clock.ms += 60_000;
  await tokens.bearer(token);
  assert.equal(await usedAt(), clock.ms);
  await records.close();
});

test("what one process takes away another one on the same records keeps out five seconds later", async () => {
  const { workspace, path, records, accounts, tokens } = await fresh();
  const main = join(import.meta.dirname, "fixtures", "token-bearer.ts");
  const other = spawn(process.execPath, [main, path, workspace], { stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(other, "close");
  const lines = createInterface({ input: other.stdout })[Symbol.asyncIterator]();
  const ask = async (aheadMs: number, token: string): Promise<string> => {
    other.stdin.write(`${aheadMs} ${token}\n`);
    return (await lines.next()).value as string;
  };
  try {
    assert.equal((await lines.next()).value, "ready");
    const made = await Promise.all(["a", "b", "c"].map((name) => tokens.create({ ...ALL, name })));
    const [first, second, third] = made.map(({ token }) => token) as [string, string, string];
    for (const token of [first, second, third]) assert.equal(await ask(0, token), "ci read,predict,edit,operate");
    await tokens.revoke(made[0]!.id);
    assert.equal(await ask(6_000, first), "guard.token-revoked");
    assert.equal(await ask(6_000, second), "ci read,predict,edit,operate");
    await accounts.users.revoke("ci", "operator");
    await accounts.users.grant("ci", "viewer", "owner");
    assert.equal(await ask(12_000, second), "ci read,predict");
    await accounts.users.setDisabled("ci", true);
    assert.equal(await ask(18_000, third), "guard.user-disabled");
    assert.equal(await ask(18_000, `${third.slice(0, -1)}_`), third.endsWith("_") ? "guard.user-disabled" : "guard.token-wrong");
  } finally {
    other.stdin.end();
    await closed;
    await records.close();
  }
});
