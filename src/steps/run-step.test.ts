import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { digestOfJson } from "../base/index.ts";
import { createFileObjects } from "../ports/objects/index.ts";
import { parseLine, readMarker } from "./attempt-folder.ts";
import { performStep, type StepKind, type StepManifest } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "mill-run-step-"));
after(() => rmSync(root, { recursive: true, force: true }));
let made = 0;

function newAttempt(content: unknown): string {
  const folder = join(root, `${made++}`);
  mkdirSync(join(folder, "scratch"), { recursive: true });
  if (content !== undefined) writeFileSync(join(folder, "input.json"), JSON.stringify(content));
  return folder;
}

const objects = createFileObjects(join(root, "objects"));
const manifest: StepManifest = { objects: {}, facts: { rows: 3 }, measurements: [] };
const kind = (run: StepKind["run"]): StepKind => ({ name: "kind", revision: 2, run });
const attempt = { kind: "kind", revision: 2, input: { a: 1 }, threads: 2, memoryMb: 100 };

async function perform(content: unknown, run: StepKind["run"], signal = new AbortController().signal) {
  const folder = newAttempt(content);
  const lines: string[] = [];
  const code = await performStep(folder, [kind(run)], { objects, signal, print: (line) => lines.push(line) });
  const failure = existsSync(join(folder, "error.json"))
    ? JSON.parse(readFileSync(join(folder, "error.json"), "utf8")).error
    : null;
  return { code, folder, lines, marker: await readMarker(folder), failure };
}

test("a step gets its input, an empty folder of its own and its limits, and leaves a manifest", async () => {
  const { code, folder, marker, lines } = await perform(attempt, async (input, context) => {
    assert.deepEqual(input, { a: 1 });
    assert.deepEqual(readdirSync(context.scratch), []);
    assert.deepEqual([context.threads, context.memoryMb], [2, 100]);
    writeFileSync(join(context.scratch, "large"), "x");
    context.progress(1, 2, "half");
    context.log("working");
    context.progress(2, 2);
    return manifest;
  });
  assert.equal(code, 0);
  assert.deepEqual(marker!.manifest, manifest);
  assert.equal(marker!.digest, digestOfJson(manifest));
  assert.deepEqual(readdirSync(folder).sort(), ["input.json", "manifest.json", "scratch"]);
  assert.deepEqual(lines.map(parseLine), [
    { progress: { done: 1, total: 2, note: "half" } },
    { log: "working" },
    { progress: { done: 2, total: 2 } },
  ]);
});

test("progress is said at most ten times a second, and always at the end", async () => {
  const { lines } = await perform(attempt, async (_input, { progress }) => {
    for (let done = 1; done <= 10_000; done++) progress(done, 10_000);
    return manifest;
  });
  assert.ok(lines.length >= 2 && lines.length < 100, `${lines.length} lines`);
  assert.deepEqual(parseLine(lines.at(-1)!), { progress: { done: 10_000, total: 10_000 } });
});

test("what goes wrong in a step is left as an error, and its code decides the exit code", async () => {
  const unexpected = await perform(attempt, async () => {
    throw new TypeError("undefined is not a model");
  });
  assert.deepEqual([unexpected.code, unexpected.failure.code, unexpected.marker], [1, "internal.unexpected", null]);
  assert.equal(unexpected.failure.message, "undefined is not a model");

  const full = await perform(attempt, async () => {
    throw Object.assign(new Error("write failed"), { code: "ENOSPC" });
  });
  assert.deepEqual([full.code, full.failure.code, full.failure.got], [8, "step.disk-full", "write failed"]);

  const cases: [unknown, string, number][] = [
    [undefined, "step.bad-folder", 2],
    [{ ...attempt, kind: "knd" }, "step.unknown-kind", 1],
    [{ ...attempt, revision: 1 }, "step.revision", 7],
  ];
  for (const [content, expected, exit] of cases) {
    const { code, failure } = await perform(content, async () => manifest);
    assert.deepEqual([failure.code, code], [expected, exit]);
  }
  const nothing = await perform(attempt, async () => undefined as never);
  assert.equal(nothing.failure.code, "step.bad-manifest");
  const notJson = await perform(attempt, async () => ({ ...manifest, facts: { mean: Number.NaN } }));
  assert.equal(notJson.failure.code, "internal.not-json");
});

test("a step that is asked to stop and throws is cancelled, whatever it throws", async () => {
  const stopping = new AbortController();
  const { code, failure } = await perform(
    attempt,
    async (_input, { signal }) => {
      stopping.abort();
      signal.throwIfAborted();
      return manifest;
    },
    stopping.signal,
  );
  assert.deepEqual([code, failure.code], [130, "step.cancelled"]);
});

test("a manifest that was cut short, or whose digest does not fit, is no commit marker", async () => {
  const { folder } = await perform(attempt, async () => manifest);
  const path = join(folder, "manifest.json");
  const text = readFileSync(path, "utf8");
  for (const broken of ["", text.slice(0, -5), text.replace('"rows":3', '"rows":4')]) {
    writeFileSync(path, broken);
    assert.equal(await readMarker(folder), null);
  }
});

test("a line that is not ours is a log line as it stands", () => {
  for (const line of ["Epoch 1/10", "{}", '{"progress":1}', "null", '"text"', '{"log":7}', "{"]) {
    assert.deepEqual(parseLine(line), { log: line });
  }
});

/** The process of a slow step, as the engine starts it. */
async function slowChild(waitMs: number) {
  const input = { name: "slow", parts: 1000, waitMs };
  const folder = newAttempt({ kind: "write", revision: 1, input, threads: 1, memoryMb: 100 });
  const main = join(import.meta.dirname, "fixtures", "step-main.ts");
  const child = spawn(process.execPath, [main, join(root, "objects"), "step", folder], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const left = async () => {
    const [code] = await once(child, "close");
    const { error } = JSON.parse(readFileSync(join(folder, "error.json"), "utf8"));
    return [code, error.code, readdirSync(folder).sort()];
  };
  return { child, left };
}

test("SIGTERM cancels the step of a process, and so does the end of its standard input", async () => {
  const cancelled = [130, "step.cancelled", ["error.json", "input.json"]];
  const [polite, orphan] = await Promise.all([slowChild(20), slowChild(20)]);
  polite.child.kill("SIGTERM");
  orphan.child.stdin.end();
  assert.deepEqual(await Promise.all([polite.left(), orphan.left()]), [cancelled, cancelled]);
});
