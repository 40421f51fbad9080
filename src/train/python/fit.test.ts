import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Digest } from "../../base/index.ts";
import { createFileObjects, readJson } from "../../ports/objects/index.ts";
import { createEnvironments, type Lock } from "../../ports/python/index.ts";
import { openDuckDb } from "../../ports/tables/index.ts";
import { stepContext } from "../../steps/fixtures/step-context.ts";
import type { StepContext } from "../../steps/index.ts";
import { fit } from "./fit.ts";
import type { Fitted } from "./fitted.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-fit-"));
after(() => rm(folder, { recursive: true, maxRetries: 3 }));
const objects = createFileObjects(join(folder, "objects"));
const environments = createEnvironments({ folder: join(folder, "python"), python: process.env.MILL_TEST_PYTHON ?? null });
const here = await environments.interpreter().catch(() => null);
/** An environment of nothing but Python, which needs no network. */
const bare: Lock = { python: "", platform: "", ...here, requirements: [], packages: [], text: "" };
const making = { signal: new AbortController().signal, log() {} };
const skip =
  (await environments.open(bare, making).then(
    () => false as const,
    ({ code }) => code === "python.missing",
  )) && "there is no python3 with uv or pip on this machine";
const put = (value: unknown) => objects.put(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));

async function trainingRows(): Promise<Digest> {
  const tables = openDuckDb({ threads: 1, memoryMb: 200, tempFolder: folder });
  const path = join(folder, "train.parquet");
  await tables.run(
    `COPY (SELECT i::INTEGER AS size, i % 2 = 0 AS small, CASE WHEN i % 3 > 0 THEN 'x' || (i % 3) END AS kind, TIMESTAMP '1970-01-01 00:00:01' AS at,
      i AS __time, ['a', 'b', 'c'][i % 3 + 1] AS __label FROM range(30) AS rows(i)) TO '${path}' (FORMAT parquet)`,
  );
  tables.close();
  return objects.putFile(path);
}
const input = skip ? null : { train: await trainingRows(), lock: await put(bare) };

/** What the step of this script leaves, what it said, and what remains of its attempt. */
async function run(script: string, more: Partial<StepContext> & { readonly files?: Readonly<Record<string, string>> } = {}) {
  const { files: beside = {}, ...rest } = more;
  const scratch = await mkdtemp(join(folder, "s-"));
  const lines: string[] = [];
  const steps: unknown[] = [];
  const context = stepContext(objects, scratch, {
    environments,
    log: (line) => /^(making an environment|This run is not tracked)/.test(line) || lines.push(line),
    progress: (...one) => void steps.push(one),
    ...rest,
  });
  const texts = Object.entries({ "train.py": script, ...beside });
  const files = await Promise.all(texts.map(async ([path, text]) => ({ path, digest: await put(text) })));
  const ended = fit.run(
    {
      ...{ model: "penguins", ...input!, features: ["size", "small", "kind", "at"] },
      ...{ task: "multiclass-classification", classes: ["a", "b", "c"], script: "train.py" },
      ...{ files, params: { trees: 3, deep: { list: [1] } }, seed: 7 },
    },
    context,
  );
  return { ended, lines, steps, scratch };
}

const SAVED = 'open(job.output / "model.onnx", "wb").write(b"a graph")\n';
const JOB = "import os, sys, millwright\njob = millwright.job()\n";

test("a script is told its data and parameters, finds its files beside it, and leaves its model, metrics and words", {
  skip,
}, async () => {
  const { ended, lines, steps } = await run(
    `${JOB}import helper
print("trains", helper.NAME, job.params, job.seed, job.task, job.classes, job.features, job.threads, os.path.exists(job.data))
print("warned", file=sys.stderr)
print("input", repr(sys.stdin.read()), __name__, sys.argv[1:])
for step in range(3):
    job.log(loss=1 / (step + 1), step=step)
    job.progress(step + 1, 3, "rounds")
job.log({"loss": float("nan"), "auc": 1})
${SAVED}`,
    { files: { "helper.py": 'NAME = "penguins"' } },
  );
  const { objects: left, facts } = await ended;
  const fitted = await readJson<Fitted>(objects, left.fitted!);
  assert.deepEqual(facts, {
    ...{ framework: "onnx", metrics: { auc: 1, loss: "nan" }, rows: 30, packages: 0 },
    params: { trees: 3, deep: { list: [1] } },
  });
  assert.deepEqual(fitted.files, [{ path: "model.onnx", digest: left["file-0"], sizeBytes: 7 }]);
  assert.deepEqual(
    fitted.features.map(({ name, kind }) => `${name} ${kind}`),
    ["size number", "small number", "kind text", "at number"],
  );
  assert.deepEqual(lines.sort(), [
    "input '' __main__ []",
    "trains penguins {'trees': 3, 'deep': {'list': [1]}} 7 multiclass-classification ['a', 'b', 'c'] ['size', 'small', 'kind', 'at'] 2 True",
    "warned",
  ]);
  assert.deepEqual(steps.at(-1), [3, 3, "rounds"]);
});

test("numbers, booleans and moments are doubles for a script, missing texts are empty, and a label is the place of its class", {
  skip,
}, async () => {
  const { ended, scratch } = await run(JOB + SAVED);
  await ended;
  const tables = openDuckDb({ threads: 1, memoryMb: 200, tempFolder: folder });
  const rows = await tables.rows(`SELECT *, typeof(size) || typeof(small) || typeof("at") || typeof(__label) AS types
    FROM '${join(scratch, "train.parquet")}' LIMIT 2`);
  tables.close();
  const types = "DOUBLEDOUBLEDOUBLEBIGINT";
  assert.deepEqual(rows, [
    { size: 0, small: 1, kind: "", at: 1e6, __label: 0, types },
    { size: 1, small: 0, kind: "x1", at: 1e6, __label: 1, types },
  ]);
});

const FAULTS: Readonly<Record<string, readonly [script: string, expected: object]>> = {
  "raises is told by its traceback, without our own frames": [
    `${JOB}def learn():\n    raise RuntimeError("no rows")\nlearn()`,
    {
      code: "python.script",
      message: /code 1/,
      got: /^Traceback[\s\S]*train\.py", line 5, in <module>\n(?![\s\S]*run_script)[\s\S]*RuntimeError: no rows$/,
    },
  ],
  "exits with a code is told by it": ["import sys\nsys.exit(3)", { code: "python.script", message: /code 3/ }],
  "is no Python is told where": ["const x = 1;", { code: "python.script", got: /train\.py", line 1[\s\S]*SyntaxError/ }],
  "is no text is told so": ["\u0000\u0001", { code: "python.script", got: /SyntaxError|ValueError/ }],
  "is killed is told by which signal, and what that may mean": [
    "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    { code: "python.script", message: /SIGKILL/, fix: /no memory left/ },
  ],
  "crashes in a library's own code is told by its signal": [
    "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
    { code: "python.script", message: /SIGSEGV/, fix: /other versions/ },
  ],
  "writes nothing has trained nothing": [JOB, { code: "train.no-model", got: "nothing" }],
  "writes its model beside itself is told where to": [
    `${JOB}open("model.onnx", "wb").write(b"x")`,
    { code: "train.no-model", got: "model.onnx beside the script", fix: /job\.output/ },
  ],
  "leaves a link to a file elsewhere gives nothing of that away": [
    `${JOB}os.symlink("/etc/passwd", job.output / "model.onnx")`,
    { code: "train.bad-saved", got: /model\.onnx is a link/ },
  ],
  "saves a model of an unknown kind is told which are known": [
    `${JOB}job.save("a text")`,
    { code: "python.script", got: /ValueError: a model of builtins\.str cannot be saved: give a model of scikit-learn/ },
  ],
  "leaves files that are no model is told what is one": [
    `${JOB}open(job.output / "weights.bin", "w").write("x")`,
    { code: "train.bad-saved", got: /weights\.bin/ },
  ],
  "writes a description of its own is held to what it may say": [
    `${JOB}open(job.output / "millwright.json", "w").write('{"framework": "../sklearn", "file": "/etc/passwd"}')`,
    { code: "train.bad-saved", got: /"\.\.\/sklearn"/ },
  ],
  "logs what is no number is told which": [
    `${JOB}job.log(loss="low")`,
    { code: "python.script", got: /TypeError: the metric loss must be a number, and not 'low'/ },
  ],
};

for (const [name, [script, expected]] of Object.entries(FAULTS))
  test(`a script that ${name}`, { skip }, async () => {
    const { ended } = await run(script);
    await assert.rejects(ended, expected);
  });

test("a script that hangs and hears no signal ends with its step, and so does all that it started", { skip }, async () => {
  const cancel = new AbortController();
  const { ended, lines } = await run(
    `import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"])
print(os.getpid(), child.pid)
time.sleep(600)`,
    { signal: cancel.signal },
  );
  const told = ended.catch((error) => error);
  while (!lines.includes("ready")) await delay(10);
  cancel.abort(new Error("enough"));
  assert.equal((await told).message, "enough");
  const pids = lines.find((line) => /^\d+ \d+$/.test(line))!.split(" ");
  assert.deepEqual(await Promise.all(pids.map(runs)), [false, false]);
});

test("what a script leaves running ends with it, and keeps nobody waiting", { skip }, async () => {
  const { ended, lines } = await run(
    `${JOB}import subprocess\nprint(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid)\n${SAVED}`,
  );
  await ended;
  assert.equal(await runs(lines.at(-1)!), false);
});

test("a script that floods its output is heard to its end", { skip }, async () => {
  let characters = 0;
  const { ended } = await run(
    `${JOB}for _ in range(200):\n    print("x" * 100_000)\n    job.log({f"m{i}": i for i in range(100)})\n${SAVED}`,
    { log: (line) => void (characters += line.length) },
  );
  const { facts } = await ended;
  assert.ok(characters >= 20_000_000);
  assert.equal(Object.keys(facts.metrics as object).length, 100);
});

test("a file that would lie outside of the script's folder is refused", { skip }, async () => {
  const { ended } = await run(JOB, { files: { "../../escaped.py": "" } });
  await assert.rejects(ended, { code: "define.file", at: "../../escaped.py" });
});

test("a script may change what lies beside it, and changes no object", { skip }, async () => {
  const { ended } = await run(`${JOB}open("note.txt", "w").write("other")\n${SAVED}`, { files: { "note.txt": "first" } });
  await ended;
  assert.equal(Buffer.from(await objects.get(await put("first"))).toString(), "first");
});

test("a script knows nothing of the platform's keys and settings", { skip }, async () => {
  process.env.MILL_KEY = "secret";
  const { ended, lines } = await run(`${JOB}print(sorted(n for n in os.environ if n.startswith("MILL_")))\n${SAVED}`);
  delete process.env.MILL_KEY;
  await ended;
  assert.deepEqual(lines, ["['MILL_JOB']"]);
});

/** A process that has ended and waits to be reaped does not run. */
async function runs(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
  return !stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
}
