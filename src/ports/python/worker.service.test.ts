/** Real Python with real packages; MILL_TEST_PYTHON names one that has uv (`.ci/python start DIR`). */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { processAlive, processHandle } from "../engines/index.ts";
import { frame } from "../scoring/suite.ts";
import { createEnvironments } from "./create-environments.ts";
import { openWorker, type Worker, type WorkerOptions } from "./worker.ts";

const withUv = process.env.MILL_TEST_PYTHON;
const skip = withUv === undefined && "set MILL_TEST_PYTHON to a Python with uv (.ci/python start DIR)";

const folder = mkdtempSync(join(tmpdir(), "mill-worker-test-"));
const programs = join(import.meta.dirname, "../../train/python/program");
const lines: string[] = [];
let options: WorkerOptions;
let worker: Worker;

before(async () => {
  if (withUv === undefined) return;
  const making = { signal: new AbortController().signal, log: () => undefined };
  const environments = createEnvironments({ folder: join(folder, "environments"), python: withUv });
  const { python } = await environments.open(await environments.lock(["pandas", "cloudpickle"], making), making);
  const model = join(folder, "model");
  await promisify(execFile)(python, [join(import.meta.dirname, "fixtures", "odd_model.py"), programs, model]);
  options = {
    ...{ python, program: join(programs, "predict.py"), folder: model, threads: 1, memoryMb: 400 },
    model: {
      ...{ task: "regression", classes: [] },
      features: [
        { name: "wish", kind: "number" },
        { name: "text", kind: "text" },
      ],
    },
    log: (line) => lines.push(line),
  };
  worker = await openWorker(options);
});
after(async () => {
  await worker?.close();
  rmSync(folder, { recursive: true, force: true });
});

const wishes = (...list: readonly number[]) => ({
  rowCount: list.length,
  columns: {
    wish: { kind: "number" as const, values: Float64Array.from(list) },
    text: { kind: "text" as const, codes: Int32Array.from(list, (_, row) => (row % 3) - 1), texts: ["x", "xx"] },
  },
});
const usual = async (asked = worker) => assert.deepEqual([...(await asked.score(wishes(10, 20, 30))).values], [20, 41, 62]);
const until = async (holds: () => boolean) => {
  while (!holds()) await sleep(20);
};

test("rows of more than one batch come back in order, calls made together each with their own, and none for no rows", {
  skip,
}, async () => {
  const many = Float64Array.from({ length: 10_001 }, (_, row) => row + 10);
  const text = { kind: "text" as const, codes: new Int32Array(many.length).fill(-1), texts: ["never"] };
  const X = { rowCount: many.length, columns: { text, wish: { kind: "number" as const, values: many } } };
  const [all, one, none] = await Promise.all([worker.score(X), worker.score(wishes(7.5)), worker.score(wishes())]);
  assert.deepEqual(
    all.values,
    many.map((value) => value * 2),
  );
  assert.deepEqual([[...one.values], one.width, none.values.length], [[15], 1, 0]);
});

test("what a model prints goes to the log, and its answer is whole", { skip }, async () => {
  assert.deepEqual([...(await worker.score(wishes(4))).values], [8]);
  await until(() => lines.filter((line) => line === "printed").length === 20_000 && lines.includes("and to the other one"));
});

test("rows that a model raises an error for are refused with what it said, and it goes on with others", { skip }, async () => {
  const before = worker.pid;
  await assert.rejects(worker.score(wishes(1)), { code: "scoring.bad-input", message: /ValueError: no answer for 1/ });
  await assert.rejects(worker.score(wishes(7, 7)), { code: "scoring.bad-input", message: /1 x 1 numbers for 2 rows/ });
  await assert.rejects(worker.score(frame({ wish: ["a"], text: ["b"] })), { code: "scoring.bad-input", at: "wish" });
  await assert.rejects(worker.score(frame({ wish: [1] })), { code: "scoring.bad-input", at: "text" });
  await usual();
  assert.equal(worker.pid, before);
});

for (const [what, wish, said] of [
  ["is killed", 2, /SIGKILL/],
  ["answers with bytes that are no answer", 5, /no answer/],
  ["takes more memory than it may", 6, /MB of the 400 MB/],
] as const)
  test(`a process that ${what} costs the rows that it had; the next ones start another`, { skip }, async () => {
    const before = worker.pid;
    await assert.rejects(worker.score(wishes(wish)), { code: "scoring.failed", message: said });
    await usual();
    assert.notEqual(worker.pid, before);
  });

test("a model that hangs is ended; where it dies again at once, rows are refused for a pause", { skip }, async (t) => {
  const hasty = await openWorker({ ...options, timeoutMs: 1000, pauseMs: 3_600_000 });
  t.after(() => hasty.close());
  await assert.rejects(hasty.score(wishes(3)), { code: "scoring.failed", message: /no answer within 1 seconds/ });
  await assert.rejects(hasty.score(wishes(2)), { code: "scoring.failed" });
  await assert.rejects(hasty.score(wishes(10)), { code: "scoring.failed", message: /2 times in a row/ });
  assert.equal(hasty.pid, null);
});

test("closing answers what was asked before and ends the process; later rows are refused", { skip }, async () => {
  const short = await openWorker(options);
  const process = processHandle(short.pid!)!;
  const asked = usual(short);
  await Promise.all([short.close(), short.close()]);
  await asked;
  await assert.rejects(short.score(wishes(10)), { code: "scoring.closed" });
  assert.equal(processAlive(process), false);
});

test("what cannot be loaded, and a Python that is not there, are told before any row", { skip }, async () => {
  await assert.rejects(openWorker({ ...options, folder }), { code: "scoring.bad-model", message: /saved no model/ });
  await assert.rejects(openWorker({ ...options, python: join(folder, "python") }), { code: "scoring.unavailable" });
});

test("the process ends with the one that started it, also in the middle of an answer", { skip }, async () => {
  const script = `
    const { openWorker } = await import(${JSON.stringify(join(import.meta.dirname, "worker.ts"))});
    const worker = await openWorker({ ...${JSON.stringify(options)}, log() {} });
    const text = { kind: "text", codes: Int32Array.of(-1), texts: [] };
    worker.score({ rowCount: 1, columns: { wish: { kind: "number", values: Float64Array.of(3) }, text } });
    console.log(worker.pid);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await createInterface({ input: parent.stdout })
    [Symbol.asyncIterator]()
    .next()
    .then(({ value }) => [value]);
  const started = processHandle(Number(line))!;
  assert.ok(processAlive(started));
  parent.kill("SIGKILL");
  await until(() => !processAlive(started));
});
