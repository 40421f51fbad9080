/** A model that only its own framework can ask, as a session of `ports/scoring`: rows go to a Python process of its own, answers come back. */
import { MillError } from "../../base/index.ts";
import type { Session } from "../scoring/index.ts";
import { rowsMessage } from "./frames.ts";
import { startProcess, type WorkerProcess } from "./worker-process.ts";

export interface WorkerOptions {
  /** The interpreter of the model's environment. */
  readonly python: string;
  /** The program it runs, `program/predict.py`. */
  readonly program: string;
  /** What was saved: files of the model by their paths. */
  readonly folder: string;
  readonly model: {
    readonly task: string;
    readonly classes: readonly string[];
    readonly features: readonly { readonly name: string; readonly kind: "number" | "text" }[];
  };
  /** A folder for what it needs while it runs; default: the system's own for such files. */
  readonly scratch?: string;
  readonly threads: number;
  /** Of its own memory, files not counted. */
  readonly memoryMb: number;
  /** What the process prints, line by line. */
  log(line: string): void;
  /** For at most 4,096 rows; default 60 seconds. */
  readonly timeoutMs?: number;
  /** For loading the model; default 3 minutes: TensorFlow alone takes ten seconds on a busy machine. */
  readonly startMs?: number;
  /** After a second death in a row, doubled with each further one up to 30 times as long; default 1 second. */
  readonly pauseMs?: number;
}

export interface Worker extends Session {
  /** Null while there is none. */
  readonly pid: number | null;
}

const BATCH_ROWS_MAX = 4096;
const PAUSES_MAX = 30;

/**
 * The model is loaded when this returns. One batch of rows is with the process at a time, others wait for their turn. A process that dies, hangs or takes too much
 * memory costs the rows that it had; the next ones start it again, unless it has just died before, when they are refused for a pause that grows.
 * Errors: `scoring.unavailable` (no such Python), `scoring.bad-model` (it cannot be loaded); of `score`: `scoring.bad-input` (a column is missing or of another
 * kind, or the model raised an error: it goes on with other rows), `scoring.failed` (what the process did), `scoring.closed`.
 */
export async function openWorker(options: WorkerOptions): Promise<Worker> {
  const { model, timeoutMs = 60_000, startMs = 180_000, pauseMs = 1000 } = options;
  const width = model.task === "multiclass-classification" ? model.classes.length : 1;
  let process: WorkerProcess | null = await startProcess(options, startMs);
  let deaths = 0;
  let refusedUntil = 0;
  let closing: Promise<void> | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  async function running(): Promise<WorkerProcess> {
    if (process !== null && !process.ended) return process;
    if (performance.now() < refusedUntil) throw pausing(deaths);
    process = null;
    process = await startProcess(options, startMs).catch((error) => {
      died();
      throw error;
    });
    return process;
  }

  function died(): void {
    deaths++;
    if (deaths > 1) refusedUntil = performance.now() + pauseMs * Math.min(2 ** (deaths - 2), PAUSES_MAX);
  }

  async function scoreBatch(message: Buffer, rows: number): Promise<Float64Array> {
    const asked = await running();
    const answer = await asked.ask(message, timeoutMs, rows * width * 8).catch((error) => {
      died();
      throw error;
    });
    deaths = 0;
    if (typeof answer.json.error === "string") throw raised(answer.json.error);
    if (answer.json.rows !== rows || answer.json.width !== width || answer.data.length !== rows * width * 8)
      throw raised(`it gave ${answer.json.rows} x ${answer.json.width} numbers for ${rows} rows and ${width} outputs`);
    return new Float64Array(answer.data.buffer.slice(answer.data.byteOffset, answer.data.byteOffset + answer.data.length));
  }

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };

  return {
    get pid() {
      return process === null || process.ended ? null : (process.pid ?? null);
    },
    async score(X) {
      if (closing) throw closed();
      const values = new Float64Array(X.rowCount * width);
      for (let from = 0; from < X.rowCount; from += BATCH_ROWS_MAX) {
        const to = Math.min(from + BATCH_ROWS_MAX, X.rowCount);
        const message = rowsMessage(X, model.features, from, to);
        values.set(await inTurn(() => scoreBatch(message, to - from)), from * width);
      }
      return { values, width };
    },
    close: () => (closing ??= turn.then(() => process?.close())),
  };
}

const raised = (said: string) =>
  new MillError("scoring.bad-input", `The model does not answer these rows: ${said}`, {
    got: said,
    fix: "Score rows with values as those that the model was trained on; the log of the model's process has the whole error.",
  });

const pausing = (deaths: number) =>
  new MillError(
    "scoring.failed",
    `The Python process of the model ended ${deaths} times in a row, and is started again after a pause.`,
    {
      fix: "Its log says why it ended.",
    },
  );

const closed = () =>
  new MillError("scoring.closed", "The scoring session is closed.", { fix: "Open the model again to score with it." });
