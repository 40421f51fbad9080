import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest, Json } from "../../base/index.ts";
import { LABEL } from "../../features/index.ts";
import { readJson } from "../../ports/objects/index.ts";
import { type Lock, runScript } from "../../ports/python/index.ts";
import type { StepContext, StepKind } from "../../steps/index.ts";
import type { Fitted } from "./fitted.ts";
import { layOut } from "./lay-out.ts";
import { createRunLog } from "./log-to-run.ts";
import { JOB_MODULE, NOTEBOOK_PROGRAM } from "./programs.ts";
import { storeSaved } from "./saved-model.ts";
import { followEvents, type LoggedMetrics } from "./script-events.ts";
import { type TrainingRows, writeTrainingData } from "./training-data.ts";

export interface FitInput extends TrainingRows {
  /** Name of the model, for the script and its log. */
  readonly model: string;
  /** Path of the script among `files`: Python, or a notebook. */
  readonly script: string;
  /** What lies beside each other when it runs. */
  readonly files: readonly ScriptFile[];
  readonly params: Readonly<Record<string, Json>>;
  readonly seed: number;
  /** Of the environment's lock, an object. */
  readonly lock: Digest;
}

export interface ScriptFile {
  readonly path: string;
  readonly digest: Digest;
}

/** Folders of a script, in the scratch of its step. */
interface Places {
  /** Where it runs, beside its files. */
  readonly work: string;
  readonly output: string;
  /** Whence it imports `millwright`. */
  readonly modules: string;
  readonly job: string;
  readonly data: string;
  readonly events: string;
  /** What becomes of a notebook. */
  readonly notebook: string;
}

/** Runs a user's script in its environment: data and parameters as files, its output as the log, what it saved as objects. */
export const fit: StepKind<FitInput> = {
  name: "fit",
  revision: 1,
  varies: true,
  async run(input, context) {
    const lock = await readJson<Lock>(context.objects, input.lock);
    const { python } = await context.environments.open(lock, context);
    const places = await makePlaces(context.scratch);
    await layOut(input.files, context.objects, places.work);
    const { rowCount, features } = await writeTrainingData(input, places.data, context);
    await writeJob(input, { ...places, features, threads: context.threads });
    const metrics = await runInIt(python, input, places, context);
    const { framework, files } = await storeSaved(places.output, places.work, context);
    const { task, classes } = input;
    const fitted: Fitted = { framework, task, classes, features, files, lock: input.lock };
    const byRole = Object.fromEntries(files.map(({ digest }, index) => [`file-${index}`, digest]));
    const notebook = isNotebook(input) ? { notebook: await context.objects.putFile(places.notebook) } : {};
    return {
      objects: { fitted: await context.objects.put(Buffer.from(JSON.stringify(fitted))), ...byRole, ...notebook },
      facts: { framework, metrics, rows: rowCount, packages: lock.packages.length, params: input.params as Json },
      measurements: [],
    };
  },
};

const isNotebook = ({ script }: FitInput) => script.endsWith(".ipynb");

async function makePlaces(scratch: string): Promise<Places> {
  const places = {
    ...{ work: join(scratch, "work"), output: join(scratch, "output"), modules: join(scratch, "modules") },
    ...{ job: join(scratch, "job.json"), data: join(scratch, "train.parquet"), events: join(scratch, "events.jsonl") },
    notebook: join(scratch, "notebook.ipynb"),
  };
  for (const folder of [places.work, places.output, places.modules]) await mkdir(folder, { recursive: true });
  await symlink(JOB_MODULE, join(places.modules, "millwright.py"));
  return places;
}

async function writeJob(
  { model, task, classes, params, seed }: FitInput,
  { features, threads, data, output, events, job }: Places & Pick<Fitted, "features"> & { readonly threads: number },
): Promise<void> {
  const told = { model, task, classes, features, params, seed, threads, data, label: LABEL, output, events };
  await writeFile(job, JSON.stringify(told), { mode: 0o600 });
}

/** The metrics that the script logged, each as it was last. Errors: `python.script`. */
async function runInIt(python: string, input: FitInput, places: Places, context: StepContext): Promise<LoggedMetrics["metrics"]> {
  const { [UNTRACKED]: untracked, ...variables } = context.variables;
  const { MLFLOW_TRACKING_PASSWORD: password } = variables;
  const runLog = openRunLog(variables, context.signal);
  if (runLog === null) context.log(untracked ? `This run is not tracked: ${untracked}` : NOT_REACHED);
  runLog?.params(input.params);
  const latest = new Map<string, number | string>();
  const following = followEvents(places.events, {
    metrics(logged) {
      runLog?.metrics(logged);
      for (const [name, value] of Object.entries(logged.metrics))
        if (latest.has(name) || latest.size < METRICS_MAX) latest.set(name, value);
    },
    progress: (done, total, note) => context.progress(done, total, note),
  });
  const script = join(places.work, input.script);
  const notebook = isNotebook(input);
  try {
    await runScript({
      python,
      path: notebook ? NOTEBOOK_PROGRAM : script,
      words: notebook ? [script, places.notebook] : [],
      cwd: places.work,
      variables: { ...variables, MILL_JOB: places.job, PYTHONPATH: places.modules },
      threads: context.threads,
      signal: context.signal,
      onLine: (line) => context.log(password === undefined ? line : line.replaceAll(password, "***")),
    });
  } finally {
    await following.end();
    for (const fault of (await runLog?.end()) ?? []) context.log(fault);
  }
  return Object.fromEntries([...latest].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Why an attempt is not tracked, in the place of the address. */
export const UNTRACKED = "MILL_UNTRACKED";
const NOT_REACHED = "This run is not tracked: Millwright's tracking is not reached from where the step runs.";

function openRunLog(variables: StepContext["variables"], signal: AbortSignal) {
  const { MLFLOW_TRACKING_URI: address, MLFLOW_RUN_ID: run } = variables;
  const { MLFLOW_TRACKING_USERNAME: username, MLFLOW_TRACKING_PASSWORD: password } = variables;
  if (address === undefined || username === undefined || password === undefined || run === undefined) return null;
  return createRunLog({ address, username, password, run }, signal);
}

/** A manifest is small: who logs more names has the rest in tracking. */
const METRICS_MAX = 1000;
