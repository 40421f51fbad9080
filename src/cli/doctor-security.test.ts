import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Config, readConfig } from "../contract/index.ts";
import { newCertificate } from "../guard/fixtures/new-certificate.ts";
import { createAccessKeys, createAccounts, createSecrets, openKeyring, openTokens } from "../guard/index.ts";
import { openSqlite } from "../ports/records/index.ts";
import { examineSecurity } from "./doctor-security.ts";
import type { Finding } from "./findings.ts";

const root = mkdtempSync(join(tmpdir(), "mill-doctor-"));
after(() => rmSync(root, { recursive: true, force: true }));
const YEAR_MS = 365 * 86_400_000;

const configOf = (env: Record<string, string> = {}): Config => {
  const workspace = mkdtempSync(join(root, "workspace-"));
  chmodSync(workspace, 0o700);
  return readConfig({ flags: { workspace }, env, file: {}, machine: { cores: 2, memoryMb: 4000, cwd: root } });
};
const look = (config: Config, ahead = 0) => examineSecurity(config, { ageMsMax: YEAR_MS, now: () => Date.now() + ahead });
const told = async (config: Config, about: string, ahead = 0): Promise<Finding> =>
  (await look(config, ahead)).find(({ what }) => what === about)!;
const stateOf = async (env: Record<string, string>, about: string) => (await told(configOf(env), about)).state;

/** As a first start leaves it. */
async function started(config: Config) {
  const records = await openSqlite(join(config.workspace, "mill.db"));
  const keyring = await openKeyring(config.workspace);
  const accounts = createAccounts({ records });
  const tokens = await openTokens({ records, workspace: config.workspace, accounts });
  return {
    records,
    accounts,
    tokens,
    secrets: createSecrets({ records, keyring }),
    keys: createAccessKeys({ records, keyring, accounts }),
  };
}

test("a fresh workspace passes, before its first start and after it; each thing that is not well has what mends it", async () => {
  const config = configOf();
  const passes = (findings: Finding[]) => findings.filter(({ state, what }) => state !== "ok" && what !== "bubblewrap");
  assert.deepEqual(passes(await look(config)), []);
  const { records } = await started(config);
  assert.deepEqual(passes(await look(config)), []);
  assert.equal((await told(config, "admins")).found, "owner");
  for (const { state, fix } of await look(config, 2 * YEAR_MS)) assert.equal(fix === "", state === "ok");
  await records.close();
});

test("files of secrets that others may read are a fault, wherever they lie", async () => {
  const config = configOf();
  const { records } = await started(config);
  const secret = join(root, "oidc-secret");
  writeFileSync(secret, "secret");
  chmodSync(secret, 0o640);
  const open = await told({ ...config, oidcSecretFile: secret }, "files");
  assert.deepEqual([open.state, open.fix], ["fault", `chmod go-rwx ${secret}`]);
  chmodSync(join(config.workspace, "token"), 0o644);
  assert.equal((await told(config, "files")).fix, `chmod go-rwx ${join(config.workspace, "token")}`);
  chmodSync(join(config.workspace, "token"), 0o600);
  mkdirSync(join(config.workspace, "access"), { mode: 0o755 });
  assert.equal((await told(config, "files")).state, "ok", "nobody else comes so far");
  chmodSync(config.workspace, 0o750);
  assert.match((await told(config, "files")).found, /access/);
  await records.close();
});

test("off this machine without a certificate is a fault; one that ends soon, has ended, or does not fit is told", async () => {
  assert.equal(await stateOf({ MILL_HOST: "0.0.0.0" }, "address"), "fault");
  const files = newCertificate(mkdtempSync(join(root, "tls-")), "mill.example.org", 100);
  const config = configOf({ MILL_HOST: "0.0.0.0", MILL_TLS_CERT: files.cert, MILL_TLS_KEY: files.key });
  assert.equal((await told(config, "address")).state, "ok");
  const states = [];
  for (const days of [0, 90, 110]) states.push((await told(config, "certificate", days * 86_400_000)).state);
  assert.deepEqual(states, ["ok", "warning", "fault"]);
  assert.match((await told(config, "certificate")).found, /^mill\.example\.org, localhost, 127\.0\.0\.1, until 20/);
  assert.equal((await told({ ...config, tlsKey: files.cert }, "certificate")).state, "fault");
  assert.equal((await told({ ...config, tlsKey: null }, "certificate")).state, "fault");
  assert.match((await told(config, "files")).state, /ok/);
  chmodSync(files.key, 0o644);
  assert.equal((await told(config, "files")).fix, `chmod go-rwx ${files.key}`);
});

test("addresses to which tokens, rows or events go in the clear or unsigned are told, and no secret of theirs is shown", async () => {
  const hook = { MILL_WEBHOOK: "https://hooks.example.org/secret-path", MILL_WEBHOOK_SECRET: "whsec_c2VjcmV0" };
  assert.equal(await stateOf(hook, "webhook"), "ok");
  assert.equal(await stateOf({ ...hook, MILL_WEBHOOK_SECRET: "" }, "webhook"), "warning");
  assert.equal(await stateOf({ ...hook, MILL_WEBHOOK: "http://hooks.example.org" }, "webhook"), "warning");
  assert.equal(await stateOf({ ...hook, MILL_WEBHOOK_PRIVATE: "yes" }, "webhook"), "warning");
  assert.equal(await stateOf({ MILL_OPENLINEAGE: "http://lineage.example.org" }, "openLineage"), "warning");
  assert.equal(await told(configOf({ MILL_OPENLINEAGE: "events.ndjson" }), "openLineage"), undefined);
  assert.equal(await stateOf({ MILL_SLURM_URL: "http://slurm.example.org" }, "slurmrestd"), "fault");
  assert.equal(
    await stateOf({ MILL_SLURM_URL: "http://slurm.example.org", MILL_SLURM_PLAIN_HTTP: "yes" }, "slurmrestd"),
    "warning",
  );
  assert.equal(await stateOf({ MILL_SLURM_URL: "http://127.0.0.1:6820" }, "slurmrestd"), "ok");
  assert.equal(await stateOf({ MILL_OIDC_ISSUER: "http://login.example.org" }, "OpenID provider"), "fault");
  assert.equal(await stateOf({ MILL_OBJECTS: "s3://bucket" }, "encryption"), "warning");
  assert.equal(await stateOf({ MILL_OBJECTS: "s3://bucket", MILL_ENCRYPT: "yes" }, "encryption"), "ok");
  const away = configOf({ ...hook, MILL_RECORDS: "postgres://me:password@127.0.0.1:1/mine" });
  const all = JSON.stringify(await look(away));
  assert.ok(all.includes('"fault"') && !all.includes("password@") && !all.includes("secret-path") && !all.includes("whsec"));
});

test("service accounts with admin, tokens without an end, and tokens and keys that are old are told by name", async () => {
  const config = configOf();
  const { records, accounts, tokens, keys } = await started(config);
  const user = (name: string, kind: "person" | "service", role: string) =>
    accounts.users.create({ name, kind, email: null, displayName: "", roles: [role], by: "owner" });
  await user("anna", "person", "admin");
  await user("gone", "person", "admin");
  await user("ben", "person", "viewer");
  await accounts.users.setDisabled("gone", true);
  assert.deepEqual([(await told(config, "admins")).state, (await told(config, "admins")).found], ["ok", "owner, anna"]);
  await accounts.roles.put({ name: "keeper", may: ["read", "admin"], about: "", by: "owner" });
  await user("shop", "service", "keeper");
  const admins = await told(config, "admins");
  assert.deepEqual([admins.state, admins.fix], ["warning", "mill role revoke shop keeper"]);

  const make = (name: string, expiresAt: number | null) => tokens.create({ name, user: "ben", may: null, expiresAt });
  await make("ends", Date.now() + YEAR_MS);
  assert.equal((await told(config, "tokens without an end")).state, "ok");
  const { id } = await make("endless", null);
  const endless = await told(config, "tokens without an end");
  assert.deepEqual([endless.state, endless.found], ["warning", "endless of ben"]);
  assert.match(endless.fix, new RegExp(`mill token revoke ${id}`));
  assert.equal((await told(config, "old tokens")).state, "ok");
  assert.match((await told(config, "old tokens", YEAR_MS + 1000)).found, /endless of ben/);
  await tokens.revoke(id);
  assert.equal((await told(config, "tokens without an end")).state, "ok");

  await keys.create({ actor: "ben", may: ["read"], about: "" });
  assert.equal((await told(config, "old S3 keys")).state, "ok");
  const old = await told(config, "old S3 keys", YEAR_MS + 1000);
  assert.deepEqual([old.state, / of ben$/.test(old.found), /mill key revoke/.test(old.fix)], ["warning", true, true]);
  const past = new Date(Date.now() - YEAR_MS - 86_400_000);
  for (const name of ["token", "keys.json"]) utimesSync(join(config.workspace, name), past, past);
  assert.deepEqual(
    [(await told(config, "admin token")).fix, (await told(config, "keys")).fix],
    ["mill token --new", "mill key rotate"],
  );
  await records.close();
});

test("a secret that a setting names and nobody set is a fault; secrets that are old are told by name, values never", async () => {
  const config = { ...configOf(), webhook: "secret:alerts", webhookSecret: "secret:signing" };
  assert.equal((await told(config, "secrets that settings name")).state, "fault", "there are no records yet");
  const { records, secrets } = await started(config);
  const missing = (await look(config)).filter(({ what }) => what === "secrets that settings name");
  assert.deepEqual(
    missing.map(({ state, fix }) => [state, /^mill secret set (alerts|signing),/.exec(fix)?.[1]]),
    [
      ["fault", "alerts"],
      ["fault", "signing"],
    ],
  );
  for (const name of ["alerts", "signing"])
    await secrets.set({ name, value: `https://planted.example.org/${name}`, by: "owner" });
  const named = await told(config, "secrets that settings name");
  assert.deepEqual([named.state, named.found], ["ok", "webhook: secret:alerts, webhookSecret: secret:signing"]);
  assert.equal((await told(config, "old secrets")).state, "ok");
  const old = await told(config, "old secrets", YEAR_MS + 60_000);
  assert.deepEqual([old.state, old.found, /mill secret set alerts; mill/.test(old.fix)], ["warning", "alerts, signing", true]);
  assert.ok(!JSON.stringify(await look(config)).includes("planted"));
  await records.close();
});

test("it is told until when a token for Slurm is good: in a file or a secret, ended, ending soon, endless, or none", async () => {
  const config = { ...configOf(), slurmUrl: "http://127.0.0.1:6820", slurmTokenFile: join(root, "slurm-token") };
  const { records, secrets } = await started(config);
  const [now, day] = [Math.floor(Date.now() / 1000), 86_400];
  const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.planted`;
  const cases: readonly (readonly [text: string, state: Finding["state"], found: RegExp])[] = [
    [jwt({ iat: now - 10 * day, exp: now + 30 * day }), "ok", /^until \d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC$/],
    [`SLURM_JWT=${jwt({ iat: now - 60, exp: now + 3600 })}\n`, "ok", /^until/],
    [jwt({ iat: now - 30 * day, exp: now + 3 * day }), "warning", /^until/],
    [jwt({ exp: now + 3 * day }), "warning", /^until/],
    [jwt({ iat: now - 7200, exp: now - 3600 }), "fault", /^until/],
    [jwt({ sun: "mill" }), "warning", /never ends/],
    [jwt({ exp: 1e300 }), "warning", /never ends/],
    ["planted", "fault", /no JSON Web Token/],
    ["", "fault", /no JSON Web Token/],
  ];
  for (const [text, state, found] of cases) {
    writeFileSync(config.slurmTokenFile, text, { mode: 0o600 });
    await secrets.set({ name: "slurm", value: text || " ", by: "owner" });
    for (const from of [config, { ...config, slurmTokenFile: "secret:slurm" }]) {
      const one = await told(from, "Slurm token");
      assert.equal(one.state, state, text);
      assert.match(one.found, found);
      assert.ok(!JSON.stringify(one).includes("planted"));
    }
  }
  assert.equal((await told({ ...config, slurmTokenFile: join(root, "none") }, "Slurm token")).state, "fault");
  assert.equal(await told({ ...config, slurmUrl: null }, "Slurm token"), undefined);
  assert.equal((await told({ ...config, s3Limit: 0 }, "limits")).fix, "leave s3Limit out, or set what real use does not reach");
  await records.close();
});
