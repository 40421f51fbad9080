/**
 * Commits as one transaction that goes out in one write: one round trip, one fsync.
 *
 *   BEGIN, the schema's writer lock, turn n -> n+1; SAVEPOINT s
 *   statements of commit 1; RELEASE s, SAVEPOINT s; ROLLBACK TO s
 *   statements of commit 2; RELEASE s, SAVEPOINT s; ROLLBACK TO s
 *   COMMIT
 *
 * After a statement or a guard failed, the server refuses everything up to ROLLBACK TO s, which goes back to before the commit. Where nothing
 * failed, a new s has taken the place of the old one, and there is nothing behind it to undo.
 */
import type { QueryResult } from "pg";
import type { MillError } from "../../base/index.ts";
import { isAway, type PostgresError, postgresError } from "./postgres-errors.ts";
import type { Session } from "./postgres-session.ts";
import { GUARD_FAILED, guardedQuery } from "./postgres-sql.ts";
import type { CommitOutcome, Statement } from "./records.ts";

export interface Sent {
  /** settled: every commit has its answer; refused: nothing was begun, or nothing was kept; unknown: the connection broke before the end. */
  readonly state: "settled" | "refused" | "unknown";
  /** By commit; null: not heard of. They hold if the transaction happened. */
  readonly answers: readonly (CommitOutcome | MillError | null)[];
  readonly failure: unknown;
}

export interface Transaction {
  /** The database, as errors tell it. */
  readonly at: string;
  /** All of its commits are. */
  readonly lazy: boolean;
}

export async function transact(
  session: Session,
  commits: readonly (readonly Statement[])[],
  { at, lazy }: Transaction,
): Promise<Sent> {
  const alone = commits.length === 1; // then the transaction itself is what is undone
  const { begun, ran, ended } = send(session, commits, session.beginning(lazy) + (alone ? "" : "; SAVEPOINT s"));
  const [begin] = await begun;
  const results = await Promise.all(ran);
  const [end] = await ended;

  const answers = results.map((result, index) => answerOf(commits[index]!, result, at));
  if (end!.status === "fulfilled" && end!.value.command === "COMMIT") {
    session.turned();
    return { state: "settled", answers, failure: null };
  }
  if (begin!.status === "rejected" && isGuard(begin!.reason)) return { state: "unknown", answers, failure: begin!.reason };
  if (begin!.status === "rejected" && !isAway(begin!.reason)) return { state: "refused", answers, failure: begin!.reason };
  if (end!.status === "fulfilled") return { state: "settled", answers, failure: null };
  return { state: isAway(end!.reason) ? "unknown" : "refused", answers, failure: end!.reason };
}

function send({ pipeline }: Session, commits: readonly (readonly Statement[])[], beginning: string) {
  const alone = commits.length === 1;
  const queries = commits.map((statements) => statements.map(guardedQuery));
  return pipeline().together((to) => {
    for (const { text } of queries.flat()) to.prepare(text);
    return {
      begun: Promise.allSettled([to.simple(beginning)]),
      ran: queries.map((commit) => {
        const answers: Promise<QueryResult>[] = commit.map((query) => to.run(query));
        if (alone) return Promise.allSettled(answers);
        answers.push(to.simple("RELEASE s; SAVEPOINT s"));
        to.simple("ROLLBACK TO s").catch(() => undefined); // where this fails, so does COMMIT
        return Promise.allSettled(answers);
      }),
      ended: Promise.allSettled([to.simple("COMMIT")]),
    };
  });
}

function answerOf(
  statements: readonly Statement[],
  results: readonly PromiseSettledResult<QueryResult>[],
  at: string,
): CommitOutcome | MillError | null {
  const failed = results.findIndex(({ status }) => status === "rejected");
  if (failed === -1) return { committed: true };
  const { reason } = results[failed] as PromiseRejectedResult;
  if (isAway(reason)) return null;
  if (isGuard(reason))
    return {
      committed: false,
      statement: failed,
      expected: statements[failed]!.rows!,
      got: Number((reason as PostgresError).detail),
    };
  return postgresError(reason, at, statements[failed]?.sql);
}

const isGuard = (reason: unknown) => (reason as PostgresError).code === GUARD_FAILED;
