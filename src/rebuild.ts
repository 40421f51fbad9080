/** Makes a model again from a recipe, in a folder of its own: no project, no workspace. Loaded by `mill rebuild`. */
import { mkdtemp, readdir, readFile, rename, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Digest, eventQueue, type Json, MillError } from "./base/index.ts";
import type { RebuildingLine, RebuildRequest } from "./cli/index.ts";
import { configuredPython } from "./configured.ts";
import type { Config, Recipe } from "./contract/index.ts";
import { configuredEngines, stepEnvironment } from "./engines.ts";
import { lockWorkspace } from "./guard/index.ts";
import {
  type Bench,
  digestOfParcel,
  digestOfRecipe,
  otherRecipe,
  parseRecipe,
  rebuild,
  recipeText,
  STEP_KINDS,
  unpackParcel,
} from "./orchestrate/index.ts";
import { type Objects, type ObjectsSpec, openObjects } from "./ports/objects/index.ts";
import { createEnvironments } from "./ports/python/index.ts";
import { openRecords } from "./ports/records/index.ts";
import { installedOnnxruntime } from "./ports/scoring/index.ts";
import { resultEnvironment, STEP_COMMAND } from "./step-process.ts";
import { createLedger } from "./steps/index.ts";

/** The recipe that a folder holds whole; written last. */
const RECIPE = "recipe.json";
/** It is being taken in, or that broke off. */
const MARKER = "receiving";
const NO_SECRETS = { resolve: async () => Promise.reject(new Error("a rebuild has no secrets")) };

/**
 * Lines as it goes on; the last is `rebuilt`. A folder that is kept goes on where an earlier rebuild of the same recipe ended.
 * Errors: those of `rebuild` and `unpackParcel`, `recipe.not-empty`, `recipe.too-large`, `guard.workspace-locked`.
 */
export function rebuildRecipe(request: RebuildRequest, config: Config): AsyncIterable<RebuildingLine> {
  const queue = eventQueue<RebuildingLine>();
  void queue.closeWith(inFolder(request, (folder) => carryOut(folder, request, config, queue.push)));
  return queue.events;
}

async function inFolder({ keep }: RebuildRequest, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = keep ?? (await mkdtemp(join(tmpdir(), "mill-rebuild-")));
  if (keep !== null) await requireOwn(keep);
  const lock = await lockWorkspace(folder);
  try {
    await use(folder);
  } finally {
    await lock.release();
    if (keep === null) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function requireOwn(folder: string): Promise<void> {
  const names: readonly string[] = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (names.length === 0 || names.includes(RECIPE) || names.includes(MARKER)) return;
  throw new MillError("recipe.not-empty", "A model is rebuilt in a folder of its own.", {
    at: folder,
    expected: "a folder that is not there yet, is empty, or was kept of an earlier rebuild",
    got: `${names[0]} in it`,
    fix: "Name another folder with --keep.",
  });
}

async function carryOut(
  folder: string,
  request: RebuildRequest,
  config: Config,
  push: (line: RebuildingLine) => void,
): Promise<void> {
  const stored: ObjectsSpec = { kind: "files", folder: join(folder, "objects"), encrypted: false };
  const objects = openObjects(stored);
  try {
    const recipe = (await keptRecipe(folder, request)) ?? (await receive(folder, request, objects, push));
    const digest = digestOfRecipe(recipe);
    const { bench, close } = await openBench(folder, config, { stored, objects });
    try {
      const rebuilt = await rebuild(bench, recipe, request, push);
      if (request.keep !== null) await writeBundle(folder, rebuilt.bundle, objects);
      push({ event: "rebuilt", digest, folder: request.keep, ...rebuilt });
    } finally {
      await close();
    }
  } finally {
    await objects.close();
  }
}

/** What the folder holds already; null: nothing whole. Errors: `recipe.other`. */
async function keptRecipe(folder: string, request: RebuildRequest): Promise<Recipe | null> {
  const path = join(folder, RECIPE);
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) return null;
  const recipe = parseRecipe(text, path);
  const { at, expected, digest } = request;
  const wanted = expected ?? (digest ? await digest() : await digestOfParcel(await request.content(), at));
  const found = digestOfRecipe(recipe);
  if (found !== wanted) throw otherRecipe(folder, wanted, found);
  return recipe;
}

async function receive(
  folder: string,
  { at, expected, content, signal }: RebuildRequest,
  objects: Objects,
  push: (line: RebuildingLine) => void,
): Promise<Recipe> {
  await writeFile(join(folder, MARKER), "", { mode: 0o600 });
  const started = performance.now();
  let total = 0;
  push({ event: "step-started", id: RECEIVED, why: `from ${at}` });
  const recipe = await unpackParcel(until(signal, await content()), objects, {
    ...{ at, expected },
    async begin(found) {
      total = found.objects.length;
      await requireRoom(folder, found);
    },
    progress: (done, bytes) => push({ event: "step-progress", id: RECEIVED, done, total, note: `${bytes} bytes` }),
  });
  const path = join(folder, RECIPE);
  await writeFile(`${path}.half`, recipeText(recipe), { mode: 0o600 });
  await rename(`${path}.half`, path);
  await rm(join(folder, MARKER), { force: true });
  const [sentence, wallMs] = [digestOfRecipe(recipe), performance.now() - started];
  push({ event: "step-finished", id: RECEIVED, standing: "received", sentence, wallMs });
  return recipe;
}

const RECEIVED = "recipe";

async function* until(signal: AbortSignal, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    if (signal.aborted)
      throw new MillError("cli.interrupted", "Interrupted; what was taken in of the recipe is not enough to go on.", {
        fix: "Run the same command again.",
      });
    yield chunk;
  }
}

async function requireRoom(folder: string, { objects }: Recipe): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const [free, needed] = [bavail * bsize, objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)];
  if (needed <= free) return;
  throw new MillError("recipe.too-large", "The disk has no room for what the recipe brings.", {
    at: folder,
    expected: `${needed} bytes`,
    got: `${free} bytes`,
    fix: "Free some space, or name a folder on another disk with --keep.",
  });
}

async function openBench(
  folder: string,
  configured: Config,
  { stored, objects }: { readonly stored: ObjectsSpec; readonly objects: Objects },
): Promise<{ readonly bench: Bench; close(): Promise<void> }> {
  const config: Config = { ...configured, workspace: folder, objects: null, on: "local", slurmUrl: null };
  const records = await openRecords(join(folder, "mill.db"));
  try {
    const steps = join(folder, "steps");
    const engines = await configuredEngines(config, {
      command: STEP_COMMAND,
      folder: steps,
      environment: stepEnvironment(process.env, config, stored),
      secrets: NO_SECRETS,
    });
    const environment = resultEnvironment();
    const ledger = createLedger({ records, objects, engines, folder: steps, kinds: STEP_KINDS, environment });
    await ledger.recover();
    const here = {
      revisions: new Map(STEP_KINDS.map(({ name, revision }) => [name, revision])),
      environment,
      runtime: installedOnnxruntime(),
      interpreter: () => ownPython(config),
    };
    const close = async () => {
      await ledger.close();
      await records.close();
    };
    return { bench: { ledger, kinds: STEP_KINDS, here, threads: config.threads, memoryMb: config.memoryMb }, close };
  } catch (error) {
    await records.close();
    throw error;
  }
}

async function ownPython(config: Config): Promise<Json | null> {
  try {
    return { ...(await createEnvironments(configuredPython(config, process.env)).interpreter()) };
  } catch (thrown) {
    if (thrown instanceof MillError && thrown.code === "python.missing") return null;
    throw thrown;
  }
}

/** The rebuilt model as files, beside what it was made in. */
async function writeBundle(folder: string, bundle: Readonly<Record<string, Digest>> | null, objects: Objects): Promise<void> {
  const names = { onnx: "model.onnx", manifest: "manifest.json" } as const;
  for (const [role, name] of Object.entries(names)) {
    const digest = bundle?.[role];
    if (digest) await writeFile(join(folder, name), objects.read(digest), { mode: 0o600 });
  }
}
