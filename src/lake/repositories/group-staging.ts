/**
 * Changes that are on a branch without a commit. Calls that arrive while a commit is under way share the next one; in it the later change of a path
 * wins. Each commit first gives the branch the next stamp, which locks its row, so that rows are stamped in the order in which they become visible.
 */
import { MillError } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import type { Tree } from "../tree/tree.ts";
import { type BranchState, fromRow, readBranch, refuseProtected, toRow } from "./branch-state.ts";
import { decodeEntry } from "./encode-entry.ts";
import type { Condition } from "./repository.ts";

/** A path with its entry's bytes; null: removed. */
export interface StagedChange {
  readonly path: string;
  readonly value: Buffer | null;
}

export interface StageCall {
  readonly changes: readonly StagedChange[];
  readonly conditions: readonly Condition[];
  /** Asks what else must hold; throws to refuse. */
  readonly ask: (() => Promise<readonly Statement[]>) | null;
}

interface Waiting extends StageCall {
  resolve(): void;
  reject(error: unknown): void;
}

/** A call whose conditions were looked at, with why it is refused. */
interface Judged {
  readonly call: Waiting;
  readonly statements: readonly Statement[];
  readonly refusal: unknown;
}

export interface Stager {
  stage(call: StageCall): Promise<void>;
  isIdle(): boolean;
}

/** One is written while the next waits at the writer: their order does not matter, as none of their callers was answered. */
const GROUPS_AT_ONCE = 2;
const CALLS_MAX = 512;
const CHANGES_MAX = 4096;
const TRIES = 16;
const TRIES_TOGETHER = 4;

/** Stages on one branch; `staged` is told what came in, and may keep what comes next waiting. */
export function createStager(
  records: Records,
  tree: Tree,
  repository: string,
  branch: string,
  staged: (changes: readonly StagedChange[]) => Promise<void> | null,
): Stager {
  let waiting: Waiting[] = [];
  let gathering = false;
  let underWay = 0;

  return {
    stage: (call) =>
      new Promise((resolve, reject) => {
        waiting.push({ ...call, resolve, reject });
        if (!gathering && underWay < GROUPS_AT_ONCE) gather();
      }),
    isIdle: () => !gathering && underWay === 0,
  };

  /** Whatever else this turn of the loop stages comes along. */
  function gather(): void {
    gathering = true;
    setImmediate(() => {
      gathering = false;
      void work();
    });
  }

  async function work(): Promise<void> {
    underWay++;
    while (waiting.length > 0) await settle(takeGroup());
    underWay--;
  }

  async function settle(group: readonly Waiting[]): Promise<void> {
    try {
      await commitGroup(group);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  function takeGroup(): readonly Waiting[] {
    let calls = 0;
    for (let changes = 0; calls < waiting.length && calls < CALLS_MAX && changes < CHANGES_MAX; calls++)
      changes += waiting[calls]!.changes.length;
    const group = waiting.slice(0, calls);
    waiting = waiting.slice(calls);
    return group;
  }

  async function commitGroup(group: readonly Waiting[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const seen = group.some(({ conditions }) => conditions.length > 0) ? await look(group) : null;
      const judged = await judge(group, seen);
      const accepted = judged.filter(({ refusal }) => refusal === null);
      const changes = lastOfEach(accepted.flatMap(({ call }) => call.changes));
      const outcome =
        accepted.length === 0
          ? { committed: true }
          : await records.commit([
              nextStamp(seen?.state ?? null),
              ...(seen ? seen.unchanged : []),
              ...new Set(accepted.flatMap(({ statements }) => statements)), // calls may share them
              ...upserts(changes),
            ]);
      if (outcome.committed) {
        const room = staged(changes);
        for (const { call, refusal } of judged) refusal === null ? call.resolve() : call.reject(refusal);
        return void (await room);
      }
      refuseProtected(await readBranch(records, repository, branch));
      if (attempt === TRIES_TOGETHER && group.length > 1) {
        for (const call of group) await settle([call]); // what holds one up spares the others
        return;
      }
      if (attempt === TRIES) throw tooFast(repository, branch);
    }
  }

  function nextStamp(seen: BranchState | null): Statement {
    const unmoved = seen ? "AND head = ? AND root = ? AND epoch = ?" : "";
    return {
      sql: `UPDATE branches SET stamp = stamp + 1 WHERE repository = ? AND name = ? AND protected = 0 ${unmoved}`,
      params: [repository, branch, ...(seen ? [seen.head, seen.root, seen.epoch] : [])],
      rows: 1,
    };
  }

  /** What the conditions' paths hold, all at one state of the branch, and the guards that say so; they come behind the lock, so that PostgreSQL sees what the one before did. */
  async function look(group: readonly Waiting[]): Promise<Looked> {
    const paths = [...new Set(group.flatMap(({ conditions }) => conditions.map(({ path }) => path)))];
    for (;;) {
      const state = await readBranch(records, repository, branch);
      refuseProtected(state);
      const rows = await Promise.all(paths.map(readRow));
      if (rows.some((row) => row?.epoch !== state.epoch)) continue;
      const values = await Promise.all(
        rows.map((row, index) => (row!.stamp === null ? tree.get(state.root, paths[index]!) : fromRow(row!.entry))),
      );
      return {
        state,
        etags: new Map(paths.map((path, index) => [path, etagOf(values[index]!)])),
        unchanged: paths.map((path, index) => unchanged(path, rows[index]!.stamp)),
      };
    }
  }

  async function readRow(path: string): Promise<{ epoch: number; entry: string | null; stamp: number | null } | undefined> {
    const [row] = await records.query<{ epoch: number; entry: string | null; stamp: number | null }>(
      `SELECT b.epoch, s.entry, s.stamp FROM branches b LEFT JOIN staged s ON s.repository = b.repository AND s.branch = b.name AND s.path = ?
        WHERE b.repository = ? AND b.name = ?`,
      [path, repository, branch],
    );
    return row;
  }

  /** Holds while the staged row of a path has this stamp; null: while there is none. */
  function unchanged(path: string, stamp: number | null): Statement {
    const row = `EXISTS (SELECT 1 FROM staged s WHERE s.repository = ? AND s.branch = ? AND s.path = ?${stamp === null ? "" : " AND s.stamp = ?"})`;
    return {
      sql: `UPDATE branches SET stamp = stamp WHERE repository = ? AND name = ? AND ${stamp === null ? "NOT " : ""}${row}`,
      params: [repository, branch, repository, branch, path, ...(stamp === null ? [] : [stamp])],
      rows: 1,
    };
  }

  function upserts(changes: readonly StagedChange[]): Statement[] {
    const statements: Statement[] = [];
    for (let at = 0; at < changes.length; ) {
      const count = BATCHES.find((size) => size <= changes.length - at)!;
      statements.push({
        sql: UPSERTS.get(count)!,
        params: [...changes.slice(at, at + count).flatMap(({ path, value }) => [path, toRow(value)]), repository, branch],
        rows: count,
      });
      at += count;
    }
    return statements;
  }
}

const tooFast = (repository: string, branch: string) =>
  new MillError("lake.moved", `What a write to "${branch}" of "${repository}" rests on changes faster than it is written.`, {
    at: `${repository}/${branch}`,
    fix: "Try again.",
  });

interface Looked {
  readonly state: BranchState;
  readonly etags: ReadonlyMap<string, string | null>;
  readonly unchanged: readonly Statement[];
}

const etagOf = (value: Uint8Array | null): string | null => value && decodeEntry(value).etag;

/** A few sizes, so that the statements are prepared once. */
const BATCHES = [128, 16, 4, 1];
const UPSERTS = new Map(
  BATCHES.map((count) => [
    count,
    `INSERT INTO staged (repository, branch, path, stamp, entry) SELECT b.repository, b.name, v.column1, b.stamp, v.column2
      FROM branches b, (VALUES ${Array(count).fill("(?, ?)").join(", ")}) AS v WHERE b.repository = ? AND b.name = ?
      ON CONFLICT (repository, branch, path) DO UPDATE SET stamp = excluded.stamp, entry = excluded.entry`,
  ]),
);

/** Calls in their order, each against what those before it leave. */
async function judge(group: readonly Waiting[], seen: Looked | null): Promise<Judged[]> {
  const etags = new Map(seen?.etags);
  const judged: Judged[] = [];
  for (const call of group) {
    try {
      for (const condition of call.conditions) checkCondition(condition, etags.get(condition.path) ?? null);
      const statements = call.ask ? await call.ask() : [];
      judged.push({ call, statements, refusal: null });
      if (etags.size > 0) for (const { path, value } of call.changes) if (etags.has(path)) etags.set(path, etagOf(value));
    } catch (refusal) {
      judged.push({ call, statements: [], refusal });
    }
  }
  return judged;
}

function checkCondition({ path, ifMatch, ifNoneMatch }: Condition, etag: string | null): void {
  const holds = (wanted: string) => etag !== null && (wanted === "*" || wanted === etag);
  const failed =
    ifMatch !== undefined && !holds(ifMatch)
      ? `if-match: ${ifMatch}`
      : ifNoneMatch !== undefined && holds(ifNoneMatch)
        ? `if-none-match: ${ifNoneMatch}`
        : null;
  if (failed === null) return;
  throw new MillError("lake.condition", "A path is not as the writer expects, so nothing was written.", {
    at: path,
    expected: failed,
    got: etag === null ? "nothing" : `etag ${etag}`,
    fix: "Read it again, and decide anew.",
  });
}

const lastOfEach = (changes: readonly StagedChange[]): StagedChange[] => [
  ...new Map(changes.map((change) => [change.path, change])).values(),
];
