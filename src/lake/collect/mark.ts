/**
 * Everything that something refers to. References are read in the order in which they move on: a part of an upload becomes a staged row, what is staged a
 * branch's tree, and that a commit's; a result's pin is let go when a version has its objects. So what moves while they are read is met at its old or at
 * its new place. What comes back the other way comes from a commit that was not freed, and these are read last; all else was put, or touched, a moment ago,
 * and is spared for that.
 */
import type { Digest } from "../../base/index.ts";
import type { Records } from "../../ports/records/index.ts";
import { fromRow } from "../repositories/branch-state.ts";
import { digestOfEntry } from "../repositories/encode-entry.ts";
import type { Tree } from "../tree/tree.ts";
import type { DigestSet } from "./digest-set.ts";

export interface MarkOptions {
  readonly records: Pick<Records, "query">;
  readonly tree: Tree;
  /** Uploads, and commits by `REPOSITORY/ID`, that are as good as gone. */
  readonly ended: ReadonlySet<string>;
  readonly freed: ReadonlySet<string>;
}

/** Adds to `marked`, and says now and then that it went on. Stops with the first thing that cannot be read: nothing may be removed then. */
export async function* mark(marked: DigestSet, { records, tree, ended, freed }: MarkOptions): AsyncGenerator<void> {
  for await (const { upload, digest } of parts(records))
    if (!ended.has(upload) && marked.add(digest) && marked.size % PAGE === 0) yield;
  yield;
  for await (const digest of pinned(records)) if (marked.add(digest) && marked.size % PAGE === 0) yield;
  yield;
  for await (const entry of staged(records)) if (marked.add(digestOfEntry(fromRow(entry)!)) && marked.size % PAGE === 0) yield;
  yield;
  for await (const root of workingRoots(records)) yield* markTree(marked, tree, root);
  for await (const { commit, root } of wholeCommits(records)) if (!freed.has(commit)) yield* markTree(marked, tree, root);
}

/** The nodes below a root that are in no set yet, and what their entries name. */
export async function* markTree(marked: DigestSet, tree: Tree, root: Digest, known?: DigestSet): AsyncGenerator<void> {
  for await (const { items } of tree.nodes(root, (node) => known?.has(node) || !marked.add(node))) {
    for (const { value } of items) marked.add(digestOfEntry(value));
    yield;
  }
}

const PAGE = 5000;

async function* parts(records: Pick<Records, "query">): AsyncGenerator<{ upload: string; digest: Digest }> {
  type Row = { upload: string; number: number; digest: Digest };
  for await (const { upload, digest } of pages<Row>(
    ["", 0],
    ({ upload, number }) => [upload, number],
    (after) =>
      records.query(
        `SELECT upload_id AS upload, number, digest FROM upload_parts WHERE (upload_id, number) > (?, ?) ORDER BY upload_id, number LIMIT ${PAGE}`,
        after,
      ),
  ))
    yield { upload, digest };
}

/** One row a digest: a pin that passes from holder to holder is never between two pages. */
async function* pinned(records: Pick<Records, "query">): AsyncGenerator<Digest> {
  for await (const { digest } of pages<{ digest: Digest }>(
    [""],
    (row) => [row.digest],
    (after) => records.query(`SELECT DISTINCT digest FROM pins WHERE digest > ? ORDER BY digest LIMIT ${PAGE}`, after),
  ))
    yield digest;
}

async function* staged(records: Pick<Records, "query">): AsyncGenerator<string> {
  type Row = { repository: string; branch: string; path: string; entry: string | null };
  for await (const { entry } of pages<Row>(
    ["", "", ""],
    ({ repository, branch, path }) => [repository, branch, path],
    (after) =>
      records.query(
        `SELECT repository, branch, path, entry FROM staged WHERE (repository, branch, path) > (?, ?, ?) ORDER BY repository, branch, path LIMIT ${PAGE}`,
        after,
      ),
  ))
    if (entry !== null) yield entry;
}

async function* workingRoots(records: Pick<Records, "query">): AsyncGenerator<Digest> {
  type Row = { repository: string; name: string; root: Digest };
  for await (const { root } of pages<Row>(
    ["", ""],
    ({ repository, name }) => [repository, name],
    (after) =>
      records.query(
        `SELECT repository, name, root FROM branches WHERE (repository, name) > (?, ?) ORDER BY repository, name LIMIT ${PAGE}`,
        after,
      ),
  ))
    yield root;
}

async function* wholeCommits(records: Pick<Records, "query">): AsyncGenerator<{ commit: string; root: Digest }> {
  type Row = { repository: string; id: Digest; root: Digest };
  for await (const { repository, id, root } of pages<Row>(
    ["", ""],
    (row) => [row.repository, row.id],
    (after) =>
      records.query(
        `SELECT repository, id, root FROM commits WHERE (repository, id) > (?, ?) AND freed_at IS NULL ORDER BY repository, id LIMIT ${PAGE}`,
        after,
      ),
  ))
    yield { commit: `${repository}/${id}`, root };
}

async function* pages<Row>(
  first: readonly (string | number)[],
  placeOf: (row: Row) => readonly (string | number)[],
  read: (after: readonly (string | number)[]) => Promise<Row[]>,
): AsyncGenerator<Row> {
  for (let after = first; ; ) {
    const rows = await read(after);
    yield* rows;
    if (rows.length < PAGE) return;
    after = placeOf(rows.at(-1)!);
  }
}
