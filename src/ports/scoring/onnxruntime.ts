import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { type ErrorJson, errorFromJson, MillError } from "../../base/index.ts";
import type { Frame, NumberColumn, TextColumn } from "../../learn/index.ts";
import { createExitGuard, createNativeCalls, type NativeCalls } from "./native-calls.ts";
import type { Scoring, Session } from "./scoring.ts";

export interface OnnxruntimeOptions {
  /** Threads inside one call of a graph; default 1. */
  readonly threads?: number;
  /** The most JavaScript memory a session's worker may use; default Node's own limit. */
  readonly heapMbMax?: number;
  /** The package to load; default `onnxruntime-node`. */
  readonly module?: string;
}

/** What the worker is started with. */
export interface WorkerOptions {
  readonly module: string;
  readonly threads: number;
  readonly onnx: Uint8Array;
  readonly calls: NativeCalls;
}

export type Request =
  | { readonly id: number; readonly rowCount: number; readonly columns: Frame["columns"] }
  | { readonly id: number; readonly close: true };

/** The first answer, to id 0, says that the model is loaded and which columns it reads. */
export type Answer =
  | { readonly id: number; readonly value: Opened | Scores | null }
  | { readonly id: number; readonly error: ErrorJson };

export interface Opened {
  readonly inputs: readonly string[];
}

export interface Scores {
  readonly values: Float64Array;
  readonly width: number;
}

/**
 * ONNX Runtime on the CPU. Its `run` blocks the thread that calls it, so each session has a worker thread of its own; the worker keeps the
 * process alive only while something is asked of it. A frame is scored in batches of at most 1,024 rows.
 */
export function createOnnxruntimeScoring(options: OnnxruntimeOptions = {}): Scoring {
  const exitGuard = createExitGuard();
  return {
    name: "onnxruntime",
    open(onnx) {
      const calls = createNativeCalls();
      exitGuard.add(calls);
      return openSession(onnx, calls, options, () => exitGuard.remove(calls));
    },
  };
}

async function openSession(
  onnx: Uint8Array,
  calls: NativeCalls,
  options: OnnxruntimeOptions,
  onExit: () => void,
): Promise<Session> {
  const { threads = 1, heapMbMax, module = "onnxruntime-node" } = options;
  const copy = new Uint8Array(onnx);
  const workerData: WorkerOptions = { module, threads, onnx: copy, calls };
  const worker = new Worker(new URL(`./onnxruntime-worker${extname(import.meta.filename)}`, import.meta.url), {
    workerData,
    transferList: [copy.buffer],
    execArgv: [],
    ...(heapMbMax !== undefined && { resourceLimits: { maxOldGenerationSizeMb: heapMbMax } }),
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: MillError): void }>();
  let nextId = 0;
  let ended = false;
  let closing: Promise<void> | null = null;

  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve())).then(onExit);
  const opened = waitFor<Opened>(nextId++);
  worker.on("message", settle);
  worker.on("error", (cause) => end(failed(`The scoring thread died: ${cause.message}`, cause)));
  worker.on("exit", (status) => end(failed(`The scoring thread ended early, with status ${status}.`)));
  const { inputs } = await opened.catch(async (error) => {
    await worker.terminate();
    throw error;
  });

  return {
    async score(X) {
      if (closing || ended) throw closedError();
      const columns = Object.fromEntries(inputs.map((name) => [name, compact(columnOf(X, name))]));
      return send<Scores>({ id: nextId++, rowCount: X.rowCount, columns });
    },
    close: () => (closing ??= ended ? exited : send<null>({ id: nextId++, close: true }).then(leave, leave)),
  };

  function send<T>(request: Request): Promise<T> {
    const answer = waitFor<T>(request.id);
    worker.postMessage(request);
    return answer;
  }

  function waitFor<T>(id: number): Promise<T> {
    worker.ref();
    return new Promise<T>((resolve, reject) => {
      waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
  }

  function settle(answer: Answer): void {
    const asked = waiting.get(answer.id)!;
    waiting.delete(answer.id);
    if (waiting.size === 0) worker.unref();
    if ("error" in answer) asked.reject(errorFromJson(answer.error));
    else asked.resolve(answer.value);
  }

  function end(error: MillError): void {
    ended = true;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  /** The worker ends by itself once it has let go of the model. */
  function leave(): Promise<void> {
    worker.ref();
    return exited;
  }
}

function columnOf(X: Frame, name: string): NumberColumn | TextColumn {
  const column = Object.hasOwn(X.columns, name) ? X.columns[name] : undefined;
  if (column) return column;
  throw new MillError("scoring.bad-input", `The model reads a column "${name}", which the rows do not have.`, {
    at: name,
    got: `the columns ${Object.keys(X.columns).join(", ")}`,
    fix: "Score rows with the columns that the model was trained on.",
  });
}

/** A copy when the column is a window on a larger buffer: posting it would copy the whole buffer. */
function compact(column: NumberColumn | TextColumn): NumberColumn | TextColumn {
  if (column.kind === "number") return { kind: "number", values: own(column.values) };
  return { kind: "text", codes: own(column.codes), texts: column.texts };
}

const own = <T extends Float64Array | Int32Array>(array: T): T =>
  array.buffer instanceof ArrayBuffer && array.buffer.byteLength > array.byteLength ? (array.slice() as T) : array;

const failed = (message: string, cause?: unknown) =>
  new MillError("scoring.failed", message, { fix: "Open the model again; if it repeats, score fewer rows at a time.", cause });

const closedError = () =>
  new MillError("scoring.closed", "The scoring session is closed.", { fix: "Open the model again to score with it." });
