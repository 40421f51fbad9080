/** The package as it is published: packed, installed into an empty folder by npm, and used there. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { readPackage } from "../src/package.ts";

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "mill-package-"));
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

const app = join(folder, "app");
const MILL = join(app, "node_modules", ".bin", "mill");
/** The Node that runs this comes first, as it does in npm's scripts. */
const environment = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (program: string, words: readonly string[], cwd: string, env: NodeJS.ProcessEnv = environment) =>
  new Promise<Outcome>((resolve) => {
    execFile(program, words, { cwd, env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });

async function succeed(program: string, words: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await run(program, words, cwd);
  assert.equal(code, 0, `${program} ${words.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

interface Version {
  readonly proof: { readonly proven: boolean; readonly why?: string; readonly rows?: number; readonly flips?: number };
}

/** Trains in a workspace of its own, serves, predicts; what the server says of the model's version, and its card. */
async function trainAndServe(workspace: string): Promise<{ version: Version; card: string }> {
  const at = ["--workspace", join(folder, workspace)];
  const ran = await run(MILL, ["run", ...at], app);
  assert.equal(ran.code, 0, ran.stderr);
  const server = spawn(MILL, ["up", "--port", "0", ...at], {
    cwd: app,
    env: { ...environment, MILL_LOG: "warn" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = new Promise<number | null>((resolve) => server.once("close", resolve));
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let said = "";
      server.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        said += chunk;
        const found = /^serving on (\S+)$/m.exec(said);
        if (found) resolve(found[1]!);
      });
      closed.then(() => reject(new Error(`the server ended: ${said}`)));
    });
    const asked = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ rows: [ROW] }) };
    const reply = await fetch(`${url}/v1/endpoints/houses/predict`, asked);
    const { predictions } = (await reply.json()) as { predictions: { value: number }[] };
    assert.ok(Math.abs(predictions[0]!.value - priceOf(ROW)) < 10, JSON.stringify(predictions));
    const get = async (path: string) => (await fetch(`${url}/v1/models/houses/versions/1${path}`)).json();
    return { version: (await get("")) as Version, card: ((await get("/card")) as { markdown: string }).markdown };
  } finally {
    server.kill("SIGTERM");
    assert.equal(await closed, 0);
  }
}

const ROW = { size: 12, colour: "red" };
const priceOf = ({ size, colour }: typeof ROW) => 3 * size + (colour === "red" ? 8 : 0);

before(async () => {
  await succeed(process.execPath, ["scripts/build.ts"], root);
  const [packed] = JSON.parse(
    await succeed("npm", ["pack", join(root, "dist"), "--pack-destination", folder, "--json", "--offline"], folder),
  );
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), '{ "name": "app", "private": true }\n');
  await succeed("npm", ["install", join(folder, packed.filename), "--prefer-offline", "--no-audit", "--no-fund"], app);
});

test("it holds what runs and what explains it, and no test", () => {
  const files = readdirSync(join(app, "node_modules", "millwright"), { recursive: true }) as string[];
  for (const file of ["README.md", "LICENSE", "CHANGELOG.md", "bin/mill.mjs", "src/main.js", "src/index.d.ts", "sdk/index.js"])
    assert.ok(files.includes(file), file);
  const strangers = files.filter((file) => /\.(test|bench)\.|fixtures|suite|workshop|(?<!\.d)\.ts$/.test(file));
  assert.deepEqual(strangers, []);
  assert.ok(!existsSync(join(app, "node_modules", "onnxruntime-node")), "the runtime of foreign models is not asked for");
});

test("mill init writes a project that checks, trains, serves and says that its graph is not proven", async () => {
  const rows = Array.from({ length: 300 }, (_, i) => {
    const row = { size: 5 + (i % 20), colour: ["red", "green", "blue"][i % 3]! };
    return [row.size, row.colour, (priceOf(row) + ((i * 7) % 11) / 10).toFixed(2)].join(";");
  });
  writeFileSync(join(folder, "houses.csv"), `size;colour;price\n${rows.join("\n")}\n`);
  const said = await succeed(MILL, ["init", "--from", join(folder, "houses.csv")], app);
  assert.match(said, /label +price: regression/);
  await succeed(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", app], app);
  const { version, card } = await trainAndServe("without");
  assert.deepEqual([version.proof.proven, version.proof.why], [false, "onnxruntime-node is not installed"]);
  assert.match(card, /graph was not run beside the trained model: onnxruntime-node is not installed/);
});

test("with onnxruntime-node beside it, the same project's graph is proven", async () => {
  symlinkSync(join(root, "node_modules", "onnxruntime-node"), join(app, "node_modules", "onnxruntime-node"));
  const { version, card } = await trainAndServe("with");
  assert.deepEqual([version.proof.proven, version.proof.flips], [true, 0]);
  assert.ok(version.proof.rows! > 300);
  assert.doesNotMatch(card, /was not run/);
});

/** A Node on the path that is too old to run Millwright. */
async function olderNode(): Promise<string | null> {
  for (const path of (process.env.PATH ?? "").split(delimiter)) {
    const node = join(path, "node");
    if (!existsSync(node)) continue;
    const { stdout } = await run(node, ["--version"], folder);
    if (Number(/^v(\d+)/.exec(stdout)?.[1]) < 24) return node;
  }
  return null;
}

test("under an older Node the launcher starts the project's own, or says what to install", async (t) => {
  const old = await olderNode();
  if (old === null) return t.skip("no Node below 24 on the path");
  const launcher = join(app, "node_modules", "millwright", "bin", "mill.mjs");
  const without = await run(old, [launcher, "--version"], app);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /Millwright needs Node 24 or later; this is v\d+.*npm i -D node@24/);
  symlinkSync(join(root, "node_modules", "node"), join(app, "node_modules", "node"));
  const { version } = readPackage(root);
  assert.deepEqual(await run(old, [launcher, "--version"], app), { code: 0, stdout: `${version}\n`, stderr: "" });
  assert.equal((await run(old, [launcher, "plans"], app)).code, 2, "its exit code is handed on");
});
