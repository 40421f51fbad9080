import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { type ErrorJson, errorFromJson, MillError } from "../../base/index.ts";
import { type Migration, migrations as ownMigrations } from "./migrations.ts";
import { type CommitOutcome, closedError, type Param, type Records, type Statement } from "./records.ts";
import { requireStorable } from "./values.ts";

export interface SqliteOptions {
  /** The schema to bring the database to; default: Millwright's own. */
  readonly migrations?: readonly Migration[];
  /** How long to wait for another program that holds the database; default 5000. */
  readonly busyTimeoutMs?: number;
}

/** What the worker is told. One message carries everything asked for in one turn of the event loop. */
export type Request =
  | { readonly id: number; readonly open: true }
  | { readonly id: number; readonly commit: readonly Statement[]; readonly lazy: boolean }
  | { readonly id: number; readonly query: string; readonly params: readonly Param[] }
  | { readonly id: number; readonly close: true };

type Ask = Request extends infer R ? (R extends unknown ? Omit<R, "id"> : never) : never;

export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: ErrorJson };

export interface WorkerOptions extends Required<SqliteOptions> {
  readonly path: string;
}

/**
 * Records in one SQLite file (made with mode 0600), driven by one worker thread: WAL, synchronous=FULL, foreign keys on. Commits that
 * arrive together share one fsync; each stands or falls alone. The worker keeps the process alive only while something is asked of it.
 * Errors: `records.locked`, `records.newer`, `records.corrupt`, `records.not-openable`, `records.disk-full`, `records.constraint`,
 * `records.statement`, `records.value`, `records.closed`.
 */
export async function openSqlite(path: string, options: SqliteOptions = {}): Promise<Records> {
  const { migrations = ownMigrations, busyTimeoutMs = 5000 } = options;
  const workerData: WorkerOptions = { path, migrations, busyTimeoutMs };
  const worker = new Worker(new URL(`./sqlite-worker${extname(import.meta.filename)}`, import.meta.url), {
    workerData,
    execArgv: [],
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: MillError): void }>();
  const outbox: Request[] = [];
  let nextId = 0;
  let closed: Promise<void> | null = null;

  worker.on("message", (answers: readonly Answer[]) => answers.forEach(settle));
  worker.on("error", (cause) =>
    failAll(new MillError("internal.unexpected", `The records' worker died: ${cause.message}`, { cause })),
  );
  worker.on("exit", () => failAll(closedError()));

  await ask({ open: true }).catch(async (error) => {
    await worker.terminate();
    throw error;
  });

  return {
    commit: async (statements, { lazy = false } = {}) => {
      requireStorable(statements);
      return ask({ commit: statements, lazy }) as Promise<CommitOutcome>;
    },
    query: async <T>(query: string, params: readonly Param[] = []) => {
      requireStorable([{ sql: query, params }]);
      return ask({ query, params }) as Promise<T[]>;
    },
    close: () => (closed ??= closeWorker()),
  };

  function ask(request: Ask): Promise<unknown> {
    if (closed) return Promise.reject(closedError());
    return send(request);
  }

  function send(request: Ask): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      if (outbox.push({ id, ...request }) === 1) setImmediate(flush); // what other connections ask in this turn comes along
      worker.ref();
    });
  }

  function flush(): void {
    worker.postMessage(outbox.splice(0));
  }

  function settle(answer: Answer): void {
    const asked = waiting.get(answer.id)!;
    waiting.delete(answer.id);
    if (waiting.size === 0) worker.unref();
    if ("error" in answer) asked.reject(errorFromJson(answer.error));
    else asked.resolve(answer.value);
  }

  function failAll(error: MillError): void {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    closed ??= Promise.resolve();
  }

  async function closeWorker(): Promise<void> {
    const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    await send({ close: true });
    worker.ref();
    await exited;
  }
}
