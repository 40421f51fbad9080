import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { createAccounts, createAudit, createLogin } from "../index.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-login-"));
after(() => rm(folder, { recursive: true }));

async function fresh() {
  const records = await openTestRecords(join(await mkdtemp(join(folder, "w-")), "mill.db"));
  const clock = { ms: Date.parse("2026-06-01T00:00:00Z") };
  const now = () => clock.ms;
  const accounts = createAccounts({ records, now });
  const person = { kind: "person", email: null, displayName: "", roles: ["editor"], by: "owner" } as const;
  for (const name of ["anna", "ben"]) await accounts.users.create({ ...person, name });
  const audit = createAudit({ records, now });
  const login = createLogin({ records, audit, accounts, now });
  await login.setPassword("anna", PASSWORD);
  return { records, clock, accounts, audit, login, open: () => createLogin({ records, audit, now }) };
}
const PASSWORD = "correct horse";
const RIGHT = { user: "anna", password: PASSWORD, address: "192.0.2.1" };
const WRONG = { ...RIGHT, password: "correct house" };
const HOUR_MS = 3_600_000;

test("the right password opens a session with what the user may; neither stands in the records", async () => {
  const { records, login } = await fresh();
  const { cookie, csrf } = await login.begin(RIGHT);
  assert.deepEqual([...(await login.find(cookie))!.may], ["read", "predict", "edit"]);
  login.requireCsrf(cookie, csrf);
  for (const sent of [undefined, "", `${csrf}x`, cookie, login.csrfOf(`${cookie.slice(1)}A`)])
    assert.throws(() => login.requireCsrf(cookie, sent), { code: "guard.csrf" });
  const stored = JSON.stringify([await records.query("SELECT * FROM passwords"), await records.query("SELECT * FROM sessions")]);
  for (const secret of [PASSWORD, cookie, csrf]) assert.ok(!stored.includes(secret));
  await records.close();
});

test("a password is the same however its characters were typed, and another for each user's salt", async () => {
  const { records, login } = await fresh();
  await login.setPassword("anna", "zw\u00f6lf Zeichen");
  await login.setPassword("ben", "zw\u00f6lf Zeichen");
  assert.ok((await login.begin({ ...RIGHT, password: "zwo\u0308lf Zeichen" })).cookie);
  const rows = await records.query<{ hash: string }>("SELECT hash FROM passwords");
  assert.equal(new Set(rows.map(({ hash }) => hash)).size, 2);
  await records.close();
});

test("a wrong password, an unknown name, and a user without a password are refused alike", async () => {
  const { records, login } = await fresh();
  for (const user of ["anna", "nobody", "ben", "owner", ""])
    await assert.rejects(login.begin({ ...WRONG, user }), { code: "guard.login-refused", message: /name or the password/ });
  await assert.rejects(login.setPassword("nobody", PASSWORD), { code: "guard.user-unknown" });
  await records.close();
});

for (const user of ["anna", "nobody"]) {
  test(`who guesses the password of ${user} waits twice as long each time, the right one too, and then is let try again`, async () => {
    const { records, login, clock } = await fresh();
    const guess = { ...WRONG, user };
    for (let tries = 0; tries < 5; tries++) await assert.rejects(login.begin(guess), { code: "guard.login-refused" });
    for (const waitS of [1, 2, 4, 8]) {
      await assert.rejects(login.begin({ ...RIGHT, user }), {
        code: "guard.login-throttled",
        message: new RegExp(`in ${waitS} s`),
      });
      clock.ms += waitS * 1000;
      await assert.rejects(login.begin(guess), { code: "guard.login-refused" });
    }
    clock.ms += HOUR_MS;
    if (user === "anna") assert.ok((await login.begin(RIGHT)).cookie);
    await records.close();
  });
}

test("an address that guesses at many names waits; others do not", async () => {
  const { records, login } = await fresh();
  for (let tries = 0; tries < 20; tries++)
    await assert.rejects(login.begin({ ...WRONG, user: `name-${tries}` }), { code: "guard.login-refused" });
  await assert.rejects(login.begin(RIGHT), { code: "guard.login-throttled" });
  assert.ok((await login.begin({ ...RIGHT, address: "192.0.2.2" })).cookie);
  await records.close();
});

test("guesses that come at once are counted each", async () => {
  const { records, login } = await fresh();
  const codes = await Promise.all(
    Array.from({ length: 12 }, () => login.begin(WRONG).catch((error: { code: string }) => error.code)),
  );
  assert.equal(codes.filter((code) => code === "guard.login-refused").length, 5);
  assert.equal(codes.filter((code) => code === "guard.login-throttled").length, 7);
  await records.close();
});

test("more at once than there is room for are sent away, and none of them is held to have guessed", async () => {
  const { records, login } = await fresh();
  const each = (from: number, length: number) => Array.from({ length }, (_, index) => from + index);
  const guess = (index: number) => ({ ...WRONG, user: `name-${index}`, address: `192.0.2.${index}` });
  const sent = await Promise.allSettled([...each(0, 32).map(guess), ...each(0, 8).map(() => RIGHT)].map(login.begin));
  assert.deepEqual(
    sent.slice(32).map((one) => one.status === "rejected" && one.reason.code),
    each(0, 8).map(() => "guard.login-throttled"),
  );
  assert.ok((await login.begin(RIGHT)).cookie);
  await records.close();
});

test("who knows the password of before is not let in while it is set anew", async () => {
  const { records, accounts, audit, login } = await fresh();
  const late = createLogin({
    accounts,
    audit,
    records: {
      ...records,
      async commit(statements) {
        await login.setPassword("anna", "another horse");
        return records.commit(statements);
      },
    },
  });
  await assert.rejects(late.begin(RIGHT), { code: "guard.login-refused" });
  assert.deepEqual(await records.query("SELECT * FROM sessions"), []);
  await records.close();
});

test("a session ends when it is idle, when it is old, when it is ended, and with its user or its password", async () => {
  const { records, login, open, clock, accounts } = await fresh();
  const elsewhere = open();
  const begin = async () => (await login.begin(RIGHT)).cookie;

  const idle = await begin();
  clock.ms += 8 * HOUR_MS;
  assert.equal(await login.find(idle), null, "idle");

  const used = await begin();
  for (let hours = 0; hours < 7 * 24 - 4; hours += 4) {
    clock.ms += 4 * HOUR_MS;
    assert.equal((await login.find(used))?.id, "anna", `used after ${hours} hours`);
  }
  clock.ms += 4 * HOUR_MS;
  assert.equal(await login.find(used), null, "old");

  const [left, other] = [await begin(), await begin()];
  await elsewhere.find(left);
  await login.end(left);
  assert.deepEqual([await login.find(left), (await login.find(other))?.id], [null, "anna"]);
  clock.ms += 5_000;
  assert.equal(await elsewhere.find(left), null);

  await accounts.users.setDisabled("anna", true);
  assert.equal(await login.find(other), null);
  await assert.rejects(login.begin(RIGHT), { code: "guard.user-disabled" });
  await assert.rejects(login.begin(WRONG), { code: "guard.login-refused" });
  await accounts.users.setDisabled("anna", false);
  assert.equal((await login.find(other))?.id, "anna");
  await login.setPassword("anna", "another horse");
  assert.equal(await login.find(other), null, "a new password ends the sessions");
  await assert.rejects(login.begin(RIGHT), { code: "guard.login-refused" });
  await records.close();
});

test("what is no session's cookie opens nothing", async () => {
  const { records, login } = await fresh();
  const { cookie } = await login.begin(RIGHT);
  for (const forged of ["", "x", cookie.slice(1), `${cookie}x`, cookie.toLowerCase(), "' OR 1=1 --", "A".repeat(43)])
    assert.equal(await login.find(forged), null);
  await records.close();
});

test("who knows the password changes it; the session that asks stays, the others end, and others' stay", async () => {
  const { records, login } = await fresh();
  await login.setPassword("ben", PASSWORD);
  const [asking, other, bens] = await Promise.all([RIGHT, RIGHT, { ...RIGHT, user: "ben" }].map(login.begin));
  const { session } = (await login.find(asking!.cookie))!;
  const change = { user: "anna", password: "another horse", session };
  await assert.rejects(login.changePassword({ ...change, current: "correct house" }), { code: "guard.login-refused" });
  assert.ok(await login.find(other!.cookie), "nothing has ended");
  assert.equal(await login.changePassword({ ...change, current: PASSWORD }), 1);
  assert.deepEqual(await Promise.all([asking!, other!, bens!].map(async ({ cookie }) => (await login.find(cookie))?.id)), [
    "anna",
    undefined,
    "ben",
  ]);
  await assert.rejects(login.begin(RIGHT), { code: "guard.login-refused" });
  assert.ok((await login.begin({ ...RIGHT, password: "another horse" })).cookie);
  for (const user of ["nobody", "local", "owner"])
    await assert.rejects(login.changePassword({ user, current: PASSWORD, password: "another horse" }), {
      code: "guard.login-refused",
    });
  await records.close();
});

test("of two that change a password at once one does; guesses at the one of now are slowed down as logins are", async () => {
  const { records, login } = await fresh();
  const change = (password: string, current = PASSWORD) => login.changePassword({ user: "anna", current, password });
  const codes = (await Promise.allSettled([change("first new one"), change("second new one")])).map((one) =>
    one.status === "rejected" ? one.reason.code : "changed",
  );
  assert.deepEqual(codes.sort(), ["changed", "guard.login-refused"]);
  for (let tries = 0; tries < 5; tries++)
    await assert.rejects(change("whatever it is", "a guess of it"), { code: /guard\.login-(refused|throttled)/ });
  await assert.rejects(change("whatever it is", "first new one"), { code: "guard.login-throttled" });
  await assert.rejects(login.begin({ ...RIGHT, password: "first new one" }), { code: "guard.login-throttled" });
  await records.close();
});

test("the audit tells who came in, from where, who was refused and who left, and no name that nobody has", async () => {
  const { records, audit, login } = await fresh();
  const { cookie } = await login.begin(RIGHT);
  await assert.rejects(login.begin(WRONG));
  await assert.rejects(login.begin({ ...WRONG, user: PASSWORD }));
  await login.end(cookie);
  await login.end(cookie);
  const from = { by: "password", address: "192.0.2.1" };
  assert.deepEqual(
    (await audit.list({ limit: 10 }))
      .reverse()
      .map(({ actor, verb, target, outcome, detail }) => [actor, verb, target, outcome, detail]),
    [
      ["anna", "login", "anna", "done", from],
      ["stranger", "login", "anna", "refused guard.login-refused", from],
      ["stranger", "login", null, "refused guard.login-refused", from],
      ["anna", "logout", "anna", "done", {}],
    ],
  );
  assert.ok(!JSON.stringify(await audit.list({ limit: 10 })).includes(PASSWORD));
  await records.close();
});

test("however many are refused, the audit grows by a hundred rows and one a minute, and says how many it left out", async () => {
  const { records, audit, clock, login } = await fresh();
  const guess = () => assert.rejects(login.begin({ ...WRONG, user: "nobody" }));
  const rows = () => audit.list({ limit: 1000 });
  for (let tries = 0; tries < 150; tries++) await guess();
  assert.equal((await rows()).length, 100);
  clock.ms += 60_000;
  for (let tries = 0; tries < 50; tries++) await guess();
  const [newest, ...others] = await rows();
  assert.deepEqual([others.length, newest!.detail], [100, { by: "password", address: "192.0.2.1", refusalsWithoutRow: 50 }]);
  await login.begin({ ...RIGHT, address: "192.0.2.2" });
  assert.deepEqual((await rows())[0]!.detail, { by: "password", address: "192.0.2.2", refusalsWithoutRow: 49 });
  await records.close();
});
