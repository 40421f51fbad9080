import { type Digest, digestOfJson, MillError } from "../../base/index.ts";
import type { Param, Statement } from "../../ports/records/index.ts";
import type { Commit, CommitOptions } from "./repository.ts";

/** A commit's row; parents and metadata are JSON. */
export interface CommitRow {
  readonly id: Digest;
  readonly root: Digest;
  readonly parents: string;
  readonly generation: number;
  readonly message: string;
  readonly author: string;
  readonly createdAt: number;
  readonly metadata: string;
  /** When retention gave its tree up; null: it is whole. */
  readonly freedAt: number | null;
}

export const COMMIT_COLUMNS = `c.id, c.root, c.parents, c.generation, c.message, c.author, c.created_at AS "createdAt", c.metadata, c.freed_at AS "freedAt"`;

export const commitOf = ({ parents, metadata, freedAt: _, ...row }: CommitRow): Commit => ({
  ...row,
  parents: JSON.parse(parents),
  metadata: JSON.parse(metadata),
});

/** A commit on top of others, named by what it says. */
export function newCommit(
  root: Digest,
  parents: readonly { readonly id: Digest; readonly generation: number }[],
  { message, author, metadata = {} }: CommitOptions,
  nowMs: number,
): Commit {
  const said = {
    root,
    parents: parents.map(({ id }) => id),
    message: storable(message),
    author: storable(author),
    createdAt: nowMs,
    metadata,
  };
  return { id: digestOfJson(said), generation: Math.max(-1, ...parents.map(({ generation }) => generation)) + 1, ...said };
}

/** Errors: `lake.freed`. */
export function requireWhole(repository: string, { id, freedAt }: Pick<CommitRow, "id" | "freedAt">): void {
  if (freedAt === null) return;
  throw new MillError("lake.freed", `What the commit ${id} holds was given up by the retention rule of "${repository}".`, {
    at: `${repository}/${id}`,
    expected: "a commit that the rule keeps",
    got: `one that was freed at ${new Date(freedAt).toISOString()}`,
    fix: "Name a newer commit; tag what must stay, or keep more days.",
  });
}

/** Holds while none of these commits was freed, so that what refers to their trees is not left with nothing. */
export const wholeStatement = (repository: string, ids: readonly Digest[]): Statement => ({
  sql: `UPDATE repositories SET name = name WHERE name = ? AND NOT EXISTS
    (SELECT 1 FROM commits c WHERE c.repository = ? AND c.freed_at IS NOT NULL AND c.id IN (${ids.map(() => "?").join(", ")}))`,
  params: [repository, repository, ...ids] satisfies Param[],
  rows: 1,
});

/** Texts from anywhere; a database takes no NUL. */
const storable = (text: string) => text.toWellFormed().replaceAll("\0", "\uFFFD");

/** The same commit made twice is one: two branches that leave one commit with one change in one millisecond. */
export const insertCommit = (repository: string, commit: Commit): Statement => ({
  sql: `INSERT INTO commits (repository, id, root, parents, generation, message, author, created_at, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING`,
  params: [
    repository,
    commit.id,
    commit.root,
    JSON.stringify(commit.parents),
    commit.generation,
    commit.message,
    commit.author,
    commit.createdAt,
    JSON.stringify(commit.metadata),
  ],
});
