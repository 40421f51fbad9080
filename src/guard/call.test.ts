import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { MillError } from "../base/index.ts";
import { type Handlers, type JsonSchema, PERMISSIONS, ROLES, VERBS, type VerbName } from "../contract/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { type Actor, createAccounts, createAudit, createCall, LOCAL, mayDo, OWNER, openTokens, STRANGER } from "./index.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-call-"));
const records = await openTestRecords(join(folder, "mill.db"));
const audit = createAudit({ records });
after(async () => {
  await records.close();
  await rm(folder, { recursive: true });
});

const names = Object.keys(VERBS) as VerbName[];
const done = async () => ({ done: true });
async function* lines() {
  yield { event: "run-started" };
}
const handlers = Object.fromEntries(names.map((name) => [name, "stream" in VERBS[name] ? lines : done])) as unknown as Handlers;
const call = createCall({ handlers, audit });

const SAMPLES: Record<string, unknown> = {
  name: "late",
  id: "01890000-0000-7000-8000-000000000000",
  of: "model/late",
  what: "run",
  a: "late@1",
  b: "late@2",
  rows: [{}],
  labels: [{ id: "01890000-0000-7000-8000-000000000000", label: true }],
  ...{ repository: "photos", branch: "main", tag: "v1", ref: "main", from: "main", before: "v1", after: "main" },
  ...{ commit: "main", message: "More", on: true, key: "MILL0123456789ABCDEF" },
  ...{
    target: "dataset/flights",
    role: "viewer",
    password: "correct horse",
    may: ["read"],
    why: "Relabelling",
    event: "pre-merge",
    hook: "checks",
    rule: null,
    collection: "01890000-0000-7000-8000-000000000000",
    upload: "01890000-0000-7000-8000-000000000000",
    webhook: "01890000-0000-7000-8000-000000000000",
  },
};
const sampleOf = (field: string, schema: JsonSchema): unknown =>
  field === "version" && schema.type === "string"
    ? "1"
    : (schema.enum?.[0] ?? (field in SAMPLES ? SAMPLES[field] : made(schema)));

/** The least that fits; a text with a pattern is to be found among the samples. */
function made({ anyOf, type, minimum, items, minItems = 0, properties = {}, required = [] }: JsonSchema): unknown {
  if (anyOf) return made(anyOf[0]!);
  if (type === "integer" || type === "number") return minimum ?? 1;
  if (type === "array") return Array.from({ length: minItems }, () => made(items!));
  if (type === "object") return Object.fromEntries(required.map((field) => [field, sampleOf(field, properties[field]!)]));
  return type === "boolean" ? true : "a";
}

const sample = (name: VerbName) =>
  Object.fromEntries(
    (VERBS[name].input.required ?? []).map((field) => [field, sampleOf(field, VERBS[name].input.properties![field]!)]),
  );

const isStream = (answer: unknown): answer is AsyncIterable<unknown> => Symbol.asyncIterator in (answer as object);

async function outcomeOf(actor: Actor, name: VerbName, input: unknown = sample(name)): Promise<string> {
  try {
    const answer: unknown = call(actor, name, input);
    if (isStream(answer)) for await (const line of answer) assert.ok(line);
    else await answer;
    return "done";
  } catch (error) {
    assert.ok(error instanceof MillError, String(error));
    return error.code;
  }
}

/** Everyone who may come: strangers, the owner, and by their tokens a user of each role, one of each single permission, and one without a role. */
const accounts = createAccounts({ records });
const tokens = await openTokens({ records, workspace: folder, accounts });
const allowed: Readonly<Record<string, readonly string[]>> = {
  ...ROLES,
  ...Object.fromEntries(PERMISSIONS.map((permission) => [`only-${permission}`, [permission]])),
};
for (const permission of PERMISSIONS)
  await accounts.roles.put({ name: `only-${permission}`, may: [permission], about: "", by: "owner" });
const userOf = async (name: string, roles: readonly string[]): Promise<Actor> => {
  await accounts.users.create({ name, kind: "person", email: null, displayName: "", roles, by: "owner" });
  const { token } = await tokens.create({ name: "test", user: name, may: null, expiresAt: null });
  return tokens.bearer(token);
};
const users = await Promise.all(Object.keys(allowed).map((role) => userOf(`an-${role}`, [role])));
const cases: readonly (readonly [who: Actor, may: readonly string[]])[] = [
  [STRANGER, []],
  [LOCAL, ["read", "predict"]],
  [OWNER, PERMISSIONS],
  [await userOf("nobody", []), []],
  ...users.map((user) => [user, allowed[user.roles[0]!]!] as const),
];
const OPEN_TO_LOCAL = names.filter((name) => ["read", "predict"].includes(VERBS[name].permission));

for (const [who, may] of cases) {
  test(`${who.id} is let through where a verb needs ${may.join(", ") || "nothing"}, and nowhere else`, async () => {
    const refusal = who.anonymous ? "guard.token-required" : "guard.not-permitted";
    for (const name of names)
      assert.equal(await outcomeOf(who, name), may.includes(VERBS[name].permission) ? "done" : refusal, name);
  });
}

test("a refusal says what is needed, who asks, by what, and whom to ask", async () => {
  const anna = await userOf("anna", ["viewer", "approver"]);
  await assert.rejects(call(anna, "commit", {}), {
    message:
      '"commit" needs the permission "edit"; you are anna with the roles approver, viewer, by the token "test", which allows read, predict, approve.',
    expected: "edit",
    got: "read, predict, approve",
    fix: /someone with admin/,
  });
});

test("without a token a stranger may nothing, and a local only look and predict", () => {
  assert.ok(names.every((name) => !mayDo(STRANGER, VERBS[name].permission)));
  assert.deepEqual(
    names.filter((name) => mayDo(LOCAL, VERBS[name].permission)),
    OPEN_TO_LOCAL,
  );
  for (const closed of ["run", "rollback", "events", "newToken", "listUsers", "listAccessKeys"] as const)
    assert.ok(!OPEN_TO_LOCAL.includes(closed));
});

test("every control verb that changes something is audited, before and after; looking and predicting are not", async () => {
  for (const name of names) {
    const before = (await audit.list({ limit: 1 }))[0]?.seq ?? 0;
    await outcomeOf(OWNER, name);
    const rows = (await audit.list({ limit: 10 })).filter((row) => row.seq > before).reverse();
    const expected = VERBS[name].audited ? ["asked", "done"] : [];
    assert.deepEqual(
      rows.map((row) => row.outcome),
      expected,
      name,
    );
  }
});

test("a failure is audited with its code, and reaches the caller", async () => {
  const fails = createCall({
    audit,
    handlers: {
      ...handlers,
      rollback: async () => {
        throw new MillError("endpoint.no-previous", "none");
      },
    },
  });
  await assert.rejects(fails(OWNER, "rollback", { name: "late" }), { code: "endpoint.no-previous" });
  const [row] = await audit.list({ limit: 1 });
  assert.deepEqual(
    [row!.actor, row!.verb, row!.target, row!.outcome],
    ["owner", "rollback", "late", "failed endpoint.no-previous"],
  );
});

test("a stream that its asker leaves is audited so", async () => {
  for await (const _ of call(OWNER, "run", {})) break;
  const [row] = await audit.list({ limit: 1 });
  assert.equal(row!.outcome, "left");
});

test("a known actor's refusal is audited, an anonymous one's is not", async () => {
  await outcomeOf({ id: "reader", roles: ["viewer"], may: new Set(["read"]) }, "rollback");
  const [refused] = await audit.list({ limit: 1 });
  assert.deepEqual([refused!.actor, refused!.outcome], ["reader", "refused guard.not-permitted"]);
  await outcomeOf(STRANGER, "rollback");
  assert.equal((await audit.list({ limit: 1 }))[0]!.seq, refused!.seq);
});

test("a secret stands in no row of the audit, mistyped or misplaced either", async () => {
  const secret = "correct horse";
  for (const input of [
    { name: "anna", password: secret },
    { name: "anna", passwrod: secret },
    { name: "anna", password: { value: secret } },
    [secret],
    secret,
  ]) {
    await outcomeOf(OWNER, "setPassword", input);
    const rows = await audit.list({ limit: 2 });
    assert.deepEqual([rows[0]!.verb, JSON.stringify(rows).includes(secret)], ["setPassword", false], JSON.stringify(input));
  }
});

test("an input of the wrong form never reaches the handler", async () => {
  const guarded = createCall({ audit, handlers: { ...handlers, predict: async () => assert.fail("was reached") } });
  await assert.rejects(guarded(OWNER, "predict", { name: "late", rows: "x" }), (error: MillError) => {
    assert.deepEqual([error.code, error.at, error.got], ["request.invalid", "/rows", '"x"']);
    return true;
  });
});

test("handlers see defaults, the actor and the request's id", async () => {
  let seen: unknown;
  const looking = createCall({
    audit,
    handlers: {
      ...handlers,
      listRuns: async (input, { actor, requestId }) => {
        seen = { input, actor, requestId };
        return { items: [], next: null };
      },
    },
  });
  await looking(LOCAL, "listRuns", {}, { requestId: "r1" });
  assert.deepEqual(seen, { input: { limit: 100 }, actor: "local", requestId: "r1" });
});
