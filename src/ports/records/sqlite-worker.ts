/** The one thread that touches the database: takes requests, groups commits, answers. Started by `openSqlite` only. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { errorToJson } from "../../base/index.ts";
import { applyMigrations } from "./migrate.ts";
import type { CommitOutcome, Param, Statement } from "./records.ts";
import type { Answer, Request, WorkerOptions } from "./sqlite.ts";
import { isOfOneStatement, recordsError } from "./sqlite-errors.ts";

type Commit = Extract<Request, { commit: unknown }>;
type Query = Extract<Request, { query: unknown }>;

const STATEMENTS_MAX = 256;

const { path, migrations, busyTimeoutMs } = workerData as WorkerOptions;
const queue: Request[] = [];
let writer: DatabaseSync;
/** Read-only, so that no query can change anything or see what is not committed. */
let reader: DatabaseSync;
let synced: "FULL" | "NORMAL" | undefined;
let prepareWrite: (sql: string) => StatementSync;
let prepareRead: (sql: string) => StatementSync;

parentPort!.on("message", (requests: readonly Request[]) => {
  if (queue.length === 0) setImmediate(drain);
  queue.push(...requests);
});

function drain(): void {
  const requests = queue.splice(0);
  const commits = requests.filter((request): request is Commit => "commit" in request);
  const queries = requests.filter((request): request is Query => "query" in request);
  const answers = requests.filter((request) => "open" in request).map(({ id }) => answer(id, open));
  if (commits.length > 0) answers.push(...commitTogether(commits));
  answers.push(...queries.map((request) => answer(request.id, () => read(request.query, request.params), request.query)));
  parentPort!.postMessage(answers);
  const close = requests.find((request) => "close" in request);
  if (close) shut(close.id);
}

function open(): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, "a", 0o600));
  writer = new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
  writer.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 1000; PRAGMA cache_size = -16000");
  sync("FULL");
  applyMigrations(writer, migrations, path);
  reader = new DatabaseSync(path, { timeout: busyTimeoutMs, readOnly: true });
  prepareWrite = statementCache(writer);
  prepareRead = statementCache(reader);
}

/** One transaction and one fsync for all, none where all are lazy; each commit in a savepoint of its own, so that what refuses one leaves the others. */
function commitTogether(commits: readonly Commit[]): Answer[] {
  try {
    sync(commits.every(({ lazy }) => lazy) ? "NORMAL" : "FULL");
    writer.exec("BEGIN IMMEDIATE");
    const answers = commits.map(({ id, commit }) => apply(id, commit));
    writer.exec("COMMIT");
    return answers;
  } catch (thrown) {
    if (writer.isTransaction) writer.exec("ROLLBACK");
    if (commits.length > 1) return commits.flatMap((commit) => commitTogether([commit])); // one too large for the disk spares the rest
    return [{ id: commits[0]!.id, error: errorToJson(recordsError(thrown, path)) }];
  }
}

/** FULL: the log is on the disk with each transaction. NORMAL: before what is in it goes to the database (sqlite.org/pragma.html#pragma_synchronous). */
function sync(mode: "FULL" | "NORMAL"): void {
  if (mode === synced) return;
  writer.exec(`PRAGMA synchronous = ${mode}`);
  synced = mode;
}

function apply(id: number, statements: readonly Statement[]): Answer {
  writer.exec("SAVEPOINT one");
  try {
    const outcome = runAll(statements);
    if (!outcome.committed) writer.exec("ROLLBACK TO one");
    writer.exec("RELEASE one");
    return { id, value: outcome };
  } catch (thrown) {
    if (!isOfOneStatement(thrown) || !writer.isTransaction) throw thrown;
    writer.exec("ROLLBACK TO one");
    writer.exec("RELEASE one");
    return { id, error: errorToJson(recordsError(thrown, path)) };
  }
}

function runAll(statements: readonly Statement[]): CommitOutcome {
  for (const [index, { sql, params = [], rows }] of statements.entries()) {
    const got = Number(run(sql, params));
    if (rows !== undefined && got !== rows) return { committed: false, statement: index, expected: rows, got };
  }
  return { committed: true };
}

function run(sql: string, params: readonly Param[]): number | bigint {
  try {
    return prepareWrite(sql).run(...params.map(bindable)).changes;
  } catch (thrown) {
    throw Object.assign(thrown as Error, { sql });
  }
}

function read(sql: string, params: readonly Param[]): unknown[] {
  const statement = prepareRead(sql);
  try {
    return statement.all(...params.map(bindable));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ERR_OUT_OF_RANGE") throw thrown;
    statement.setReadBigInts(true); // rare: an integer beyond 2^53
    const rows = statement.all(...params.map(bindable));
    statement.setReadBigInts(false);
    return rows.map(narrow);
  }
}

/** Whole numbers bind as integers, as PostgreSQL would have them; node:sqlite alone would bind doubles. */
const bindable = (param: Param): Param => (Number.isSafeInteger(param) ? BigInt(param as number) : param);

const narrow = (row: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value,
    ]),
  );

/** Prepared statements by their text, the least recently used one forgotten first. */
function statementCache(database: DatabaseSync): (sql: string) => StatementSync {
  const cache = new Map<string, StatementSync>();
  return (sql) => {
    const statement = cache.get(sql) ?? database.prepare(sql);
    cache.delete(sql);
    cache.set(sql, statement);
    if (cache.size > STATEMENTS_MAX) cache.delete(cache.keys().next().value!);
    return statement;
  };
}

function answer(id: number, work: () => unknown, sql?: string): Answer {
  try {
    return { id, value: work() };
  } catch (thrown) {
    return { id, error: errorToJson(recordsError(sql ? Object.assign(thrown as Error, { sql }) : thrown, path)) };
  }
}

function shut(id: number): void {
  reader?.close();
  writer?.close();
  parentPort!.postMessage([{ id, value: undefined }]);
  parentPort!.close();
}
