import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import {
  createAccounts,
  createAudit,
  createLogin,
  createOidcLogin,
  createSecrets,
  type OidcLoginOptions,
  openKeyring,
} from "../guard/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { type Browser, openBrowser } from "./fixtures/browse.ts";
import { startSample } from "./fixtures/sample-platform.ts";
import { type Forge, type Person, startProvider } from "./fixtures/start-provider.ts";

const people: Record<string, Person> = {
  anna: { email: "Anna@example.org", email_verified: true, name: "Anna A." },
  unverified: { email: "anna@example.org", email_verified: false },
  nobody: { email: "nobody@example.org", email_verified: true, groups: ["others"] },
  lee: { email: "lee.w@example.org", email_verified: true, name: "Lee W.", groups: ["data team", "others"] },
  shop: { email: "shop@example.org", email_verified: true },
  twice: { email: "twice@example.org", email_verified: true },
  left: { email: "left@example.org", email_verified: true, groups: ["data team"] },
  without: { groups: ["leads"] },
};

const folder = mkdtempSync(join(tmpdir(), "mill-oidc-"));
const provider = await startProvider(people);
const secretFile = join(folder, "secret");
writeFileSync(secretFile, `${provider.secret}\n`, { mode: 0o600 });
const records = await openTestRecords(join(folder, "mill.db"));
const accounts = createAccounts({ records });
const audit = createAudit({ records });
const login = createLogin({ records, audit, accounts });
const secrets = createSecrets({ records, keyring: await openKeyring(folder) });
const clock = { aheadMs: 0 };
const options: OidcLoginOptions = {
  issuer: provider.issuer,
  client: provider.client,
  secretFile,
  secrets,
  records,
  scope: "openid email profile groups",
  groupsClaim: "groups",
  roles: [
    ["data team", "editor"],
    ["leads", "admin"],
  ],
  accounts,
  audit,
  login,
  now: () => Date.now() + clock.aheadMs,
};
const newUser = (name: string, email: string, more: object = {}) =>
  accounts.users.create({ name, kind: "person", email, displayName: "", roles: ["operator"], by: "owner", ...more });
await newUser("anna", "anna@example.org");
await newUser("shop", "shop@example.org", { kind: "service" });
await newUser("twice", "twice@example.org");
await newUser("twin", "TWICE@example.org");
await newUser("left", "left@example.org");
await accounts.users.setDisabled("left", true);

const sample = await startSample(
  {},
  { host: "0.0.0.0", login, oidc: createOidcLogin(options), limits: { strangers: 0, actors: 0 } },
);
const url = `http://127.0.0.1:${sample.port}`;
const CALLBACK = `${url}/login/oidc/callback`;
provider.allow(CALLBACK);
after(async () => {
  await sample.close();
  await provider.close();
  await records.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  clock.aheadMs = 0;
  provider.forge(null);
});

/** As far as the provider's answer, which the browser has not followed yet. */
async function answered(browser: Browser, who: string, begin = `${url}/login/oidc`): Promise<string> {
  const form = await browser.go(begin);
  const consent = await browser.submit(form, { login: who, password: "any" }, CALLBACK);
  return consent.reply === null ? consent.url : (await browser.submit(consent, {}, CALLBACK)).url;
}
const sessionOf = (browser: Browser) => browser.cookies.get(`127.0.0.1:${sample.port} / mill_session`);
const whoIs = async (browser: Browser) =>
  JSON.parse((await browser.go(`${url}/v1/whoami`)).text) as { actor?: string; may?: string[]; code?: string };
const namesNow = async () => (await accounts.users.list()).map(({ name }) => name);

/** The page that says why nobody was let in; there is no session then, and no cookie of the flow. */
async function refusedAt(browser: Browser, at: string, status: number, why: RegExp): Promise<void> {
  const page = await browser.go(at);
  assert.deepEqual([page.reply!.status, sessionOf(browser)], [status, undefined]);
  assert.match(page.text, why);
  assert.match(page.text, /role="alert"/);
  assert.equal(
    [...browser.cookies.keys()].find((key) => key.endsWith("mill_oidc")),
    undefined,
  );
}

test("who has an address that the provider verified logs in as the user who has it, with that user's roles, and out again", async () => {
  const browser = openBrowser();
  assert.match(
    (await browser.go(`${url}/login`)).text,
    new RegExp(`<a href="/login/oidc">log in with ${new URL(provider.issuer).host}</a>`),
  );
  const at = await answered(browser, "anna");
  const entered = await browser.go(at);
  assert.match(entered.text, /http-equiv="refresh" content="0; url=\/"/);
  assert.match(entered.reply!.headers.getSetCookie()[0]!, /^mill_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  const { actor, may } = await whoIs(browser);
  assert.deepEqual([actor, may], ["anna", ["read", "predict", "edit", "operate"]]);
  const page = await browser.go(`${url}/login`);
  await browser.submit(page, {});
  assert.equal((await whoIs(browser)).code, "guard.token-required");
  const logs = sample.logs.join("");
  for (const secret of [provider.secret, new URL(at).searchParams.get("code")!, "mill_oidc", "id_token"])
    assert.ok(!logs.includes(secret), secret);
});

test("a member of a group with a role gets a user at the first login, and the roles of the groups of that day at each", async () => {
  const browser = openBrowser();
  await browser.go(await answered(browser, "lee"));
  assert.deepEqual((await whoIs(browser)).may, ["read", "predict", "edit"]);
  const made = (await accounts.users.list()).find(({ name }) => name === "lee-w")!;
  assert.deepEqual([made.email, made.displayName, made.roles], ["lee.w@example.org", "Lee W.", ["editor"]]);
  const [row] = await audit.list({ limit: 1, verb: "oidcLogin" });
  assert.deepEqual([row!.verb, row!.actor, (row!.detail as { given: string[] }).given], ["oidcLogin", "lee-w", ["editor"]]);

  await accounts.users.grant("lee-w", "approver", "owner");
  people.lee = { ...people.lee!, groups: ["leads"] };
  const again = openBrowser();
  await again.go(await answered(again, "lee"));
  const rolesOf = async () => (await accounts.users.list()).find(({ name }) => name === "lee-w")!.roles;
  assert.deepEqual(await rolesOf(), ["admin", "approver"], "what somebody gave stays");

  await accounts.users.revoke("lee-w", "approver");
  people.lee = { ...people.lee!, groups: [] };
  const last = openBrowser();
  await refusedAt(last, await answered(last, "lee"), 403, /has no role/);
  assert.deepEqual(await rolesOf(), []);
  const logins = (await audit.list({ limit: 3, verb: "login" })).map(({ actor, outcome, detail }) => [actor, outcome, detail]);
  const from = { by: "oidc", address: "127.0.0.1" };
  assert.deepEqual(logins, [
    ["stranger", "refused guard.oidc-not-admitted", from],
    ["lee-w", "done", from],
    ["lee-w", "done", from],
  ]);
  assert.equal((await whoIs(browser)).code, "guard.not-permitted", "sessions that are open have lost them too");
});

for (const [who, status, why] of [
  ["nobody", 403, /address of no user, and no group gives a role/],
  ["unverified", 403, /no address that it has verified/],
  ["without", 403, /no address that it has verified/],
  ["twice", 403, /address of two users, twice and twin/],
  ["shop", 403, /service account/],
  ["left", 403, /disabled/],
] as const)
  test(`nobody is let in as "${who}", and no user is made`, async () => {
    const before = await namesNow();
    const browser = openBrowser();
    await refusedAt(browser, await answered(browser, who), status, why);
    assert.deepEqual(await namesNow(), before);
  });

test("an answer counts once, in the browser that asked, with the state that it asked with, within ten minutes", async () => {
  const browser = openBrowser();
  const at = await answered(browser, "anna");
  const other = openBrowser();
  await refusedAt(other, at, 401, /no login was begun by this browser/);
  await other.go(`${url}/login/oidc`, provider.issuer);
  await refusedAt(other, at, 401, /state/);
  assert.match((await browser.go(at)).text, /To the page/, "the one who asked is let in still");

  const replaying = openBrowser();
  for (const [key, value] of browser.cookies)
    if (!key.endsWith("mill_session")) (replaying.cookies as Map<string, string>).set(key, value);
  await refusedAt(replaying, at, 401, /answered already/);

  const wrongState = openBrowser();
  const altered = new URL(await answered(wrongState, "anna"));
  altered.searchParams.set("state", "another");
  await refusedAt(wrongState, altered.href, 401, /state/);
  await refusedAt(wrongState, altered.href, 401, /answered already/);

  const late = openBrowser();
  const tooLate = await answered(late, "anna");
  clock.aheadMs = 11 * 60_000;
  await refusedAt(late, tooLate, 401, /last ten minutes/);
});

test("of several servers on the same records any takes the answer, and one alone does", async () => {
  const elsewhere = await openTestRecords(join(folder, "mill.db"));
  const other = { ...options, records: elsewhere, accounts: createAccounts({ records: elsewhere }) };
  const servers = [createOidcLogin(options), createOidcLogin(other)] as const;
  for (const [begins, ends] of [servers, [...servers].reverse()] as const) {
    const { to, cookie } = await begins!.begin(CALLBACK);
    const answer = { url: await answered(openBrowser(), "anna", to), cookie, address: "192.0.2.1" };
    assert.equal((await ends!.finish(answer)).user, "anna");
    for (const server of servers) await assert.rejects(server.finish(answer), { code: "guard.oidc-answer", message: /already/ });
  }
  const { to, cookie } = await servers[0].begin(CALLBACK);
  const answer = { url: await answered(openBrowser(), "anna", to), cookie, address: "192.0.2.1" };
  const outcomes = await Promise.allSettled([...servers, ...servers].map((server) => server.finish(answer)));
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  const { to: unanswered, cookie: kept } = await servers[0].begin(CALLBACK);
  const rows = JSON.stringify(await records.query("SELECT * FROM oidc_logins"));
  const sent = new URL(unanswered).searchParams;
  for (const secret of [kept, sent.get("state")!, sent.get("nonce")!])
    assert.ok(!rows.includes(secret), "the records alone answer nothing");

  people.mia = { email: "mia@example.org", email_verified: true, groups: ["data team"] };
  const answers: Parameters<(typeof servers)[0]["finish"]>[0][] = [];
  for (const server of servers) {
    const { to, cookie } = await server.begin(CALLBACK);
    answers.push({ url: await answered(openBrowser(), "mia", to), cookie, address: "192.0.2.1" });
  }
  const first = await Promise.all(servers.map((server, index) => server.finish(answers[index]!)));
  assert.deepEqual(
    first.map(({ user }) => user),
    ["mia", "mia"],
    "a first login at two servers at once makes one user",
  );
  await elsewhere.close();
});

test("that an address was verified counts for that address alone: one in the ID token is not vouched for by the other at the provider", async () => {
  await newUser("boss", "boss@example.org");
  const withEmail = (email: string) => provider.forge((claims) => ({ claims: { ...claims, email, email_verified: undefined } }));
  withEmail("boss@example.org");
  const browser = openBrowser();
  await refusedAt(browser, await answered(browser, "anna"), 403, /no address that it has verified/);
  withEmail("Anna@example.org");
  const again = openBrowser();
  await again.go(await answered(again, "anna"));
  assert.equal((await whoIs(again)).actor, "anna", "the provider says that of this very address");
});

test("a code that was used, or is none, and what the provider refuses are told", async () => {
  const first = openBrowser();
  const used = new URL(await answered(first, "anna"));
  await first.go(used.href);
  const second = openBrowser();
  const fresh = new URL(await answered(second, "anna"));
  fresh.searchParams.set("code", used.searchParams.get("code")!);
  await refusedAt(second, fresh.href, 401, /invalid_grant/);

  const third = openBrowser();
  const begun = new URL((await third.go(`${url}/login/oidc`, provider.issuer)).url);
  const answer = new URLSearchParams({
    error: "access_denied",
    error_description: "<b>no",
    state: begun.searchParams.get("state")!,
  });
  answer.set("iss", provider.issuer);
  await refusedAt(third, `${CALLBACK}?${answer}`, 401, /access_denied/);

  for (const query of ["", "?code=x", "?state=x&code=", "?code=x&state=y&iss=https://evil.example"]) {
    const browser = openBrowser();
    await browser.go(`${url}/login/oidc`, provider.issuer);
    await refusedAt(browser, `${CALLBACK}${query}`, 401, /does not let you in/);
  }
});

const strange = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const forgeries: readonly (readonly [what: string, forge: Forge])[] = [
  ["another nonce", (claims) => ({ claims: { ...claims, nonce: "another" } })],
  ["no nonce", ({ nonce: _, ...claims }) => ({ claims })],
  ["another audience", (claims) => ({ claims: { ...claims, aud: "another" } })],
  ["several audiences", (claims) => ({ claims: { ...claims, aud: ["another", "millwright"], azp: "another" } })],
  ["another issuer", (claims) => ({ claims: { ...claims, iss: "https://evil.example" } })],
  ["an end that has passed", (claims) => ({ claims: { ...claims, exp: Math.floor(Date.now() / 1000) - 3600 } })],
  ["no end", ({ exp: _, ...claims }) => ({ claims })],
  ["a strange signature", (claims) => ({ claims, by: strange })],
];
for (const [what, forge] of forgeries)
  test(`an ID token with ${what} lets nobody in`, async () => {
    provider.forge(forge);
    const browser = openBrowser();
    await refusedAt(browser, await answered(browser, "anna"), 401, /does not let you in/);
  });

test("an ID token that was signed again as it was lets in: what was refused was what the forgeries changed", async () => {
  provider.forge((claims) => ({ claims }));
  const browser = openBrowser();
  await browser.go(await answered(browser, "anna"));
  assert.equal((await whoIs(browser)).actor, "anna");
});

test("while the provider is away that is told, and passwords work; when it is back, so does the login", async () => {
  const begun = openBrowser();
  const at = await answered(begun, "anna");
  await provider.away();
  try {
    await refusedAt(begun, at, 503, /does not answer as it should/);
    const fresh = await startSample({}, { oidc: createOidcLogin(options), login });
    const page = await fetch(`${fresh.url}/login/oidc`, { redirect: "manual" });
    assert.deepEqual([page.status, /does not answer as it should/.test(await page.text())], [503, true]);
    assert.equal((await fetch(`${fresh.url}/login`)).status, 200);
    await provider.back();
    assert.equal((await fetch(`${fresh.url}/login/oidc`, { redirect: "manual" })).status, 303);
    await fresh.close();
  } finally {
    await provider.away().catch(() => undefined);
    await provider.back();
  }
});

test("the client's secret is taken by its name too, as it is at that moment; one that is not there is named", async () => {
  const named = createOidcLogin({ ...options, secretFile: "secret:oidc-client" });
  await assert.rejects(named.begin(CALLBACK), {
    code: "guard.secret-missing",
    at: "oidcSecretFile",
    fix: /mill secret set oidc-client/,
  });
  await secrets.set({ name: "oidc-client", value: provider.secret, by: "owner" });
  const { to, cookie } = await named.begin(CALLBACK);
  assert.equal(
    (await named.finish({ url: await answered(openBrowser(), "anna", to), cookie, address: "192.0.2.1" })).user,
    "anna",
  );
});

test("a provider in the clear elsewhere, one whose address is none, and a secret that cannot be read are refused", async () => {
  for (const issuer of ["http://login.example.org", "login.example.org", "ftp://127.0.0.1", ""])
    assert.throws(() => createOidcLogin({ ...options, issuer }), { code: "config.value", at: "oidcIssuer" });
  const missing = createOidcLogin({ ...options, secretFile: join(folder, "none") });
  await assert.rejects(missing.begin(CALLBACK), { code: "config.value", at: "oidcSecretFile" });
  writeFileSync(join(folder, "wrong"), "another secret");
  const wrong = createOidcLogin({ ...options, secretFile: join(folder, "wrong") });
  const browser = openBrowser();
  const { to, cookie } = await wrong.begin(CALLBACK);
  await assert.rejects(wrong.finish({ url: await answered(browser, "anna", to), cookie, address: "192.0.2.1" }), {
    code: "guard.oidc-answer",
    message: /WWW-Authenticate/,
  });
});
