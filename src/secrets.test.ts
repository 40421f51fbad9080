/** Secrets through the whole platform: what is planted reaches those whom settings and hooks name, and is found nowhere else. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { openWorkspace } from "./app.ts";
import { runCli } from "./cli/index.ts";
import { EXIT, VERBS, type Verb } from "./contract/index.ts";
import { rebuildRecipe } from "./rebuild.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-secrets-"));
const backups = await mkdtemp(join(tmpdir(), "mill-secrets-"));

interface Got {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}
const got: Got[] = [];
let status = 204;
const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  got.push({ path: request.url!, headers: request.headers, body: Buffer.concat(chunks).toString() });
  response.writeHead(status).end();
}).listen(0, "127.0.0.1");
await once(receiver, "listening");
const receives = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;

await writeFile(join(folder, "mill.ts"), "export {};\n");
await writeFile(join(folder, "package.json"), '{"type": "module"}');
const settings = { webhook: "secret:alerts", webhookSecret: "secret:signing", webhookPrivate: "yes", log: "debug" };
await writeFile(join(folder, "mill.config.json"), JSON.stringify(settings));

/** All that anybody was told. */
const told: string[] = [];

async function mill(argv: readonly string[], typed = "", stop?: AbortSignal, onOut?: (text: string) => void): Promise<string> {
  const said: string[] = [];
  const say = (text: string) => {
    said.push(text);
    told.push(text);
  };
  const code = await runCli(
    argv,
    {
      stdout: (text) => {
        say(text);
        onOut?.(text);
      },
      stderr: say,
      isTTY: false,
      columns: 100,
      env: { MILL_BACKUP_PASSPHRASE: "kept apart" },
      cwd: folder,
      stdin: async () => typed,
      secret: async (_, lines) => (lines === "all" ? typed : typed.split("\n", 1)[0]!),
      onStop: (listener) => {
        stop?.addEventListener("abort", listener);
        return () => stop?.removeEventListener("abort", listener);
      },
    },
    { version: "0.1.0", open: openWorkspace, rebuild: async (...asked) => rebuildRecipe(...asked) },
  );
  return `${code} ${said.join("")}`;
}

const stop = new AbortController();
const ready = Promise.withResolvers<string>();
const serving = mill(["up", "--port", "0", "--json"], "", stop.signal, ready.resolve);
const { url, s3 } = (JSON.parse(await ready.promise) as { data: { url: string; s3: string } }).data;
const token = (await readFile(join(folder, ".mill", "token"), "utf8")).trim();
after(async () => {
  stop.abort();
  assert.match(await serving, new RegExp(`^${EXIT.done} `));
  receiver.close();
  await Promise.all([rm(folder, { recursive: true }), rm(backups, { recursive: true })]);
});

async function ask(method: string, path: string, body?: unknown): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const reply = await fetch(new URL(path, url), { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const text = await reply.text();
  told.push(text);
  return `${reply.status} ${text}`;
}

test("a setting may name a secret that is not there yet: runs wait for it, and say what to do", async () => {
  const refused = await ask("POST", "/v1/runs", {});
  assert.match(refused, /^409 .*guard\.secret-missing.*webhook names the secret \\"alerts\\".*mill secret set alerts/);
  assert.match(await mill(["run"]), new RegExp(`^${EXIT.usage} .*mill secret set alerts`, "s"));
});

test("what is planted reaches whom it is for, and stands in no file, log, answer, audit or backup", async () => {
  const values = fc.sample(fc.string({ minLength: 12, maxLength: 40, unit: "grapheme" }), { numRuns: 6, seed: 7 });
  const path = "/hooks/planted-f00d-token";
  const signing = "planted-signing-secret-0123456789";
  const planted = [
    ...values,
    `${receives}${path}`,
    path,
    signing,
    "-----PLANTED KEY-----\nline\n",
    'planted\\"quotes"',
    "misnamed-planted",
  ];
  for (const [index, value] of values.entries()) await mill(["secret", "set", `value-${index}`], value);
  assert.match(await mill(["secret", "set", "alerts"], `${receives}${path}`), /^0 secret:alerts stands for it/);
  await mill(["secret", "set", "signing"], signing);
  for (const value of planted.slice(-3, -1)) await ask("POST", "/v1/secrets", { name: "key", value });
  await ask("POST", "/v1/secrets", { name: "key", valeu: "misnamed-planted" });
  await ask("POST", "/v1/secrets", { name: "misnamed planted", value: "misnamed-planted" });
  assert.match(await ask("POST", "/v1/secrets", { name: "key", value: signing.repeat(600) }), /^400 /);
  assert.match(await mill(["secret", "set", "Key"], "misnamed-planted"), /^2 /);
  assert.match(await mill(["secret", "set", "key"], ""), /^2 [\s\S]*No value came/);
  assert.match(await mill(["secret", "list"]), /alerts +\d{4}-.* +owner\n[\s\S]*value-5/);

  const put = (path: string, body = "") =>
    fetch(new URL(path, s3), { method: "PUT", body, headers: { authorization: `Bearer ${token}` } });
  await put("/photos");
  await ask("POST", "/v1/repositories/photos/hooks", { name: "tell", event: "pre-commit", webhook: { url: "secret:alerts" } });
  assert.equal((await put("/photos/a.txt", "a")).status, 200);
  status = 500;
  assert.match(await ask("POST", "/v1/repositories/photos/branches/main/commit", { message: "m" }), /lake\.hook-refused/);
  status = 204;
  assert.match(await ask("POST", "/v1/repositories/photos/branches/main/commit", { message: "m" }), /^200 /);
  await ask("GET", "/v1/repositories/photos/hook-runs");

  assert.match(await mill(["secret", "rotate"]), /^0 key key-.*: \d+ secrets/);
  for (const [index, value] of values.entries()) if (index % 2) planted.push(value);
  assert.match(await mill(["secret", "remove", "value-1"]), /^0 value-1 is forgotten/);
  assert.match(await mill(["secret", "remove", "value-1"]), /^6 /);
  await mill(["doctor", "--security"]);
  for (const { http } of Object.values<Verb>(VERBS))
    if (http.method === "GET" && !http.path.includes(":")) await ask("GET", http.path);
  for (const open of ["/", "/metrics", "/openapi.json", "/v1/secrets/alerts", "/v1/audit?limit=1000"]) await ask("GET", open);
  assert.match(await mill(["backup", join(backups, "keys"), "--keys"]), /^0 /);

  const seen = new Map(await Promise.all([filesOf(folder), filesOf(backups)]).then((found) => found.flat()));
  seen.set("what was told", Buffer.from(told.join("\n")));
  assert.ok([...seen.keys()].some((name) => name.endsWith("mill.db")));
  assert.ok(
    [...seen.values()].some((bytes) => bytes.includes("value-0")),
    "the names are there to be found",
  );
  for (const value of planted)
    for (const form of formsOf(value))
      for (const [name, bytes] of seen) assert.ok(!bytes.includes(form), `${JSON.stringify(form)} stands in ${name}`);
});

test("a notice goes where the secret says at that moment, signed as the other one says", async () => {
  assert.ok(got.length > 0, "the hook was asked");
  for (const { path, headers, body } of got) {
    assert.equal(path, "/hooks/planted-f00d-token");
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
    const mac = createHmac("sha256", "planted-signing-secret-0123456789").update(signed).digest("base64");
    assert.equal(headers["webhook-signature"], `v1,${mac}`);
  }
});

/** As text, and as it would stand in JSON, in an address, and encoded; short ones would be found by chance. */
const formsOf = (value: string): readonly Buffer[] =>
  [
    ...[value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)],
    ...(["base64", "base64url", "hex"] as const).map((encoding) => Buffer.from(value).toString(encoding)),
  ].map((form) => Buffer.from(form));

async function filesOf(root: string): Promise<[string, Buffer][]> {
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return Promise.all(
    files.map(async (path): Promise<[string, Buffer]> => {
      const bytes = await readFile(path);
      return [path, path.endsWith(".gz") ? gunzipSync(bytes) : bytes];
    }),
  );
}
