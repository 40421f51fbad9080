/** What a Python trainer costs beside its script: `npm run bench python`. The environment is there; both sides in turns. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LABEL } from "../../features/index.ts";
import { createLocalEngine } from "../../ports/engines/index.ts";
import { createFileObjects } from "../../ports/objects/index.ts";
import { createEnvironments } from "../../ports/python/index.ts";
import { openRecords } from "../../ports/records/index.ts";
import { openDuckDb } from "../../ports/tables/index.ts";
import { createLedger, type StepKind } from "../../steps/index.ts";
import { fit } from "./fit.ts";
import { JOB_MODULE } from "./programs.ts";

const TURNS = 15;
const ROWS = 20_000;
const SCRIPT = `import millwright
job = millwright.job()
total = sum(value * value for value in range(1_000_000))
job.log(total=total)
(job.output / "model.onnx").write_bytes(b"a graph")
`;

const folder = mkdtempSync(join(tmpdir(), "mill-python-bench-"));
const records = await openRecords(join(folder, "mill.db"));
const objects = createFileObjects(join(folder, "objects"));
const python = { folder: join(folder, "python"), python: "python3" };
const environments = createEnvironments(python);
const lock = { ...(await environments.interpreter()), requirements: [], packages: [], text: "" };
const opened = await environments.open(lock, { signal: new AbortController().signal, log() {} });
const put = (value: unknown) => objects.put(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));

const tables = openDuckDb({ threads: 1, memoryMb: 300, tempFolder: folder });
const columns = Array.from({ length: 20 }, (_, at) => `random() AS f${at}`).join(", ");
const data = join(folder, "train.parquet");
await tables.run(`COPY (SELECT ${columns}, random() AS ${LABEL} FROM range(${ROWS})) TO '${data}' (FORMAT parquet)`);
tables.close();
const input = {
  ...{ train: await objects.putFile(data), lock: await put(lock), model: "bench", task: "regression", classes: [], params: {} },
  features: Array.from({ length: 20 }, (_, at) => `f${at}`),
  ...{ script: "train.py", files: [{ path: "train.py", digest: await put(SCRIPT) }] },
};

const stored = { kind: "files", folder: join(folder, "objects"), encrypted: false, workspace: folder };
const kinds = [fit] as unknown as readonly StepKind<never>[];
const steps = join(folder, "steps");
const main = join(import.meta.dirname, "../../main.ts");
const environment = { ...process.env, MILL_STEP_OBJECTS: JSON.stringify(stored), MILL_STEP_PYTHON: JSON.stringify(python) };
const engine = createLocalEngine({ command: [process.execPath, main], folder: steps, environment });
const ledger = createLedger({ records, objects, kinds, engines: [engine], folder: steps, environment: {} });

async function asStep(seed: number): Promise<number> {
  const startedMs = performance.now();
  const request = { kind: "fit", target: "model/bench", runId: null, memoryMb: 2000, threads: 1 };
  const signal = new AbortController().signal;
  const outcome = await ledger.execute({ ...request, input: { ...input, seed }, signal, onLog() {}, onProgress() {} });
  if (outcome.state !== "succeeded") throw new Error(JSON.stringify(outcome));
  return performance.now() - startedMs;
}

const bare = join(folder, "bare");
mkdirSync(join(bare, "output"), { recursive: true });
symlinkSync(JOB_MODULE, join(bare, "millwright.py"));
writeFileSync(join(bare, "train.py"), SCRIPT);
const told = { ...input, seed: 0, features: [], threads: 1, data, label: LABEL };
writeFileSync(join(bare, "job.json"), JSON.stringify({ ...told, output: join(bare, "output"), events: join(bare, "events") }));

async function alone(): Promise<number> {
  const startedMs = performance.now();
  const env = { ...process.env, MILL_JOB: join(bare, "job.json") };
  const [code] = await once(spawn(opened.python, ["train.py"], { cwd: bare, env, stdio: "inherit" }), "exit");
  if (code !== 0) throw new Error(`the bare script ended with ${code}`);
  return performance.now() - startedMs;
}

const first = await asStep(0);
const taken: { readonly step: number; readonly script: number }[] = [];
for (let turn = 1; turn <= TURNS; turn++) taken.push({ script: await alone(), step: await asStep(turn) });

const sorted = (of: (one: (typeof taken)[number]) => number) => taken.map(of).sort((a, b) => a - b);
const line = (name: string, of: (one: (typeof taken)[number]) => number) => {
  const values = sorted(of);
  console.log(`${name.padEnd(34)} ${values[0]!.toFixed(0).padStart(8)} ${values[values.length >> 1]!.toFixed(0).padStart(8)}`);
};
console.log(`${TURNS} turns, ${ROWS} rows of 20 features, ms${" ".repeat(12)}best   median`);
line("the bare script", ({ script }) => script);
line("as a step, in a process that is there", ({ step }) => step);
line("over the bare script", ({ step, script }) => step - script);
console.log(
  `the first step, which starts the process of steps: ${(first - sorted(({ script }) => script)[TURNS >> 1]!).toFixed(0)} over it`,
);

await ledger.close();
await records.close();
rmSync(folder, { recursive: true, maxRetries: 3 });
process.exit();
