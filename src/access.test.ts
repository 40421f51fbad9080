/** People, roles and tokens through the whole platform: command line, HTTP, S3 door and audit on one workspace. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CreateBucketCommand, ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { openWorkspace } from "./app.ts";
import { runCli } from "./cli/index.ts";
import { EXIT, type InputOf, type OutputOf, VERBS, type Verb, type VerbName } from "./contract/index.ts";
import { rebuildRecipe } from "./rebuild.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-access-"));
await writeFile(join(folder, "mill.ts"), "export {};\n");
await writeFile(join(folder, "package.json"), '{"type": "module"}');

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let typed = "";

async function mill(argv: readonly string[], token?: string, stop?: AbortSignal, onOut?: (text: string) => void): Promise<Ran> {
  const said = { out: "", err: "" };
  const code = await runCli(
    argv,
    {
      stdout: (text) => {
        said.out += text;
        onOut?.(text);
      },
      stderr: (text) => {
        said.err += text;
      },
      isTTY: false,
      columns: 100,
      env: token === undefined ? {} : { MILL_TOKEN: token },
      cwd: folder,
      stdin: async () => typed,
      secret: async () => {
        const [line = "", ...rest] = typed.split("\n");
        typed = rest.join("\n");
        return line;
      },
      onStop: (listener) => {
        stop?.addEventListener("abort", listener);
        return () => stop?.removeEventListener("abort", listener);
      },
    },
    { version: "0.1.0", open: openWorkspace, rebuild: async (...asked) => rebuildRecipe(...asked) },
  );
  return { code, ...said };
}

const stop = new AbortController();
const ready = Promise.withResolvers<string>();
const serving = mill(["up", "--port", "0", "--json"], undefined, stop.signal, ready.resolve);
const { url, s3 } = (JSON.parse(await ready.promise) as { data: { url: string; s3: string } }).data;
after(async () => {
  stop.abort();
  assert.equal((await serving).code, EXIT.done);
  await rm(folder, { recursive: true });
});

const tokenOf = async (name: string, ...flags: string[]): Promise<string> =>
  (await mill(["token", "create", "test", "--user", name, ...flags])).out.trim();

async function ask<V extends VerbName>(
  verb: V,
  input: InputOf<V>,
  token: string,
): Promise<{ status: number; body: OutputOf<V> & { code?: string } }> {
  const { http }: Verb = VERBS[verb];
  const path = http.path.replaceAll(/:(\w+)/g, (_, field: string) => String((input as Record<string, unknown>)[field]));
  const inBody = Object.fromEntries(Object.entries(input).filter(([field]) => !http.path.includes(`:${field}`)));
  const body = http.method === "POST" ? { body: JSON.stringify(inBody), headers: { "content-type": "application/json" } } : {};
  const headers = { ...body.headers, authorization: `Bearer ${token}` };
  const reply = await fetch(new URL(path, url), { method: http.method, ...body, headers });
  return { status: reply.status, body: (await reply.json()) as never };
}

test("alone on a machine nobody need say who they are", async () => {
  assert.match((await mill(["whoami"])).out, /^owner has the role admin: may read, predict, edit, operate, approve, admin\n$/);
  assert.match(await (await fetch(new URL("/v1/whoami", url))).text(), /"actor":"local"/);
  assert.equal((await fetch(new URL("/v1/users", url))).status, 401);
});

test("a user made by the command line is known by its token, may what its role says, and is told what it may not", async () => {
  const made = await mill(["user", "create", "anna", "--email", "anna@example.org", "--roles", "viewer"]);
  assert.deepEqual([made.code, made.out], [EXIT.done, "anna has the role viewer\n"], made.err);
  const token = await tokenOf("anna", "--expires", "1d");
  assert.equal((await mill(["whoami"], token)).out, 'anna has the role viewer: may read, predict by the token "test"\n');
  const refused = await mill(["lake", "create", "photos"], token);
  assert.equal(refused.code, EXIT.refused);
  assert.match(refused.err, /needs the permission "edit"; you are anna with the roles viewer.*\n.*/);
  assert.match(refused.err, /someone with admin/);
  assert.equal((await mill(["role", "grant", "anna", "editor"])).out, "anna has the roles editor, viewer\n");
  const created = await mill(["lake", "create", "photos"], token);
  assert.equal(created.code, EXIT.done, created.err);
  assert.match((await mill(["audit", "list", "--actor", "anna"])).out, /createRepository/);
});

test("tokens and users that are ended keep out at once, over HTTP and the S3 door", async () => {
  await mill(["user", "create", "shop", "--service", "--roles", "editor"]);
  const [token, other] = [await tokenOf("shop", "--may", "read,edit"), await tokenOf("shop")];
  const key = JSON.parse((await mill(["key", "create", "--user", "shop", "--json"])).out).data as { id: string; secret: string };
  const client = new S3Client({
    endpoint: s3,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: key.id, secretAccessKey: key.secret },
    maxAttempts: 1,
  });
  await client.send(new CreateBucketCommand({ Bucket: "shop" }));
  const byToken = () => fetch(new URL("/shop?list-type=2", s3), { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await byToken()).status, 200);
  assert.deepEqual((await ask("whoAmI", {}, token)).body.may, ["read", "edit"]);

  const { items } = (await ask("listTokens", {}, await adminToken())).body;
  const listed = items.find(({ user, may }) => user === "shop" && may !== null);
  assert.match((await mill(["token", "list"])).out, new RegExp(`${listed!.id}  shop .*read, edit`));
  assert.equal((await mill(["token", "revoke", listed!.id])).code, EXIT.done);
  const again = await mill(["token", "revoke", listed!.id]);
  assert.deepEqual([again.code, /There is no token/.test(again.err)], [EXIT.notFound, true]);
  const revoked = await ask("whoAmI", {}, token);
  assert.deepEqual([revoked.status, revoked.body.code], [401, "guard.token-revoked"]);
  assert.deepEqual([(await byToken()).status, /was revoked/.test(await (await byToken()).text())], [403, true]);

  assert.equal((await ask("whoAmI", {}, other)).status, 200);
  await client.send(new ListBucketsCommand());
  assert.equal((await mill(["user", "disable", "shop"])).code, EXIT.done);
  const disabled = await ask("whoAmI", {}, other);
  assert.deepEqual([disabled.status, disabled.body.code], [403, "guard.user-disabled"]);
  await assert.rejects(client.send(new ListBucketsCommand()), { name: "InvalidAccessKeyId" });
  client.destroy();
  assert.match((await mill(["user", "list"])).out, /shop +service +editor +\d{4}-.* \d{4}-/);
  assert.equal((await mill(["user", "enable", "shop"])).code, EXIT.done);
  assert.equal((await ask("whoAmI", {}, other)).status, 200);
});

const adminToken = async () => (await mill(["token"])).out.trim();

test("roles of one's own are made, changed, listed and taken away", async () => {
  await mill(["user", "create", "ben"]);
  assert.equal(
    (await mill(["role", "set", "labeller", "--may", "read,edit", "--about", "Labels photos"])).out,
    "labeller may read, edit\n",
  );
  await mill(["role", "grant", "ben", "labeller"]);
  const token = await tokenOf("ben");
  assert.equal((await ask("createRepository", { name: "labels" }, token)).status, 200);
  await mill(["role", "set", "labeller", "--may", "read"]);
  const narrowed = await ask("createRepository", { name: "labels2" }, token);
  assert.deepEqual([narrowed.status, narrowed.body.code], [403, "guard.not-permitted"]);
  assert.match((await mill(["role", "list"])).out, /viewer +read, predict +.*\n[\s\S]*labeller +read/);
  assert.equal((await mill(["role", "delete", "labeller"])).code, EXIT.conflict);
  assert.equal((await mill(["role", "revoke", "ben", "labeller"])).out, "ben has no role\n");
  assert.equal((await mill(["role", "delete", "labeller"])).code, EXIT.done);
});

test("a password set by the command line lets a person in at the page, and is told by no record of what was done", async () => {
  await mill(["user", "create", "cleo", "--roles", "viewer"]);
  typed = "correct horse\n";
  const set = await mill(["user", "password", "cleo"]);
  assert.deepEqual([set.code, set.out], [EXIT.done, "cleo logs in with it at /login\n"], set.err);
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ user: "cleo", password: "correct horse" });
  const entered = await fetch(new URL("/login", url), { method: "POST", headers, body });
  const cookie = entered.headers.get("set-cookie")!.split(";")[0]!;
  assert.match(await (await fetch(new URL("/v1/whoami", url), { headers: { cookie } })).text(), /"actor":"cleo"/);

  const token = await tokenOf("cleo");
  typed = "correct horse\nanother horse\n";
  const own = await mill(["user", "password"], token);
  assert.deepEqual([own.code, own.out], [EXIT.done, "cleo has a new password; 1 sessions have ended\n"], own.err);
  typed = "correct horse\nanother horse\n";
  assert.deepEqual((await mill(["user", "password"], token)).code, EXIT.refused);
  assert.match(
    (await mill(["audit", "list", "--verb", "changePassword"])).out,
    /cleo +changePassword.*failed guard.login-refused/s,
  );
  assert.match((await mill(["audit", "list", "--verb", "login"])).out, /cleo +login/);

  typed = "short";
  const short = await mill(["user", "password", "cleo"]);
  assert.deepEqual([short.code, /ten characters or more/.test(short.err)], [EXIT.usage, true], short.err);
  const audit = await mill(["audit", "list", "--verb", "setPassword", "--json"]);
  assert.match(audit.out, /refused request.invalid/);
  for (const said of [audit, short, set, own]) assert.ok(!/correct horse|"short"/.test(said.out + said.err), said.out + said.err);
});

test("an admin is let do all but become the owner, whom nobody can send away", async () => {
  await mill(["user", "create", "root", "--roles", "admin"]);
  const token = await tokenOf("root");
  assert.equal((await ask("createUser", { name: "made-by-root" }, token)).status, 200);
  assert.equal((await ask("createToken", { name: "own" }, token)).status, 200);
  for (const refused of [
    await ask("newToken", {}, token),
    await ask("createToken", { name: "back door", user: "owner" }, token),
    await ask("createAccessKey", { user: "owner" }, token),
    await ask("setPassword", { name: "owner", password: "correct horse" }, token),
    await ask("disableUser", { name: "owner" }, token),
  ])
    assert.match(String(refused.body.code), /^guard\.(not-permitted|owner-stays)$/);
});

const slips: readonly (readonly [argv: readonly string[], code: number, words: RegExp])[] = [
  [["user", "create", "Anna"], EXIT.usage, /like anna/],
  [["user", "create", "anna"], EXIT.conflict, /"anna" is taken/],
  [["user", "create", "eve", "--email", "nowhere"], EXIT.usage, /like anna@example.org/],
  [["user", "disable", "ana"], EXIT.notFound, /Did you mean "anna"/],
  [["user", "disable", "owner"], EXIT.refused, /stays its admin/],
  [["role", "revoke", "owner", "admin"], EXIT.refused, /stays its admin/],
  [["role", "grant", "anna", "edtor"], EXIT.notFound, /Did you mean "editor"/],
  [["role", "set", "viewer", "--may", "admin"], EXIT.refused, /same in every workspace/],
  [["role", "set", "all", "--may", "everything"], EXIT.usage, /one of "read"/],
  [["role", "set", "none"], EXIT.usage, /at least 1/],
  [["token", "create", "x", "--user", "anna", "--may", "admin"], EXIT.refused, /anna may not admin/],
  [["token", "create", "x", "--user", "anna", "--expires", "soon"], EXIT.usage, /like 30d/],
  [["token", "create", "x", "--user", "nobody"], EXIT.notFound, /no user "nobody"/],
  [["token", "creat"], EXIT.usage, /Did you mean "token create"/],
  [["token", "revoke", "x"], EXIT.usage, /like/],
  [["key", "create", "--may", "operate"], EXIT.usage, /"read", "edit"/],
  [["key", "create", "--user", "nobody"], EXIT.notFound, /no user "nobody"/],
  [["usr", "list"], EXIT.usage, /Did you mean/],
];
for (const [argv, code, words] of slips) {
  test(`mill ${argv.join(" ")} is refused with what to do`, async () => {
    const ran = await mill(argv);
    assert.equal(ran.code, code, ran.err);
    assert.match(ran.err, words);
  });
}
