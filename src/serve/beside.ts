/**
 * A model that answers beside the event loop: ONNX Runtime on a thread, or a Python process. Requests that come while it is busy are asked together in its next
 * call; more than fit into a bounded line are refused. When it dies, those that it had are refused, and it is asked again until it answers.
 *
 *     requests --+--+--> line (10,000 rows) --> one call (1,024 rows and more) --> answers, by request
 *                            full: endpoint.busy          died: endpoint.down, then probes: at once, after 1 s, 2 s, ... 30 s
 */
import { setTimeout as delay } from "node:timers/promises";
import { MillError } from "../base/index.ts";
import type { Frame, NumberColumn, TextColumn } from "../learn/index.ts";
import type { ForeignModel, Trained } from "../train/index.ts";

/** Feature values as a scorer reads them. */
export type Scoreable = Readonly<Record<string, number | string | null>>;

export interface Beside {
  readonly form: ForeignModel["form"];
  readonly outputs: number;
  /** Row-major, rows x outputs. Errors: `endpoint.busy`, `endpoint.down`; `scoring.bad-input` where the model refuses a row. */
  score(rows: readonly Scoreable[]): Promise<Float64Array>;
  /** Since when it does not answer, in milliseconds, and why; null: it answers. */
  down(): Down | null;
  /** How often it went down. */
  outages(): number;
  /** Answers what is in its line, as long as that takes no more than seconds, and ends what it runs in. */
  close(): Promise<void>;
}

export interface Down {
  readonly since: number;
  readonly why: string;
}

export interface BesideOptions {
  readonly now: () => number;
  /** Default 1 second: doubled after each probe that was not answered, up to 30 times as long. */
  readonly pauseMs?: number;
  /** Default 10,000. A request that finds the line empty is taken whatever its size. */
  readonly rowsWaitingMax?: number;
}

interface Asked {
  readonly rows: readonly Scoreable[];
  resolve(scores: Float64Array): void;
  reject(error: unknown): void;
}

const ROWS_WAITING_MAX = 10_000;
/** A call takes requests until it has so many rows. */
const CALL_ROWS = 1024;
const PAUSE_MS = 1000;
const PAUSES_MAX = 30;
const CLOSING_MS = 5000;

/** It has answered a row when this resolves. Errors: what keeps it from being started. */
export async function openBeside(
  trained: Trained & { readonly foreign: ForeignModel },
  { now, pauseMs = PAUSE_MS, rowsWaitingMax = ROWS_WAITING_MAX }: BesideOptions,
): Promise<Beside> {
  const { outputs, foreign } = trained;
  const { features } = foreign.fitted;
  const line: Asked[] = [];
  let [waitingRows, isClosed, outages, probes] = [0, false, 0, 0];
  let working: Promise<void> | null = null;
  let down: Down | null = null;
  let timer: NodeJS.Timeout | undefined;

  const ask = async (rows: readonly Scoreable[]): Promise<Float64Array> => {
    const scores = await trained.predict(frameOf(rows, features)).catch((error) => {
      if (!isDeath(error)) {
        answered();
        throw error;
      }
      died(error);
      throw downError(error, pauseMs);
    });
    answered();
    return scores;
  };

  const answered = () => {
    [down, probes] = [null, 0];
  };

  const died = (error: MillError) => {
    if (down === null) outages++;
    down ??= { since: now(), why: error.message };
    if (isClosed || timer !== undefined) return;
    const pause = probes === 0 ? 0 : pauseMs * Math.min(2 ** (probes - 1), PAUSES_MAX);
    probes++;
    timer = setTimeout(() => {
      timer = undefined;
      // A row without values: that the model refuses it is an answer too.
      if (!isClosed) ask([{}]).catch(() => undefined);
    }, pause);
    timer.unref();
  };

  const answer = async (call: readonly Asked[]) => {
    try {
      const scores = await ask(call.flatMap(({ rows }) => rows));
      let from = 0;
      for (const { rows, resolve } of call) resolve(scores.subarray(from, (from += rows.length * outputs)));
    } catch (error) {
      // Another's row must not spoil a request.
      const isOfOne = call.length > 1 && error instanceof MillError && error.code !== DOWN;
      for (const asked of call) isOfOne ? await answer([asked]) : asked.reject(error);
    }
  };

  const work = async () => {
    while (line.length > 0) {
      const call = [line.shift()!];
      let rows = call[0]!.rows.length;
      while (line.length > 0 && rows + line[0]!.rows.length <= CALL_ROWS) {
        rows += line[0]!.rows.length;
        call.push(line.shift()!);
      }
      waitingRows -= rows;
      await answer(call);
    }
    working = null;
  };

  const beside: Beside = {
    ...{ form: foreign.form, outputs },
    score: (rows) => {
      if (isClosed) return Promise.reject(closedError());
      if (waitingRows > 0 && waitingRows + rows.length > rowsWaitingMax) return Promise.reject(busyError(waitingRows));
      return new Promise((resolve, reject) => {
        line.push({ rows, resolve, reject });
        waitingRows += rows.length;
        working ??= work();
      });
    },
    down: () => down,
    outages: () => outages,
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await Promise.race([working, delay(CLOSING_MS, undefined, { ref: false })]);
      for (const { reject } of line.splice(0)) reject(closedError());
      await trained.close();
    },
  };

  try {
    await beside.score([{}]).catch((error) => {
      if (!(error instanceof MillError && error.code === REFUSED)) throw error;
    });
    return beside;
  } catch (error) {
    await beside.close();
    throw error instanceof MillError && error.code === DOWN ? error.cause : error;
  }
}

const DOWN = "endpoint.down";
const REFUSED = "scoring.bad-input";

/** What says nothing of the rows: the process or thread is gone, or could not be started. */
const isDeath = (error: unknown): error is MillError =>
  error instanceof MillError && error.code !== REFUSED && /^(scoring|python|object)\./.test(error.code);

function frameOf(rows: readonly Scoreable[], features: ForeignModel["fitted"]["features"]): Frame {
  const columns = features.map(({ name, kind }) => [name, kind === "number" ? numbersOf(rows, name) : textsOf(rows, name)]);
  return { rowCount: rows.length, columns: Object.fromEntries(columns) };
}

const numbersOf = (rows: readonly Scoreable[], name: string): NumberColumn => ({
  kind: "number",
  values: Float64Array.from(rows, (row) => (row[name] as number | null | undefined) ?? Number.NaN),
});

function textsOf(rows: readonly Scoreable[], name: string): TextColumn {
  const codes = new Map<string, number>();
  const codeOf = (text: string) => {
    const code = codes.get(text) ?? codes.size;
    codes.set(text, code);
    return code;
  };
  const values = Int32Array.from(rows, (row) => (typeof row[name] === "string" ? codeOf(row[name]) : -1));
  return { kind: "text", codes: values, texts: [...codes.keys()] };
}

const downError = (cause: MillError, retryAfterMs: number) =>
  new MillError("endpoint.down", `The model does not answer for now: ${cause.message}`, {
    ...{ retryAfterMs, cause },
    fix: "Ask again in a moment: it is being started again. `mill status` says how it stands.",
  });

const busyError = (rows: number) =>
  new MillError("endpoint.busy", `The model has ${rows} rows waiting.`, {
    retryAfterMs: PAUSE_MS,
    fix: "Ask again as Retry-After says, with fewer requests at one time.",
  });

const closedError = () =>
  new MillError("endpoint.down", "The version is being let go.", {
    retryAfterMs: PAUSE_MS,
    fix: "Ask again: another version answers.",
  });
