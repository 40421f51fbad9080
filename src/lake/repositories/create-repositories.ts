import { MillError } from "../../base/index.ts";
import type { Records } from "../../ports/records/index.ts";
import type { Tree } from "../tree/tree.ts";
import { unknownRef } from "./branch-state.ts";
import { insertCommit, newCommit } from "./commits.ts";
import type { FoldAt } from "./folds.ts";
import type { RepositoryGuards } from "./guards.ts";
import { createMoves } from "./moves.ts";
import { INFO_COLUMNS, openRepository } from "./open-repository.ts";
import { isStorable, storablePosition } from "./paths.ts";
import { checkRefName } from "./refs.ts";
import type { Repositories, RepositoryInfo } from "./repository.ts";
import { createStaging } from "./staging.ts";

export interface RepositoriesResources {
  readonly records: Records;
  readonly tree: Tree;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  readonly guards?: RepositoryGuards;
  readonly foldAt?: FoldAt;
}

/** Repositories, and the end of their work. */
export interface OpenRepositories extends Repositories {
  /** Waits for what is under way in the background. */
  close(): Promise<void>;
}

/**
 * Repositories over records and a tree. Several processes may work on the same ones: every change is committed only while what it rests on still stands,
 * and nothing that changes is kept in memory.
 */
export function createRepositories(resources: RepositoriesResources): OpenRepositories {
  const { records, tree, clock = Date.now, guards = null, foldAt = { rows: 8000, removed: 1000 } } = resources;
  const moves = createMoves(records, tree);
  const staging = createStaging(records, tree, moves, foldAt);

  return {
    async create({ name, actor, bucketBranch }) {
      checkRepositoryName(name);
      if (bucketBranch !== undefined) checkRefName("branch", bucketBranch);
      const info: RepositoryInfo = {
        name,
        defaultBranch: bucketBranch ?? "main",
        bucketBranch: bucketBranch ?? null,
        createdAt: clock(),
        createdBy: actor,
      };
      const first = newCommit(await tree.empty(), [], { message: "Repository created", author: actor }, info.createdAt);
      const { committed } = await records.commit([
        {
          sql: `INSERT INTO repositories (name, default_branch, bucket_branch, created_at, created_by) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
          params: [name, info.defaultBranch, info.bucketBranch, info.createdAt, actor],
          rows: 1,
        },
        insertCommit(name, first),
        {
          sql: `INSERT INTO branches (repository, name, head, root, epoch, stamp, protected, created_at) VALUES (?, ?, ?, ?, 0, 0, 0, ?)`,
          params: [name, info.defaultBranch, first.id, first.root, info.createdAt],
        },
      ]);
      if (committed) return info;
      throw new MillError("lake.repository-exists", `There is a repository "${name}" already.`, {
        at: name,
        fix: "Choose another name, or use the one that is there.",
      });
    },

    list: ({ limit, after = "" }) =>
      records.query<RepositoryInfo>(`SELECT ${INFO_COLUMNS} FROM repositories WHERE name > ? ORDER BY name LIMIT ?`, [
        storablePosition(after),
        limit,
      ]),

    of: (name) => openRepository({ repository: isStorable(name) ? name : "", records, tree, clock, moves, staging, guards }),

    async remove(name) {
      if (!isStorable(name)) throw await unknownRef(records, "", "");
      const { committed } = await records.commit([
        { sql: "DELETE FROM repositories WHERE name = ?", params: [name], rows: 1 },
        { sql: "DELETE FROM upload_parts WHERE upload_id IN (SELECT id FROM uploads WHERE repository = ?)", params: [name] },
        ...OWNED.map((table) => ({ sql: `DELETE FROM ${table} WHERE repository = ?`, params: [name] })),
      ]);
      if (!committed) throw await unknownRef(records, name, "");
    },

    close: () => staging.settled(),
  };
}

/** Tables with rows of a repository. */
const OWNED = ["branches", "staged", "tags", "commits", "lake_locks", "lake_hooks", "lake_hook_runs", "uploads"];

/** Errors: `lake.bad-name`. */
function checkRepositoryName(name: string): void {
  if (/^[a-z0-9][a-z0-9-]{0,99}$/.test(name)) return;
  throw new MillError("lake.bad-name", `No repository can have the name "${name.slice(0, 120)}".`, {
    expected: "1 to 100 lower-case letters, digits or dashes, of which the first is no dash",
    fix: "Choose another name.",
  });
}
