import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { PERMISSIONS, type Permission, ROLES } from "../../contract/index.ts";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { type Accounts, createAccounts, openTokens } from "../index.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-accounts-"));
after(() => rm(folder, { recursive: true }));

async function fresh() {
  const workspace = await mkdtemp(join(folder, "w-"));
  const records = await openTestRecords(join(workspace, "mill.db"));
  const clock = { ms: 1_000_000 };
  const now = () => clock.ms;
  const accounts = createAccounts({ records, now });
  return { workspace, records, clock, now, accounts };
}
const person = (name: string, ...roles: string[]) =>
  ({ name, kind: "person", email: `${name}@example.org`, displayName: name.toUpperCase(), roles, by: "owner" }) as const;
const mayOf = async (accounts: Accounts, name: string) => [...((await accounts.find(name))?.actor.may ?? [])];

test("users are listed with their roles, the owner of the workspace first", async () => {
  const { records, accounts, clock } = await fresh();
  await accounts.users.create(person("zoe"));
  await accounts.users.create({ ...person("ci", "operator", "approver"), kind: "service", email: null });
  await accounts.users.setDisabled("zoe", true);
  const disabledMs = clock.ms;
  clock.ms += 60_000;
  await accounts.users.setDisabled("zoe", true); // it was already
  assert.deepEqual(
    (await accounts.users.list()).map(({ name, kind, roles, createdAt, disabledAt }) => [
      name,
      kind,
      roles,
      createdAt,
      disabledAt,
    ]),
    [
      ["owner", "person", ["admin"], null, null],
      ["ci", "service", ["approver", "operator"], disabledMs, null],
      ["zoe", "person", [], disabledMs, disabledMs],
    ],
  );
  await records.close();
});

test("a user may what its roles allow together, and the same object stands for it until that changes", async () => {
  const { records, accounts, clock } = await fresh();
  await accounts.users.create(person("anna", "viewer", "approver"));
  assert.deepEqual(await mayOf(accounts, "anna"), ["read", "predict", "approve"]);
  const first = await accounts.find("anna");
  assert.equal(accounts.find("anna"), first, "at once");
  clock.ms += 60_000;
  assert.equal(await accounts.find("anna"), first);
  await accounts.roles.put({ name: "labeller", may: ["edit", "read"], about: "Labels", by: "owner" });
  assert.deepEqual(await accounts.users.grant("anna", "labeller", "owner"), ["approver", "labeller", "viewer"]);
  assert.deepEqual(await mayOf(accounts, "anna"), ["read", "predict", "edit", "approve"]);
  await accounts.roles.put({ name: "labeller", may: ["read"], about: "Looks", by: "owner" });
  assert.deepEqual(await mayOf(accounts, "anna"), ["read", "predict", "approve"]);
  await records.close();
});

test("what is changed in one place counts in another within five seconds, and not before it is asked for again", async () => {
  const { records, accounts, clock, now } = await fresh();
  const elsewhere = createAccounts({ records, now });
  await accounts.users.create(person("anna", "operator"));
  assert.ok((await mayOf(elsewhere, "anna")).includes("operate"));
  await accounts.users.revoke("anna", "operator");
  assert.deepEqual(await mayOf(accounts, "anna"), []);
  clock.ms += 4_999;
  assert.ok((await mayOf(elsewhere, "anna")).includes("operate"));
  clock.ms += 1;
  assert.deepEqual(await mayOf(elsewhere, "anna"), []);
  await records.close();
});

test("a look-up that began before a change does not bring back what was", async () => {
  const { records, accounts } = await fresh();
  await accounts.users.create(person("anna", "operator"));
  await Promise.all([accounts.find("anna"), accounts.users.revoke("anna", "operator"), accounts.find("anna")]);
  assert.deepEqual(await mayOf(accounts, "anna"), []);
  await records.close();
});

const { accounts: sample, records: sampleRecords } = await fresh();
after(() => sampleRecords.close());
await sample.users.create(person("anna", "viewer"));
await sample.roles.put({ name: "labeller", may: ["read", "edit"], about: "", by: "owner" });
await sample.users.grant("anna", "labeller", "owner");

const refusals: readonly (readonly [what: string, act: () => Promise<unknown>, code: string, words: RegExp])[] = [
  ["a name that is taken", () => sample.users.create(person("anna")), "guard.user-exists", /taken/],
  ["the owner's name", () => sample.users.create(person("owner")), "guard.user-exists", /taken/],
  ["the name of those who have not said theirs", () => sample.users.create(person("local")), "guard.user-exists", /taken/],
  [
    "a user with a role that there is not",
    () => sample.users.create(person("bob", "operater")),
    "guard.role-unknown",
    /Did you mean "operator"/,
  ],
  ["a role that there is not", () => sample.users.grant("anna", "edtor", "owner"), "guard.role-unknown", /Did you mean "editor"/],
  ["a user that there is not", () => sample.users.grant("ana", "editor", "owner"), "guard.user-unknown", /Did you mean "anna"/],
  ["disabling whom there is not", () => sample.users.setDisabled("ana", true), "guard.user-unknown", /Did you mean "anna"/],
  ["disabling the owner", () => sample.users.setDisabled("owner", true), "guard.owner-stays", /stays its admin/],
  ["taking the owner's role away", () => sample.users.revoke("owner", "admin"), "guard.owner-stays", /stays its admin/],
  ["giving the owner a role", () => sample.users.grant("owner", "viewer", "owner"), "guard.owner-stays", /stays its admin/],
  [
    "changing a role that all workspaces have",
    () => sample.roles.put({ name: "viewer", may: ["admin"], about: "", by: "anna" }),
    "guard.role-fixed",
    /same in every/,
  ],
  ["deleting a role that all workspaces have", () => sample.roles.delete("admin"), "guard.role-fixed", /same in every/],
  ["deleting a role that somebody has", () => sample.roles.delete("labeller"), "guard.role-held", /anna/],
  ["deleting a role that there is not", () => sample.roles.delete("labeler"), "guard.role-unknown", /Did you mean "labeller"/],
];
for (const [what, act, code, words] of refusals) {
  test(`${what} is refused`, async () => {
    await assert.rejects(act(), { code, message: words });
    assert.deepEqual(await mayOf(sample, "anna"), ["read", "predict", "edit"]);
    assert.equal(await sample.find("bob"), null);
  });
}

test("a role that was deleted gives nobody anything when one of its name is made again", async () => {
  const { records, accounts } = await fresh();
  await accounts.users.create(person("anna"));
  const put = (may: readonly Permission[]) => accounts.roles.put({ name: "labeller", may, about: "", by: "owner" });
  await put(["edit"]);
  await Promise.allSettled([accounts.roles.delete("labeller"), accounts.users.grant("anna", "labeller", "owner")]);
  const before = await mayOf(accounts, "anna");
  await put(["admin"]);
  assert.deepEqual(await mayOf(accounts, "anna"), before.length === 0 ? [] : ["admin"]);
  await records.close();
});

test("access keys made when permissions were ranked have the sets that their ranks stood for", async () => {
  const { migrations } = await import("../../ports/records/index.ts");
  const path = join(await mkdtemp(join(folder, "old-")), "mill.db");
  const old = await openTestRecords(path, { migrations: migrations.filter(({ number }) => number <= 3) });
  for (const may of ["read", "predict", "operate", "admin"])
    await old.commit([
      {
        sql: "INSERT INTO access_keys (id, actor, may, secret, about, created_at) VALUES (?, 'owner', ?, '', '', 0)",
        params: [may, may],
      },
    ]);
  await old.close();
  const records = await openTestRecords(path);
  const rows = await records.query<{ id: string; may: string }>("SELECT id, may FROM access_keys");
  assert.deepEqual(Object.fromEntries(rows.map(({ id, may }) => [id, JSON.parse(may)])), {
    read: ["read"],
    predict: ["read", "predict"],
    operate: ["read", "predict", "edit", "operate"],
    admin: PERMISSIONS,
  });
  await records.close();
});

/** What ought to be: roles as sets, users as sets of roles. */
class Model {
  readonly roles = new Map<string, readonly string[]>(Object.entries(ROLES));
  readonly held = new Map<string, Set<string>>([
    ["ann", new Set()],
    ["bob", new Set()],
  ]);
  readonly disabled = new Set<string>();

  may(user: string, scope: readonly string[] | null): readonly string[] | null {
    if (this.disabled.has(user)) return null;
    const all = new Set([...this.held.get(user)!].flatMap((role) => this.roles.get(role)!));
    return PERMISSIONS.filter((permission) => all.has(permission) && (scope === null || scope.includes(permission)));
  }
}

type Step = (model: Model, accounts: Accounts) => Promise<void>;
const user = fc.constantFrom("ann", "bob");
const role = fc.constantFrom("viewer", "editor", "approver", "own", "other");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(user, role).map(
    ([name, given]): Step =>
      async (model, accounts) => {
        if (model.roles.has(given)) model.held.get(name)!.add(given);
        await accounts.users.grant(name, given, "owner").catch(() => undefined);
      },
  ),
  fc.tuple(user, role).map(
    ([name, taken]): Step =>
      async (model, accounts) => {
        model.held.get(name)!.delete(taken);
        await accounts.users.revoke(name, taken).catch(() => undefined);
      },
  ),
  fc.tuple(fc.constantFrom("own", "other"), fc.subarray([...PERMISSIONS])).map(
    ([name, may]): Step =>
      async (model, accounts) => {
        model.roles.set(name, may);
        await accounts.roles.put({ name, may, about: "", by: "owner" });
      },
  ),
  fc.constantFrom("own", "other").map(
    (name): Step =>
      async (model, accounts) => {
        if (![...model.held.values()].some((roles) => roles.has(name))) model.roles.delete(name);
        await accounts.roles.delete(name).catch(() => undefined);
      },
  ),
  fc.tuple(user, fc.boolean()).map(
    ([name, disabled]): Step =>
      async (model, accounts) => {
        model.disabled[disabled ? "add" : "delete"](name);
        await accounts.users.setDisabled(name, disabled);
      },
  ),
);

test("after any changes a token allows what its scope and the roles of its user have in common, at once", async () => {
  const { workspace, records, now } = await fresh();
  const scopes = [null, ["read", "edit"]] as const;
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      await records.commit(["users", "roles", "role_grants", "tokens"].map((table) => ({ sql: `DELETE FROM ${table}` })));
      const accounts = createAccounts({ records, now });
      const tokens = await openTokens({ records, workspace, accounts, now, configured: `run-${run++}` });
      const bearers: { readonly name: string; readonly scope: readonly string[] | null; readonly token: string }[] = [];
      for (const name of ["ann", "bob"]) {
        await accounts.users.create(person(name, "editor"));
        for (const scope of scopes) {
          const { token } = await tokens.create({ name: "t", user: name, may: scope, expiresAt: null });
          bearers.push({ name, scope, token });
        }
        await accounts.users.revoke(name, "editor");
      }
      const model = new Model();
      for (const act of steps) {
        await act(model, accounts);
        for (const { name, scope, token } of bearers) {
          const actor = await tokens.bearer(token).catch(() => null);
          assert.deepEqual(actor && [...actor.may], model.may(name, scope));
        }
      }
    }),
    { numRuns: 30 },
  );
  await records.close();
});
