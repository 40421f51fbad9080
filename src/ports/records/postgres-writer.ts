/**
 * The one writer: commits run one after the other, in the order they were asked for, several in one transaction (postgres-transaction.ts).
 *
 * An advisory lock and READ COMMITTED rather than SERIALIZABLE: every writer of the schema, in whatever process, waits for its turn and then
 * reads what those before it wrote, so nothing has to be tried again and a guard decides as on SQLite.
 */
import { setTimeout as delay } from "node:timers/promises";
import { MillError } from "../../base/index.ts";
import { isAway, postgresError } from "./postgres-errors.ts";
import { createSession, type SessionOptions } from "./postgres-session.ts";
import { type Sent, transact } from "./postgres-transaction.ts";
import type { CommitOutcome, Statement } from "./records.ts";

export interface WriterOptions extends SessionOptions {
  /** How long a server that went away is waited for. */
  readonly patienceMs: number;
}

export interface Writer {
  commit(statements: readonly Statement[], lazy: boolean): Promise<CommitOutcome>;
  /** Answers what was asked for before; `last` is done before the connection, which until then keeps the process alive, is closed. */
  close(last: () => Promise<void>): Promise<void>;
}

interface Asked {
  readonly statements: readonly Statement[];
  readonly lazy: boolean;
  resolve(outcome: CommitOutcome): void;
  reject(error: MillError): void;
}

/** A server keeps 64 nested transactions of a connection in memory. */
const BATCH_MAX = 64;
/** A commit whose connection broke as often as this is not sent again: it may be what breaks the server. */
const TRIES_MAX = 3;

export async function openWriter({ patienceMs, ...options }: WriterOptions): Promise<Writer> {
  const at = options.address.shown;
  const session = createSession(options);
  const queue: Asked[] = [];
  let working: Promise<void> | null = null;
  await session.open();
  session.hold(false);

  return {
    commit: (statements, lazy) =>
      new Promise((resolve, reject) => {
        queue.push({ statements, lazy, resolve, reject });
        working ??= Promise.resolve().then(work);
      }),
    close: async (last) => {
      await working;
      session.hold(true);
      await last();
      await session.close();
    },
  };

  async function work(): Promise<void> {
    while (queue.length > 0) await settle(queue.splice(0, BATCH_MAX));
    session.hold(false);
    working = null;
  }

  async function settle(batch: readonly Asked[]): Promise<void> {
    try {
      const sent = await sendUntilKnown(batch);
      batch.forEach(({ resolve, reject }, index) => {
        const answer = sent.answers[index] ?? notHeardOf(at);
        if (answer instanceof MillError) reject(answer);
        else resolve(answer);
      });
    } catch (thrown) {
      const error = postgresError(thrown, at);
      for (const { reject } of batch) reject(error);
    }
  }

  async function sendUntilKnown(batch: readonly Asked[]): Promise<Sent> {
    const commits = batch.map(({ statements }) => statements);
    const lazy = batch.every((one) => one.lazy);
    for (let tries = 1; ; tries++) {
      await patiently(patienceMs, () => session.open());
      session.hold(true);
      const sent = await transact(session, commits, { at, lazy });
      if (sent.state === "settled") return sent;
      if (sent.state === "refused") throw sent.failure;
      if (await patiently(patienceMs, () => session.happened()).catch((thrown) => Promise.reject(inDoubt(thrown, at))))
        return sent;
      if (tries === TRIES_MAX) throw sent.failure;
    }
  }
}

/** Tries again what fails because the server is away. */
export async function patiently<T>(patienceMs: number, work: () => Promise<T>): Promise<T> {
  const untilMs = performance.now() + patienceMs;
  for (let waitMs = 25; ; waitMs = Math.min(2 * waitMs, 500)) {
    try {
      return await work();
    } catch (thrown) {
      if (!isAway(thrown) || performance.now() + waitMs > untilMs) throw thrown;
      await delay(waitMs);
    }
  }
}

const inDoubt = (thrown: unknown, at: string) =>
  isAway(thrown)
    ? new MillError(
        "records.away",
        "The database server went away in the middle of a commit: whether it happened is not known.",
        {
          at,
          got: (thrown as Error).message,
          cause: thrown,
          fix: "Once PostgreSQL answers again, look whether what was asked for is there before asking for it again.",
        },
      )
    : thrown;

const notHeardOf = (at: string) =>
  new MillError(
    "records.away",
    "The connection broke in the middle of a commit, and its answer was lost: it may have happened.",
    {
      at,
      fix: "Look whether what was asked for is there before asking for it again.",
    },
  );
