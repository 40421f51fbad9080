/**
 * Where tables lie in a repository: the Parquet files below a folder with a `_table.json` are one table, but for those of a table further in.
 * Parquet files of a folder without one are compared as a table without a key.
 *
 *     orders/_table.json  orders/2001.parquet  orders/late/2001.parquet     one table `orders/`
 *     raw/a.parquet       raw/b.parquet                                     a table `raw/` that nothing describes
 *
 * `quarantine.parquet` holds rows that were refused, and is in no table.
 */
import type { Objects } from "../../ports/objects/index.ts";
import type { Repository } from "../repositories/repository.ts";
import { DESCRIPTOR, parseDescriptor, type TableContent, type TableDescriptor, type TableFile } from "./table.ts";

/** Where tables are read from: a repository, or a tree that is in none yet. */
export type TableReader = Pick<Repository, "entry" | "scan">;

export interface PlacedTable extends TableContent {
  /** The folder with its `/`; empty: the root. */
  readonly prefix: string;
  readonly descriptor: TableDescriptor | null;
}

/** Whether a path can be a file of a table, or describe one. */
export const isOfTable = (path: string): boolean => nameOf(path) === DESCRIPTOR || isRows(path);

const isRows = (path: string) => path.endsWith(".parquet") && nameOf(path) !== "quarantine.parquet";
const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/") + 1);

/** The table that a path belongs to on any of these refs, as its folder. */
export async function tableOf(repository: Repository, refs: readonly string[], path: string): Promise<string> {
  for (let folder = folderOf(path); ; folder = folderOf(folder.slice(0, -1))) {
    for (const ref of refs) if ((await repository.entry(ref, folder + DESCRIPTOR)) !== null) return folder;
    if (folder === "") return folderOf(path);
  }
}

/** A table as a ref has it; no files: it is not there. Errors: `table.bad-descriptor`. */
export async function readTable(
  repository: TableReader,
  ref: string,
  prefix: string,
  objects: Pick<Objects, "get">,
): Promise<PlacedTable> {
  const descriptor = await readDescriptor(repository, ref, prefix, objects);
  const files: TableFile[] = [];
  const inner: string[] = [];
  for await (const batch of repository.scan(ref, prefix))
    for (const { path, entry } of batch) {
      if (nameOf(path) === DESCRIPTOR && folderOf(path) !== prefix) inner.push(folderOf(path));
      else if (isRows(path)) files.push({ path, digest: entry.digest });
    }
  const own = files.filter(({ path }) =>
    descriptor === null ? folderOf(path) === prefix : !inner.some((folder) => path.startsWith(folder)),
  );
  return { prefix, descriptor, files: own, key: descriptor?.key ?? null, columns: descriptor?.columns ?? null };
}

async function readDescriptor(
  repository: TableReader,
  ref: string,
  prefix: string,
  objects: Pick<Objects, "get">,
): Promise<TableDescriptor | null> {
  const entry = await repository.entry(ref, prefix + DESCRIPTOR);
  return entry && parseDescriptor(Buffer.from(await objects.get(entry.digest)).toString("utf8"), prefix + DESCRIPTOR);
}
