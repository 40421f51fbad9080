import { type Digest, digestOfJson } from "../../base/index.ts";
import type { Statement } from "../../ports/records/index.ts";
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
}

export const COMMIT_COLUMNS = `c.id, c.root, c.parents, c.generation, c.message, c.author, c.created_at AS "createdAt", c.metadata`;

export const commitOf = ({ parents, metadata, ...row }: CommitRow): Commit => ({
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
  const said = { root, parents: parents.map(({ id }) => id), message, author, createdAt: nowMs, metadata };
  return { id: digestOfJson(said), generation: Math.max(-1, ...parents.map(({ generation }) => generation)) + 1, ...said };
}

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
