/** A model is made again on a machine that has nothing but Millwright: from a server, and from a file. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import type { OutputOf } from "../src/contract/index.ts";
import { ask } from "./ask.ts";
import { mill, millIn, millJson, newPath, serve } from "./run-mill.ts";

const workspace = newPath("penguins");
const here = ["--project", join(import.meta.dirname, "penguins"), "--workspace", workspace];
const VERSION = "penguin-species@champion";

interface Rebuilt {
  readonly same: boolean;
  readonly digest: string;
  readonly bundle: { readonly manifest: string; readonly onnx: string };
  readonly steps: readonly { readonly kind: string; readonly standing: string; readonly sentence: string }[];
}

/** A machine that has nothing: an empty home, and no settings. */
const home = newPath("home");
const elsewhere = (env: NodeJS.ProcessEnv, ...words: readonly string[]) =>
  millIn({ HOME: home, XDG_CACHE_HOME: home, ...env }, "rebuild", ...words, "--json");
const resultOf = (stdout: string) =>
  JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as { data: Rebuilt; error: { code: string; got: string } };
const notSame = ({ steps }: Rebuilt) =>
  steps.filter(({ standing }) => standing !== "same").map(({ kind, standing }) => [kind, standing]);
const sha256 = async (path: string) =>
  `sha256:${createHash("sha256")
    .update(await readFile(path))
    .digest("hex")}`;

let url: string;
let tokens: Readonly<Record<"edit" | "read", string>>;
let version: OutputOf<"getModelVersion">;
before(async () => {
  await mkdir(home);
  const run = await mill("run", ...here);
  assert.equal(run.code, 0, run.stderr);
  ({ url } = await serve(...here));
  const authorization = `Bearer ${(await readFile(join(workspace, "token"), "utf8")).trim()}`;
  const token = async (may: string) => {
    const body = { name: `for-${may}`, may: ["read", may] };
    const reply = await ask(url, "/v1/tokens", { body, headers: { authorization } });
    return reply.json<{ token: string }>().token;
  };
  tokens = { edit: await token("edit"), read: await token("read") };
  version = (await ask(url, "/v1/models/penguin-species/versions/champion")).json();
});

const kept = newPath("kept");
const file = `${newPath("penguins")}.tar`;

test("from a server, with a token that may take the rows: every step leaves the same, the bundle is the version's, and the server has it on record", async () => {
  const { code, stdout, stderr } = await elsewhere({ MILL_TOKEN: tokens.edit }, VERSION, "--from", url, "--keep", kept);
  assert.equal(code, 0, stdout + stderr);
  const { data } = resultOf(stdout);
  assert.deepEqual([data.same, notSame(data)], [true, [["ingest", "given"]]]);
  assert.equal(data.bundle.manifest, version.bundle);
  assert.deepEqual(
    [await sha256(join(kept, "manifest.json")), await sha256(join(kept, "model.onnx"))],
    [data.bundle.manifest, data.bundle.onnx],
  );
  const after = (await ask(url, "/v1/models/penguin-species/versions/champion")).json<typeof version>();
  assert.equal(after.holdoutReadings, version.holdoutReadings + 1);
  const audit = await millJson<{ items: { verb: string; outcome: string; target: string }[] }>(
    "audit",
    "list",
    "--verb",
    "exportRecipe",
    ...here,
  );
  assert.deepEqual(
    audit.items.map(({ outcome, target }) => [outcome, target]),
    [
      ["done", "penguin-species"],
      ["asked", "penguin-species"],
    ],
  );
});

test("a token that may only read gets the list of what is in it, and none of the rows", async () => {
  const { code, stdout } = await elsewhere({ MILL_TOKEN: tokens.read }, VERSION, "--from", url);
  assert.deepEqual([code, resultOf(stdout).error.code], [5, "guard.not-permitted"]);
  const nobody = await elsewhere({}, VERSION, "--from", url);
  assert.deepEqual([nobody.code, resultOf(nobody.stdout).error.code], [5, "guard.token-required"]);
  const shown = await millIn({ HOME: home }, "recipe", VERSION, "--from", url.replace("//", `//mill:${tokens.read}@`));
  assert.match(shown.stdout, /part-0 of dataset\/penguins:ingest/);
});

test("from a file, in the folder that was kept, nothing runs twice; another recipe is refused there, and one that was tampered with everywhere", async () => {
  const written = await mill("recipe", VERSION, "--out", file, ...here);
  assert.equal(written.code, 0, written.stderr);
  const digest = /^recipe (sha256:\S+)$/m.exec(written.stdout)![1]!;
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const again = await elsewhere({}, file, "--keep", kept, "--digest", digest);
  assert.equal(again.code, 0, again.stdout + again.stderr);
  const { data } = resultOf(again.stdout);
  assert.ok(data.steps.every(({ standing, sentence }) => standing === "given" || sentence === "made before"));
  assert.equal(data.digest, digest);

  const bytes = await readFile(file);
  const at = bytes.indexOf("PAR1") + 100;
  bytes[at] = bytes[at]! ^ 1;
  const tampered = `${file}.other`;
  await writeFile(tampered, bytes);
  const refused = await elsewhere({}, tampered);
  assert.deepEqual([refused.code, resultOf(refused.stdout).error.code], [4, "recipe.damaged"]);
  const other = await elsewhere({}, file, "--digest", `sha256:${"0".repeat(64)}`);
  assert.deepEqual([other.code, resultOf(other.stdout).error.code], [7, "recipe.other"]);
  const full = await elsewhere({}, file, "--keep", workspace);
  assert.deepEqual([full.code, resultOf(full.stdout).error.code], [7, "recipe.not-empty"]);
});
