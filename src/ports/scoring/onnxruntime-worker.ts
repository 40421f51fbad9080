/** The thread of one session: it loads the model it was started with, then answers one request after the other. */
import { parentPort, workerData } from "node:worker_threads";
import type * as Onnxruntime from "onnxruntime-node";
import { errorToJson, MillError } from "../../base/index.ts";
import type { Frame } from "../../learn/index.ts";
import { type GraphInput, graphInputs, type InputData, inputBatch } from "./inputs.ts";
import { callNative } from "./native-calls.ts";
import type { Answer, Opened, Request, Scores, WorkerOptions } from "./onnxruntime.ts";

/** A graph may widen a row to thousands of columns: batches of 4,096 rows took 930 MB where these take 390, and were slower. */
const BATCH_ROWS_MAX = 1024;
const port = parentPort!;

interface Model {
  readonly inputs: readonly GraphInput[];
  readonly output: string;
  /** As the graph declares it, for frames without rows; 1 when the graph leaves it open. */
  readonly declaredWidth: number;
  runBatch(feeds: Readonly<Record<string, InputData>>, rowCount: number): Promise<ArrayLike<number>>;
  release(): Promise<void>;
}

const model = loadModel(workerData as WorkerOptions);
let queue = answer(0, model, ({ inputs }): Opened => ({ inputs: inputs.map(({ name }) => name) }));
port.on("message", (request: Request) => {
  queue = queue.then(() =>
    "close" in request ? close(request.id) : answer(request.id, model, (loaded) => score(loaded, request)),
  );
});

async function answer<T>(
  id: number,
  subject: Promise<T>,
  give: (subject: T) => Opened | Scores | Promise<Scores>,
): Promise<void> {
  try {
    const value = await give(await subject);
    post({ id, value }, "values" in value ? [value.values.buffer as ArrayBuffer] : []);
  } catch (thrown) {
    post({ id, error: errorToJson(asScoringError(thrown)) });
  }
}

async function close(id: number): Promise<void> {
  await (await model).release();
  post({ id, value: null });
  port.close();
}

function post(message: Answer, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

async function score(loaded: Model, { rowCount, columns }: Pick<Frame, "rowCount" | "columns">): Promise<Scores> {
  if (rowCount === 0) return { values: new Float64Array(0), width: loaded.declaredWidth };
  let values: Float64Array | null = null;
  let width = 0;
  for (let from = 0; from < rowCount; from += BATCH_ROWS_MAX) {
    const to = Math.min(from + BATCH_ROWS_MAX, rowCount);
    const feeds = Object.fromEntries(
      loaded.inputs.map((input) => [input.name, inputBatch(input, columns[input.name]!, from, to)]),
    );
    const batch = await loaded.runBatch(feeds, to - from);
    width = batch.length / (to - from);
    values ??= new Float64Array(rowCount * width);
    if (!Number.isInteger(width) || values.length !== rowCount * width)
      throw unevenOutput(loaded.output, batch.length, to - from);
    values.set(batch, from * width);
  }
  return { values: values!, width };
}

async function loadModel({ module, threads, onnx, calls }: WorkerOptions): Promise<Model> {
  const { InferenceSession, Tensor } = await loadRuntime(module);
  const session = await callNative(calls, () => createSession(InferenceSession, onnx, threads));
  const inputs = graphInputs(session.inputMetadata);
  const output = floatOutput(session.outputMetadata);
  const last = output.shape.at(-1);
  return {
    inputs,
    output: output.name,
    declaredWidth: output.shape.length > 1 && typeof last === "number" ? last : 1,
    async runBatch(feeds, rowCount) {
      const tensors = inputs.map(({ name, type }) => [name, new Tensor(type, feeds[name]! as never, [rowCount, 1])]);
      const results = await callNative(calls, () => session.run(Object.fromEntries(tensors), [output.name]));
      return results[output.name]!.data as ArrayLike<number>;
    },
    release: () => callNative(calls, () => session.release()),
  };
}

async function loadRuntime(module: string): Promise<typeof Onnxruntime> {
  try {
    return await import(module);
  } catch (cause) {
    throw new MillError("scoring.unavailable", `ONNX Runtime is not installed: the package ${module} cannot be loaded.`, {
      got: cause instanceof Error ? cause.message : String(cause),
      fix:
        "Run `npm install onnxruntime-node` in the project. Where the network is closed, set ONNXRUNTIME_NODE_INSTALL=skip for that " +
        "command: it leaves out the download of the GPU library, which is not used here.",
      cause,
    });
  }
}

async function createSession(InferenceSession: typeof Onnxruntime.InferenceSession, onnx: Uint8Array, threads: number) {
  try {
    return await InferenceSession.create(onnx, {
      executionProviders: ["cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 4,
    });
  } catch (cause) {
    throw badModel("ONNX Runtime cannot load the model.", "a valid ONNX graph with operators it knows", String(cause), cause);
  }
}

function floatOutput(outputs: readonly Onnxruntime.InferenceSession.ValueMetadata[]) {
  const floats = outputs.filter((output) => output.isTensor).filter(({ type }) => type === "float32" || type === "float64");
  if (floats.length === 1) return floats[0]!;
  const got = outputs.map((output) => `${output.name} (${output.isTensor ? output.type : "no tensor"})`).join(", ");
  throw badModel("The model does not say which output holds the scores.", "one output of float or double", got);
}

const badModel = (message: string, expected: string, got: string, cause?: unknown) =>
  new MillError("scoring.bad-model", message, { expected, got, fix: "Export the model again, or train it again.", cause });

const unevenOutput = (output: string, length: number, rowCount: number) =>
  new MillError("scoring.failed", `The output "${output}" does not hold the same number of scores for each row.`, {
    expected: `a multiple of ${rowCount} values`,
    got: `${length} values`,
    fix: "Export the model with a free batch dimension.",
  });

function asScoringError(thrown: unknown): MillError {
  if (thrown instanceof MillError) return thrown;
  return new MillError(
    "scoring.failed",
    `ONNX Runtime could not score the rows: ${thrown instanceof Error ? thrown.message : thrown}`,
    {
      fix: "Check that the rows have the columns and values that the model was trained on.",
    },
  );
}
