/**
 * Writes that arrive together become one group: one row of the log, one sync to disk. Each is worked out on the state with those before it in the group,
 * so that one that breaks a rule is refused alone. Where another server was faster, the group is worked out again on what that one wrote.
 */
import { MillError } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import { createDraft, type Draft } from "./draft.ts";
import type { Replica } from "./replica.ts";
import { appendStatements, type Logged } from "./rows.ts";

export interface Plan<T> {
  readonly changes: readonly Logged[];
  /** Committed with the changes. */
  readonly statements?: readonly Statement[];
  readonly answer: T;
}

/** What is to be written, given all that was written before; throws to refuse. */
export type Planner<T> = (draft: Draft) => Plan<T>;

export interface Writer {
  /** Resolves when it is on disk and in the state. */
  write<T>(plan: Planner<T>): Promise<T>;
  idle(): Promise<void>;
}

interface Call {
  readonly plan: Planner<unknown>;
  resolve(answer: never): void;
  reject(error: unknown): void;
}

const CALLS_MAX = 512;
const TRIES_MAX = 64;

/** `written` is told after each group, and may keep the next one waiting. */
export function createWriter(records: Records, replica: Replica, written: () => Promise<unknown> | null): Writer {
  let waiting: Call[] = [];
  let working: Promise<void> | null = null;

  return {
    write: (plan) =>
      new Promise((resolve, reject) => {
        waiting.push({ plan, resolve, reject });
        // The next turn: what else this one brings comes along.
        working ??= new Promise<void>((next) => setImmediate(next)).then(work);
      }),
    async idle() {
      while (working !== null) await working;
    },
  };

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting.slice(0, CALLS_MAX);
      waiting = waiting.slice(CALLS_MAX);
      try {
        await commit(group);
        await written()?.catch(() => undefined);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    working = null;
  }

  async function commit(group: readonly Call[]): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (tries > 0 || replica.state.last === 0) await replica.fresh();
      const { from, changes, statements, settle } = planned(group);
      if (changes.length > 0) {
        const outcome = await records.commit([...appendStatements(from, changes), ...statements]);
        if (!outcome.committed) continue;
        replica.committed(from, changes);
      } else if ((await replica.fresh()).last !== from) continue; // what it was refused for may be over
      return settle();
    }
    throw new MillError("tracking.busy", "Other servers write faster than this one can decide what to write.", {
      fix: "Try again.",
      retryAfterMs: 1000,
    });
  }

  function planned(group: readonly Call[]) {
    const from = replica.state.last;
    const draft = createDraft(replica.state);
    const changes: Logged[] = [];
    const statements: Statement[] = [];
    const answers: (() => void)[] = [];
    for (const { plan, resolve, reject } of group) {
      try {
        const { changes: own, statements: also = [], answer } = plan(draft);
        for (const { change } of own) draft.put(change);
        changes.push(...own);
        statements.push(...also);
        answers.push(() => resolve(answer as never));
      } catch (error) {
        answers.push(() => reject(error));
      }
    }
    return {
      ...{ from, changes, statements },
      settle: () => {
        for (const answer of answers) answer();
      },
    };
  }
}
