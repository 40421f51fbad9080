import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { request as tlsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect } from "node:tls";
import { newCertificate } from "../guard/fixtures/new-certificate.ts";
import { createAccounts, createAudit, createLogin, openCertificate } from "../guard/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { startSample } from "./fixtures/sample-platform.ts";

const folder = mkdtempSync(join(tmpdir(), "mill-tls-"));
after(() => rmSync(folder, { recursive: true }));

const answerOf = (sent: ReturnType<typeof request>, body = ""): Promise<IncomingMessage & { text: string }> =>
  new Promise((resolve, reject) => {
    sent.on("error", reject);
    sent.on("response", (reply) => {
      let text = "";
      reply.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      reply.on("end", () => resolve(Object.assign(reply, { text })));
    });
    sent.end(body);
  });

/** Resolves with what `look` gives, once that is something. */
async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("with a certificate the server speaks https, TLS 1.2 and newer alone, by the certificate's names, and its cookies are secure", async () => {
  const records = await openTestRecords(join(folder, "mill.db"));
  const accounts = createAccounts({ records });
  await accounts.users.create({ name: "anna", kind: "person", email: null, displayName: "", roles: ["viewer"], by: "owner" });
  const login = createLogin({ records, audit: createAudit({ records }), accounts });
  await login.setPassword("anna", "secret");
  const files = newCertificate(folder, "mill.example.org");
  const certificate = await openCertificate(files);
  const sample = await startSample({}, { host: "0.0.0.0", certificate, login });
  const ca = readFileSync(files.cert);
  const ask = (path: string, headers = {}, method = "GET", body = "") =>
    answerOf(
      tlsRequest({ host: "127.0.0.1", port: sample.port, path, ca, headers, method, agent: false, servername: "localhost" }),
      body,
    );
  try {
    assert.match(sample.url, /^https:/);
    assert.equal((await ask("/healthz", { host: `mill.example.org:${sample.port}` })).statusCode, 200);
    assert.equal((await ask("/healthz", { host: "other.example.org" })).statusCode, 403, "no name of ours");
    const origin = { host: "mill.example.org", origin: "http://mill.example.org.evil.example" };
    assert.equal((await ask("/healthz", origin)).statusCode, 403);
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const entered = await ask("/login", form, "POST", "user=anna&password=secret");
    const [cookie] = entered.headers["set-cookie"]![0]!.split(";", 1);
    assert.match(
      entered.headers["set-cookie"]![0]!,
      /^__Host-mill_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    );
    const whoIs = async (cookie: string) => (await ask("/v1/whoami", { cookie })).text;
    assert.match(await whoIs(cookie!), /"actor":"anna"/);
    assert.match(await whoIs(cookie!.replace("__Host-", "")), /token-required|"local"/, "a neighbour may have set that one");
    await assert.rejects(answerOf(request({ host: "127.0.0.1", port: sample.port, path: "/healthz", agent: false })));
    const old = connect({
      host: "127.0.0.1",
      port: sample.port,
      ca,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "ALL:@SECLEVEL=0",
    });
    await assert.rejects(
      new Promise((resolve, reject) => {
        old.on("secureConnect", resolve);
        old.on("error", reject);
      }),
    );
  } finally {
    certificate.close();
    await sample.close();
    await records.close();
  }
});

test("a certificate that is renewed is shown without a restart; while the files hold none, or a key of another, the one before stays", async () => {
  const own = mkdtempSync(join(folder, "renewed-"));
  const files = newCertificate(own, "first.example");
  const faults: string[] = [];
  const certificate = await openCertificate(files, { everyMs: 10, onFault: ({ message }) => faults.push(message) });
  const sample = await startSample({}, { certificate });
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port: sample.port, rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on("error", reject);
    });
  try {
    assert.equal(await shown(), "first.example");
    const first = readFileSync(files.key);
    newCertificate(own, "second.example");
    const second = readFileSync(files.key);
    await until(async () => ((await shown()) === "second.example" ? true : null));
    assert.deepEqual(certificate.names(), ["second.example", "localhost", "127.0.0.1"]);
    faults.length = 0; // between the writes of the two files they may not have belonged together
    writeFileSync(files.key, first);
    await until(async () => faults[0] ?? null);
    assert.match(faults[0]!, /mismatch/);
    assert.equal(await shown(), "second.example");
    writeFileSync(files.key, "no key");
    await until(async () => faults.find((message) => /no certificate with its key: (?!.*mismatch)/.test(message)) ?? null);
    assert.equal(await shown(), "second.example");
    assert.equal(faults.length, 2, "each fault is told once");
    writeFileSync(files.key, second);
    rmSync(files.cert);
    await until(async () => faults.find((message) => /cannot be read/.test(message)) ?? null);
    assert.equal(await shown(), "second.example");
  } finally {
    certificate.close();
    await sample.close();
  }
});

test("a certificate without its key, with another's, or that is none is refused at the start", async () => {
  const own = mkdtempSync(join(folder, "refused-"));
  const files = newCertificate(own, "one.example");
  const other = newCertificate(mkdtempSync(join(own, "other-")), "two.example");
  writeFileSync(join(own, "none.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  for (const wrong of [
    { ...files, key: other.key },
    { ...files, key: join(own, "missing.pem") },
    { ...files, cert: join(own, "none.pem") },
    { ...files, cert: files.key },
    { ...files, key: files.cert },
  ])
    await assert.rejects(openCertificate(wrong), { code: "config.value" }, JSON.stringify(wrong));
});
