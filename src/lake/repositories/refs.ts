/** Names that lead to commits: branches, tags, the first digits of an id, and `~N` steps back along first parents. */
import { type Digest, MillError } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import { readBranch, refuseProtected, unknownRef } from "./branch-state.ts";
import { COMMIT_COLUMNS, type CommitRow, commitOf, requireWhole } from "./commits.ts";
import { isStorable, storablePosition } from "./paths.ts";
import type { Branch, Commit, Page, Resolved, Tag } from "./repository.ts";

/** A ref with the commit that it leads to. */
export interface Ref extends Resolved {
  readonly root: Digest;
}

export interface Refs {
  resolve(ref: string): Promise<Ref>;
  /** Errors: `lake.unknown-repository`, `lake.unknown-ref`, `lake.freed`. */
  commit(id: Digest): Promise<Commit>;
  branch(name: string): Promise<Branch>;
  branches(page: Page): Promise<Branch[]>;
  createBranch(name: string, from: string): Promise<Branch>;
  deleteBranch(name: string): Promise<void>;
  protect(branch: string, on: boolean): Promise<void>;
  tags(page: Page): Promise<Tag[]>;
  createTag(name: string, ref: string): Promise<Tag>;
  deleteTag(name: string): Promise<void>;
}

/** Errors: `lake.bad-name`. */
export function checkRefName(kind: "branch" | "tag", name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name) && !/^[0-9a-f]{64}$/.test(name)) return;
  throw new MillError("lake.bad-name", `No ${kind} can have the name "${name.slice(0, 120)}".`, {
    expected:
      "1 to 100 letters, digits, dots, dashes or underscores, of which the first is a letter or digit, and no commit's id",
    fix: "Choose another name.",
  });
}

export function refsOf(records: Records, repository: string, clock: () => number): Refs {
  const at = (name: string) => `${repository}/${name}`;

  return {
    resolve,

    async commit(id) {
      const [row] = await commitRows("c.id = ?", [id]);
      if (!row) throw await unknownRef(records, repository, id, "commit");
      requireWhole(repository, row);
      return commitOf(row);
    },

    branch: async (name) => branchOf(await readBranch(records, repository, name)),

    async branches({ limit, after = "" }) {
      const rows = await records.query<{ name: string; head: Digest; protected: number }>(
        `SELECT name, head, protected FROM branches WHERE repository = ? AND name > ? ORDER BY name LIMIT ?`,
        [repository, storablePosition(after), limit],
      );
      if (rows.length === 0) await mustExist();
      return rows.map((row) => ({ ...row, protected: row.protected !== 0 }));
    },

    async createBranch(name, from) {
      checkRefName("branch", name);
      const { commit } = await resolve(from);
      const { committed } = await records.commit([
        {
          sql: `INSERT INTO branches (repository, name, head, root, epoch, stamp, protected, created_at)
            SELECT c.repository, ?, c.id, c.root, 0, 0, 0, ? FROM commits c WHERE c.repository = ? AND c.id = ? AND c.freed_at IS NULL
              AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.repository = ? AND t.name = ?) ON CONFLICT DO NOTHING`,
          params: [name, clock(), repository, commit, repository, name],
          rows: 1,
        },
      ]);
      if (!committed) throw refExists(name);
      return { name, head: commit, protected: false };
    },

    async deleteBranch(name) {
      const state = await readBranch(records, repository, name);
      refuseProtected(state);
      const { committed } = await records.commit([
        {
          sql: `DELETE FROM branches WHERE repository = ? AND name = ? AND protected = 0
            AND NOT EXISTS (SELECT 1 FROM repositories r WHERE r.name = ? AND (r.default_branch = ? OR r.bucket_branch = ?))
            AND NOT EXISTS (SELECT 1 FROM lake_locks l WHERE l.repository = ? AND l.branch = ? AND l.until > ?)`,
          params: [repository, name, repository, name, name, repository, name, clock()],
          rows: 1,
        },
        { sql: "DELETE FROM lake_locks WHERE repository = ? AND branch = ?", params: [repository, name] },
        { sql: "DELETE FROM staged WHERE repository = ? AND branch = ?", params: [repository, name] },
      ]);
      if (committed) return;
      refuseProtected(await readBranch(records, repository, name));
      await refuseLocked(name);
      throw new MillError("lake.branch-needed", `The branch "${name}" is the one that the repository opens with.`, {
        at: at(name),
        fix: "Remove the repository as a whole, or leave the branch.",
      });
    },

    async protect(branch, on) {
      await readBranch(records, repository, branch);
      const { committed } = await records.commit([
        {
          sql: "UPDATE branches SET protected = ? WHERE repository = ? AND name = ?",
          params: [on ? 1 : 0, repository, branch],
          rows: 1,
        },
      ]);
      if (!committed) throw await unknownRef(records, repository, branch, "branch");
    },

    async tags({ limit, after = "" }) {
      const rows = await records.query<Tag>(
        `SELECT name, commit_id AS "commit", created_at AS "createdAt" FROM tags WHERE repository = ? AND name > ? ORDER BY name LIMIT ?`,
        [repository, storablePosition(after), limit],
      );
      if (rows.length === 0) await mustExist();
      return rows;
    },

    async createTag(name, ref) {
      checkRefName("tag", name);
      const { commit } = await resolve(ref);
      const createdAt = clock();
      const { committed } = await records.commit(tagStatements(repository, name, commit, createdAt));
      if (!committed) throw refExists(name);
      return { name, commit, createdAt };
    },

    async deleteTag(name) {
      if (!isStorable(name)) throw await unknownRef(records, repository, name, "tag");
      const { committed } = await records.commit([
        { sql: "DELETE FROM tags WHERE repository = ? AND name = ?", params: [repository, name], rows: 1 },
      ]);
      if (!committed) throw await unknownRef(records, repository, name, "tag");
    },
  };

  async function resolve(ref: string): Promise<Ref> {
    const [, name, back] = /^(.*?)(?:~(\d{1,5}))?$/s.exec(ref)!;
    const found = isStorable(name!) ? ((await byName(name!)) ?? (await byId(name!))) : null;
    if (!found) throw await unknownRef(records, repository, ref);
    return back === undefined ? found : stepBack(found, Number(back), ref);
  }

  async function byName(name: string): Promise<Ref | null> {
    const rows = await records.query<Ref>(
      `SELECT 'branch' AS kind, b.name, b.head AS "commit", c.root FROM branches b JOIN commits c ON c.repository = b.repository AND c.id = b.head
          WHERE b.repository = ? AND b.name = ?
        UNION ALL SELECT 'tag' AS kind, t.name, t.commit_id AS "commit", c.root FROM tags t JOIN commits c ON c.repository = t.repository AND c.id = t.commit_id
          WHERE t.repository = ? AND t.name = ?`,
      [repository, name, repository, name],
    );
    return rows.find(({ kind }) => kind === "branch") ?? rows[0] ?? null;
  }

  async function byId(text: string): Promise<Ref | null> {
    const [, digits] = /^(?:sha256:)?([0-9a-f]{8,64})$/.exec(text) ?? [];
    if (digits === undefined) return null;
    const found = await commitRows("c.id >= ? AND c.id < ?", [`sha256:${digits}`, `sha256:${digits}g`]);
    if (found.length > 1)
      throw new MillError("lake.ambiguous-ref", `More than one commit begins with ${digits}.`, {
        at: repository,
        expected: found.map(({ id }) => id.slice(7, 27)).join(" or "),
        fix: "Give more digits of the commit that is meant.",
      });
    return found[0] ? refTo(repository, found[0]) : null;
  }

  async function stepBack(from: Ref, steps: number, ref: string): Promise<Ref> {
    let id = from.commit;
    let row: CommitRow | undefined;
    for (let step = 0; step <= steps; step++) {
      [row] = await commitRows("c.id = ?", [id]);
      const [parent] = row ? (JSON.parse(row.parents) as Digest[]) : [];
      if (!row || (parent === undefined && step < steps)) throw await unknownRef(records, repository, ref);
      id = parent!;
    }
    return refTo(repository, row!);
  }

  function commitRows(where: string, params: readonly string[]): Promise<CommitRow[]> {
    const sql = `SELECT ${COMMIT_COLUMNS} FROM commits c WHERE c.repository = ? AND ${where} ORDER BY c.id LIMIT 2`;
    return records.query<CommitRow>(sql, [repository, ...params]);
  }

  async function mustExist(): Promise<void> {
    const found = await records.query("SELECT 1 AS one FROM repositories WHERE name = ?", [repository]);
    if (found.length === 0) throw await unknownRef(records, repository, "");
  }

  /** A branch that anybody holds, or a part of, cannot be taken away from under the lock. */
  async function refuseLocked(branch: string): Promise<void> {
    const [lock] = await records.query<{ holder: string; why: string }>(
      "SELECT holder, why FROM lake_locks WHERE repository = ? AND branch = ? AND until > ? ORDER BY prefix",
      [repository, branch, clock()],
    );
    if (lock)
      throw new MillError("lake.locked", `${lock.holder} has locked "${at(branch)}": ${lock.why}`, {
        at: at(branch),
        fix: `\`mill lake locks ${repository}\` lists the locks; release them first.`,
      });
  }

  function refExists(name: string): MillError {
    return new MillError("lake.ref-exists", `The repository "${repository}" has a branch or tag "${name}" already.`, {
      at: at(name),
      fix: "Choose another name, or remove the one that is there.",
    });
  }
}

/** The statements that tag a commit; they hold while no branch or tag has the name, and the commit was not freed. */
export const tagStatements = (repository: string, name: string, commit: Digest, nowMs: number): Statement[] => [
  {
    sql: `INSERT INTO tags (repository, name, commit_id, created_at)
      SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM branches b WHERE b.repository = ? AND b.name = ?)
        AND NOT EXISTS (SELECT 1 FROM commits c WHERE c.repository = ? AND c.id = ? AND c.freed_at IS NOT NULL) ON CONFLICT DO NOTHING`,
    params: [repository, name, commit, nowMs, repository, name, repository, commit],
    rows: 1,
  },
];

const branchOf = (state: { branch: string; head: Digest; protected: boolean }): Branch => ({
  name: state.branch,
  head: state.head,
  protected: state.protected,
});

function refTo(repository: string, row: CommitRow): Ref {
  requireWhole(repository, row);
  return { kind: "commit", name: row.id, commit: row.id, root: row.root };
}
