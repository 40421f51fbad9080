import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { MillError } from "../base/index.ts";
import { type Handlers, PERMISSIONS, VERBS, type VerbName } from "../contract/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { type Actor, createAudit, createCall, LOCAL, mayDo, OWNER, STRANGER } from "./index.ts";

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
  a: "late@1",
  b: "late@2",
  rows: [{}],
  labels: [{ id: "01890000-0000-7000-8000-000000000000", label: true }],
  ...{ repository: "photos", branch: "main", tag: "v1", ref: "main", from: "main", before: "v1", after: "main" },
  ...{ commit: "main", message: "More", on: true, key: "MILL0123456789ABCDEF" },
  ...{ why: "Relabelling", event: "pre-merge", hook: "checks", rule: null, collection: "01890000-0000-7000-8000-000000000000" },
};
const sample = (name: VerbName) =>
  Object.fromEntries(
    (VERBS[name].input.required ?? []).map((field) => [
      field,
      field === "version" ? (VERBS[name].input.properties!.version!.type === "integer" ? 1 : "1") : SAMPLES[field],
    ]),
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

const roles: readonly Actor[] = [STRANGER, LOCAL, ...PERMISSIONS.map((may) => ({ id: `a-${may}`, may })), OWNER];
const OPEN_TO_LOCAL = names.filter((name) => ["read", "predict"].includes(VERBS[name].permission));

for (const role of roles) {
  test(`${role.id} is let through exactly where its permission reaches`, async () => {
    for (const name of names) {
      const expected = mayDo(role, VERBS[name].permission)
        ? "done"
        : role.anonymous
          ? "guard.token-required"
          : "guard.not-permitted";
      assert.equal(await outcomeOf(role, name), expected, name);
    }
  });
}

test("without a token a stranger may nothing, and a local only look and predict", () => {
  assert.ok(names.every((name) => !mayDo(STRANGER, VERBS[name].permission)));
  assert.deepEqual(
    names.filter((name) => mayDo(LOCAL, VERBS[name].permission)),
    OPEN_TO_LOCAL,
  );
  for (const closed of ["run", "rollback", "events", "newToken"] as const) assert.ok(!OPEN_TO_LOCAL.includes(closed));
});

test("every control verb that changes something is audited, before and after; looking and predicting are not", async () => {
  for (const name of names) {
    const before = (await audit.list({ limit: 1 }))[0]?.seq ?? 0;
    await outcomeOf(OWNER, name);
    const rows = (await audit.list({ limit: 10 })).filter((row) => row.seq > before).reverse();
    const expected = VERBS[name].plane === "control" && VERBS[name].permission !== "read" ? ["asked", "done"] : [];
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
  await outcomeOf({ id: "reader", may: "read" }, "rollback");
  const [refused] = await audit.list({ limit: 1 });
  assert.deepEqual([refused!.actor, refused!.outcome], ["reader", "refused guard.not-permitted"]);
  await outcomeOf(STRANGER, "rollback");
  assert.equal((await audit.list({ limit: 1 }))[0]!.seq, refused!.seq);
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
