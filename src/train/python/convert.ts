/**
 * A model that a script saved, as a graph: its framework's converter writes ONNX, which is wrapped to our inputs and output and held against what the
 * framework itself answers. What is one tree or linear model becomes our own; what cannot be a graph stays with a Python process.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, type Json, MillError } from "../../base/index.ts";
import type { Task } from "../../contract/index.ts";
import { readPart } from "../../features/index.ts";
import type { Frame, Predictor } from "../../learn/index.ts";
import { decodeOnnx, encodeOnnx } from "../../onnx/index.ts";
import { readJson } from "../../ports/objects/index.ts";
import { type Interpreter, type Lock, runProgram } from "../../ports/python/index.ts";
import { createOnnxruntimeScoring, type Session } from "../../ports/scoring/index.ts";
import type { StepContext, StepKind } from "../../steps/index.ts";
import type { ForeignModel } from "../trained.ts";
import { largestDifference, TOLERANCE, trials } from "./compare.ts";
import { converterRequirements } from "./converters.ts";
import type { Fitted } from "./fitted.ts";
import { inlinePredictor } from "./inline.ts";
import { layOut } from "./lay-out.ts";
import { openFitted } from "./open-fitted.ts";
import { CONVERT_PROGRAM } from "./programs.ts";
import { type Converted, wrapGraph } from "./wrap-graph.ts";

export interface ConvertInput {
  readonly model: string;
  readonly fitted: Digest;
  /** `file-0` and so on of the fit. */
  readonly files: readonly Digest[];
  readonly lock: Digest;
  readonly train: Digest;
  readonly features: readonly string[];
  readonly task: Task;
  readonly classes: readonly string[];
  readonly interpreter: Interpreter | null;
  /** Version of the installed ONNX Runtime; null: graphs cannot be run, and are not made. */
  readonly runtime: string | null;
}

const SAMPLE_ROWS = 2000;
const ONNX_BYTES_MAX = 512 * 2 ** 20;

export const convert: StepKind<ConvertInput> = {
  name: "convert",
  revision: 1,
  varies: true,
  async run(input, context) {
    const fitted = await readJson<Fitted>(context.objects, input.fitted);
    const data = await readPart(input.train, { ...input, sampleRows: SAMPLE_ROWS }, context);
    const made = await graphOf(fitted, input, context);
    const found = "why" in made ? made : await proven(made, fitted, data.X, input, context);
    const roles = { fitted: input.fitted, lock: input.lock };
    const facts = { framework: fitted.framework, rows: Math.min(data.X.rowCount, SAMPLE_ROWS), why: null };
    if ("why" in found) {
      context.log(`no graph: ${found.why}`);
      await requireAnswers(fitted, data.X, input, context);
      const model = await store(
        { format: "foreign", form: "python", fitted, onnx: null, why: found.why, lock: input.lock },
        context,
      );
      const files = Object.fromEntries(fitted.files.map(({ digest }, index) => [`file-${index}`, digest]));
      return { objects: { model, ...roles, ...files }, facts: { ...facts, form: "python", why: found.why }, measurements: [] };
    }
    const told = { ...facts, largest: found.largest, takesMissing: found.takesMissing };
    if (found.predictor !== null) {
      const model = await store(found.predictor.toJson(), context);
      return { objects: { model, ...roles }, facts: { ...told, form: "inline" }, measurements: [] };
    }
    const onnx = await context.objects.put(found.onnx);
    const model = await store({ format: "foreign", form: "onnx", fitted, onnx, why: null, lock: input.lock }, context);
    return { objects: { model, onnx, ...roles }, facts: { ...told, form: "onnx" }, measurements: [] };
  },
};

const store = (json: ForeignModel | Json, { objects }: StepContext) => objects.put(Buffer.from(JSON.stringify(json)));

interface Unfit {
  readonly why: string;
}

interface Graph {
  readonly bytes: Uint8Array;
  readonly converted: Converted;
}

/** What the framework's converter writes, in an environment that has it. */
async function graphOf(fitted: Fitted, input: ConvertInput, context: StepContext): Promise<Unfit | Graph> {
  if (input.runtime === null) return { why: "onnxruntime-node is not installed, which runs graphs" };
  context.progress(0, 3, `converting a model of ${fitted.framework}`);
  const python = await converterPython(fitted, input, context);
  if ("why" in python) return python;
  const [folder, out, job] = ["model", "converted", "job.json"].map((name) => join(context.scratch, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(out);
  await layOut(fitted.files, context.objects, folder);
  const { task, classes, features } = fitted;
  await writeFile(job, JSON.stringify({ task, classes, features }));
  const { PATH, LANG = "C.UTF-8" } = process.env;
  const { code, stderr } = await runProgram([python.python, "-I", "-B", CONVERT_PROGRAM, folder, job, out], {
    signal: context.signal,
    cwd: context.scratch,
    environment: { PATH, LANG, HOME: context.scratch, TMPDIR: context.scratch, PYTHONUTF8: "1", CUDA_VISIBLE_DEVICES: "-1" },
  });
  if (code !== 0) {
    context.log(stderr);
    return {
      why: `the converter ended with ${code === null ? "a signal" : `status ${code}`}: ${stderr.trim().split("\n").at(-1)}`,
    };
  }
  const converted = JSON.parse(await readFile(join(out, "converted.json"), "utf8")) as Converted & { readonly why?: string };
  if (converted.why === undefined) return { bytes: await readFile(join(out, "model.onnx")), converted };
  context.log(stderr);
  return { why: converted.why };
}

/** Where converters do not go with the model's own packages, the reason. */
async function converterPython(
  fitted: Fitted,
  { lock: digest }: ConvertInput,
  { objects, environments, ...context }: StepContext,
) {
  const making = { signal: context.signal, log: context.log };
  const lock = await readJson<Lock>(objects, digest);
  const requirements = converterRequirements(fitted.framework, lock);
  if (requirements === null) return environments.open(lock, making);
  try {
    return await environments.open(await environments.lock(requirements, making), making);
  } catch (error) {
    if (!(error instanceof MillError) || error.code !== "python.requirement") throw error;
    return {
      why: `the converters for ${fitted.framework} do not go together with the model's packages: ${error.got ?? error.message}`,
    };
  }
}

interface Proven {
  readonly onnx: Uint8Array;
  /** The model as one of our own, where it can be. */
  readonly predictor: Predictor | null;
  readonly largest: number;
  readonly takesMissing: boolean;
}

/** The graph, wrapped, when it answers as the framework does; of an ONNX file of the script's own the graph is all there is. */
async function proven(
  graph: Graph,
  fitted: Fitted,
  X: Frame,
  input: ConvertInput,
  context: StepContext,
): Promise<Proven | Unfit> {
  const wrapped = await openWrapped(graph, input);
  if ("why" in wrapped) return wrapped;
  const { onnx, session, predictor } = wrapped;
  const worker = fitted.framework === "onnx" ? null : await openFitted(fitted, input.lock, context);
  try {
    context.progress(1, 3, "comparing the graph with the model");
    const native = worker ?? session;
    const { rows, takesMissing } = await trials(X, native);
    const largest = await largestDifference(native, session, rows, input.task);
    if (largest > TOLERANCE) return { why: tooFar(largest, rows.rowCount, fitted) };
    if (predictor !== null && (takesMissing || !isLinear(predictor))) {
      const own = { score: async (frame: Frame) => ({ values: predictor.predict(frame), width: predictor.outputs }) };
      const difference = await largestDifference(native, own, rows, input.task);
      if (difference <= TOLERANCE) return { onnx, predictor, largest: difference, takesMissing };
    }
    return { onnx, predictor: null, largest, takesMissing };
  } catch (error) {
    if (!(error instanceof MillError) || error.code !== "scoring.failed") throw error;
    return { why: error.message };
  } finally {
    await Promise.all([session.close(), worker?.close()]);
  }
}

/** Ours takes a missing number for its mean of 0, where the framework refuses the row: then the graph, which answers that it does not know, is the better one. */
const isLinear = ({ estimator }: Predictor) => estimator === "imported-linear";

async function openWrapped(
  { bytes, converted }: Graph,
  input: ConvertInput,
): Promise<Unfit | (Pick<Proven, "onnx" | "predictor"> & { readonly session: Session })> {
  try {
    const decoded = decodeOnnx(bytes, { sizeBytesMax: ONNX_BYTES_MAX });
    const onnx = encodeOnnx(wrapGraph(decoded, converted, input));
    const session = await createOnnxruntimeScoring({ threads: 1 }).open(onnx);
    return { onnx, session, predictor: inlinePredictor(decoded, converted, input) };
  } catch (error) {
    if (!(error instanceof MillError) || !/^(onnx|scoring)\./.test(error.code)) throw error;
    return { why: [error.message, error.got].filter(Boolean).join(" ") };
  }
}

const tooFar = (largest: number, rows: number, { framework }: Fitted) =>
  `on ${rows} rows the graph differs from ${framework} by ${Number.isFinite(largest) ? largest.toPrecision(3) : "a missing answer"}, more than ${TOLERANCE}`;

/** A model that its own framework cannot ask serves nobody. Errors: those of `openFitted` and its `score`. */
async function requireAnswers(fitted: Fitted, X: Frame, input: ConvertInput, context: StepContext): Promise<void> {
  context.progress(2, 3, "asking the model in a Python process");
  const worker = await openFitted(fitted, input.lock, context);
  try {
    await worker.score(X);
  } finally {
    await worker.close();
  }
}
