import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createAccounts, createAudit, createLogin, peopleVerbs } from "../guard/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { startSample } from "./fixtures/sample-platform.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-login-"));
const records = await openTestRecords(join(folder, "mill.db"));
const accounts = createAccounts({ records });
await accounts.users.create({ name: "anna", kind: "person", email: null, displayName: "", roles: ["operator"], by: "owner" });
const login = createLogin({ records, audit: createAudit({ records }), accounts });
const PASSWORD = 'correct <"horse">';
await login.setPassword("anna", PASSWORD);
/** Bound to all addresses, so that who does not say who they are is a stranger. */
const sample = await startSample(peopleVerbs(accounts, login), { host: "0.0.0.0", login });
after(async () => {
  await sample.close();
  await records.close();
  await rm(folder, { recursive: true });
});

const url = `http://127.0.0.1:${sample.port}`;
const ask = (path: string, init: RequestInit = {}) => fetch(new URL(path, url), { redirect: "manual", ...init });
const form = (fields: Record<string, string>, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  body: new URLSearchParams(fields),
  headers,
});
const json = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  body: JSON.stringify(body),
  headers: { "content-type": "application/json", ...headers },
});
const cookieOf = (reply: Response) => reply.headers.get("set-cookie")!.split(";")[0]!;
const codeOf = async (reply: Response) => ((await reply.json()) as { code: string }).code;

test("a browser is led to the form, logs in, sees the page, and logs out", async () => {
  const led = await ask("/", { headers: { accept: "text/html" } });
  assert.deepEqual([led.status, led.headers.get("location")], [303, "/login"]);
  const page = await ask("/login");
  assert.match(await page.text(), /<form method="post" action="\/login">/);
  assert.match(page.headers.get("content-security-policy")!, /default-src 'none'.*form-action 'self'/);

  const entered = await ask("/login", form({ user: "anna", password: PASSWORD }));
  assert.deepEqual([entered.status, entered.headers.get("location")], [303, "/"]);
  assert.match(entered.headers.get("set-cookie")!, /^mill_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  const cookie = cookieOf(entered);
  assert.match(await (await ask("/", { headers: { cookie } })).text(), /<h1>Millwright<\/h1>/);

  const inside = await (await ask("/login", { headers: { cookie } })).text();
  const csrf = /name="csrf" value="([\w-]+)"/.exec(inside)![1]!;
  assert.match(inside, /You are <b>anna<\/b>/);
  assert.equal(await codeOf(await ask("/logout", form({ csrf: "another" }, { cookie }))), "guard.csrf");
  const left = await ask("/logout", form({ csrf }, { cookie }));
  assert.deepEqual([left.status, left.headers.get("location")], [303, "/login"]);
  assert.match(left.headers.get("set-cookie")!, /^mill_session=; .*Max-Age=0$/);
  assert.equal((await ask("/", { headers: { cookie, accept: "text/html" } })).status, 303, "the session has ended");
});

test("a program logs in by JSON; what changes something needs the session's own token beside the cookie", async () => {
  const entered = await ask("/login", json({ user: "anna", password: PASSWORD }));
  const { actor, csrf } = (await entered.json()) as { actor: string; csrf: string };
  const cookie = cookieOf(entered);
  assert.equal(actor, "anna");
  assert.match(await (await ask("/v1/whoami", { headers: { cookie: `other=1; ${cookie}; more=2` } })).text(), /"actor":"anna"/);
  for (const headers of [{ cookie }, { cookie, "x-csrf-token": "another" }, { cookie, "x-csrf-token": "" }]) {
    const refused = await ask("/v1/runs", json({}, headers));
    assert.deepEqual([refused.status, await codeOf(refused)], [403, "guard.csrf"]);
  }
  assert.equal((await ask("/v1/runs", json({}, { cookie, "x-csrf-token": csrf }))).status, 200);
  const foreign = await ask("/v1/runs", json({}, { cookie, "x-csrf-token": csrf, origin: "https://evil.example" }));
  assert.equal(await codeOf(foreign), "request.stranger");
  const beyond = await ask("/v1/users", json({ name: "eve" }, { cookie, "x-csrf-token": csrf }));
  assert.equal(await codeOf(beyond), "guard.not-permitted");
});

test("who logs in again gets another session, and the one before has ended", async () => {
  const before = cookieOf(await ask("/login", json({ user: "anna", password: PASSWORD })));
  const after = cookieOf(await ask("/login", form({ user: "anna", password: PASSWORD }, { cookie: before })));
  const who = async (cookie: string) => (await ask("/v1/whoami", { headers: { cookie } })).status;
  assert.deepEqual([before === after, await who(before), await who(after)], [false, 401, 200]);
});

test("who is logged in changes the password in the form, and is told there what is wrong; the session stays", async () => {
  await accounts.users.create({ name: "ben", kind: "person", email: null, displayName: "", roles: ["viewer"], by: "owner" });
  await login.setPassword("ben", PASSWORD);
  const enter = () => ask("/login", form({ user: "ben", password: PASSWORD }));
  const [cookie, other] = [cookieOf(await enter()), cookieOf(await enter())];
  const csrfIn = async (page: Response) => /name="csrf" value="([\w-]+)"/.exec(await page.text())![1]!;
  const csrf = await csrfIn(await ask("/login", { headers: { cookie } }));
  const change = (fields: Record<string, string>, headers: Record<string, string> = { cookie }) =>
    ask("/login/password", form({ csrf, current: PASSWORD, password: "another <horse>", ...fields }, headers));

  for (const [fields, status, words] of [
    [{ current: "a guess" }, 401, /role="alert">The name or the password is wrong/],
    [{ password: "short" }, 400, /role="alert">A password is a text like ten characters or more/],
    [{ password: "x".repeat(201) }, 400, /at most 200 characters/],
  ] as const) {
    const reply = await change(fields);
    assert.deepEqual([reply.status, reply.headers.get("set-cookie")], [status, null]);
    assert.match(await reply.text(), words);
  }
  assert.equal(await codeOf(await change({ csrf: "another" })), "guard.csrf");
  assert.equal((await change({}, {})).headers.get("location"), "/login");

  const changed = await change({});
  assert.deepEqual([changed.status, /role="status">Your password is changed/.test(await changed.text())], [200, true]);
  const who = async (cookie: string) => (await ask("/v1/whoami", { headers: { cookie } })).status;
  assert.deepEqual([await who(cookie), await who(other)], [200, 401]);
  assert.equal((await enter()).status, 401);
  for (const secret of [PASSWORD, "another <horse>"])
    assert.ok(!sample.logs.join("").includes(JSON.stringify(secret).slice(1, -1)));
});

test("somebody without a password sees no form to change it", async () => {
  await accounts.users.create({ name: "cleo", kind: "person", email: null, displayName: "", roles: ["viewer"], by: "owner" });
  const { cookie } = await login.enter("cleo", "192.0.2.1");
  const page = await (await ask("/login", { headers: { cookie: `mill_session=${cookie}` } })).text();
  assert.deepEqual([/You are <b>cleo/.test(page), page.includes("/login/password")], [true, false]);
});

const refused: readonly (readonly [what: string, init: RequestInit, status: number, code: string])[] = [
  ["a wrong password", json({ user: "anna", password: "wrong" }), 401, "guard.login-refused"],
  ["a name that there is not", json({ user: "nobody", password: PASSWORD }), 401, "guard.login-refused"],
  ["nothing", { method: "POST" }, 401, "guard.login-refused"],
  ["fields that are no texts", json({ user: "anna", password: 7 }), 400, "request.malformed"],
  ["what is not JSON", { ...json({}), body: "{" }, 400, "request.malformed"],
  ["another type", { method: "POST", body: "x", headers: { "content-type": "text/plain" } }, 415, "request.media-type"],
  ["a long body", json({ user: "anna", password: "x".repeat(5000) }), 413, "request.too-large"],
  [
    "another site's form",
    form({ user: "anna", password: PASSWORD }, { origin: "https://evil.example" }),
    403,
    "request.stranger",
  ],
];
for (const [what, init, status, code] of refused) {
  test(`a login with ${what} is refused`, async () => {
    const reply = await ask("/login", init);
    assert.deepEqual([reply.status, await codeOf(reply), reply.headers.get("set-cookie")], [status, code, null]);
  });
}

test("a browser is told in the form why it was not let in; logs have neither passwords nor cookies", async () => {
  const reply = await ask("/login", form({ user: "<b>anna", password: "wrong" }));
  assert.equal(reply.status, 401);
  const text = await reply.text();
  assert.match(text, /role="alert">The name or the password is wrong/);
  assert.ok(!text.includes("<b>anna"));
  const cookie = cookieOf(await ask("/login", json({ user: "anna", password: PASSWORD })));
  await ask("/v1/whoami", { headers: { cookie } });
  for (const secret of [PASSWORD, cookie, "wrong"]) assert.ok(!sample.logs.join("").includes(secret), secret);
});

test("a cookie that is no session's is as none: strangers stay strangers, and can log in", async () => {
  for (const cookie of ["mill_session=", "mill_session=x", `mill_session=${"A".repeat(43)}`, "mill_session", ";;="]) {
    const reply = await ask("/v1/whoami", { headers: { cookie } });
    assert.equal(await codeOf(reply), "guard.token-required", cookie);
    assert.equal((await ask("/login", { headers: { cookie } })).status, 200);
  }
});
