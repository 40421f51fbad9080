import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createAccounts, createAudit, createLogin, createOidcLogin, createSecrets, openKeyring } from "../../guard/index.ts";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { noChromium, openChromium } from "../fixtures/open-chromium.ts";
import { startSample } from "../fixtures/sample-platform.ts";
import { startProvider } from "../fixtures/start-provider.ts";

test("in a real browser people log in with a password or at a provider on another site, see the page, and log out", {
  skip: noChromium,
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "mill-login-"));
  const provider = await startProvider(
    { lee: { email: "lee@example.org", email_verified: true, groups: ["team"] } },
    "localhost",
  );
  writeFileSync(join(folder, "secret"), provider.secret);
  const records = await openTestRecords(join(folder, "mill.db"));
  const accounts = createAccounts({ records });
  await accounts.users.create({ name: "anna", kind: "person", email: null, displayName: "", roles: ["viewer"], by: "owner" });
  const login = createLogin({ records, audit: createAudit({ records }), accounts });
  await login.setPassword("anna", "correct");
  const oidc = createOidcLogin({
    issuer: provider.issuer,
    client: provider.client,
    secretFile: join(folder, "secret"),
    records,
    secrets: createSecrets({ records, keyring: await openKeyring(folder) }),
    scope: "openid email groups",
    groupsClaim: "groups",
    roles: [["team", "viewer"]],
    accounts,
    audit: createAudit({ records }),
    login,
  });
  const sample = await startSample({}, { host: "0.0.0.0", login, oidc });
  const url = `http://127.0.0.1:${sample.port}`;
  provider.allow(`${url}/login/oidc/callback`);
  const browser = await openChromium();
  const logOut = async (who: string) => {
    await browser.go(`${url}/login`);
    await browser.see(new RegExp(`You are ${who}`));
    await browser.run("document.querySelector('form').submit()");
    await browser.see(/\/login\n[\s\S]*Password/);
    await browser.go(url);
    await browser.see(/\/login\n[\s\S]*Password/);
  };
  try {
    await browser.go(url);
    await browser.see(/\/login\n[\s\S]*Password/);
    if (process.env.MILL_TEST_PICTURES) await browser.picture(join(process.env.MILL_TEST_PICTURES, "login.png"));
    const enter = (password: string) =>
      browser.run(
        `user.value = "anna"; password.value = "${password}"; document.forms[0].submit()`.replaceAll(
          /(user|password)\./g,
          "document.forms[0].elements.$1.",
        ),
      );
    await enter("wrong");
    await browser.see(/The name or the password is wrong/);
    if (process.env.MILL_TEST_PICTURES) await browser.picture(join(process.env.MILL_TEST_PICTURES, "refused.png"));
    await enter("correct");
    assert.match(await browser.see(/\/\n[\s\S]*Millwright/), /late-arrival/);
    await logOut("anna");

    await browser.run("document.querySelector('a[href=\"/login/oidc\"]').click()");
    await browser.see(/Sign-in/);
    await browser.run(
      "document.querySelector('[name=login]').value = 'lee'; document.querySelector('[name=password]').value = 'any'; document.forms[0].submit()",
    );
    await browser.see(/Continue/);
    await browser.run("document.forms[0].submit()");
    assert.match(await browser.see(new RegExp(`^${url}/\\n[\\s\\S]*Millwright`)), /late-arrival/);
    await logOut("lee");
  } finally {
    await browser.close();
    await sample.close();
    await provider.close();
    await records.close();
    rmSync(folder, { recursive: true });
  }
});
