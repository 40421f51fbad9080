import { MillError } from "../../base/index.ts";
import type { Repository } from "../repositories/repository.ts";
import { type DiffResources, diffTables } from "./diff.ts";
import { isOfTable, readTable, tableOf } from "./in-repository.ts";

export interface ChangedTable {
  /** Its folder with the `/`; empty: the root. */
  readonly table: string;
  /** null: the versions could not be compared, and `note` says why. */
  readonly rows: { readonly added: number; readonly removed: number; readonly changed: number } | null;
  readonly note?: string;
}

/** The tables whose files differ between two refs, with how many of their rows do; sorted by folder. */
export async function changedTables(
  repository: Repository,
  before: string,
  after: string,
  resources: DiffResources,
  prefix?: string,
): Promise<ChangedTable[]> {
  const found: ChangedTable[] = [];
  for (const table of await foldersOf(repository, before, after, prefix)) {
    try {
      const [old, now] = [
        await readTable(repository, before, table, resources.objects),
        await readTable(repository, after, table, resources.objects),
      ];
      const { added, removed, changed } = await diffTables(old, now, resources);
      if (added + removed + changed > 0) found.push({ table, rows: { added, removed, changed } });
    } catch (thrown) {
      if (!(thrown instanceof MillError) || !COMPARED.test(thrown.code)) throw thrown;
      found.push({ table, rows: null, note: thrown.message });
    }
  }
  return found;
}

/** What is wrong with the tables themselves, and not with us. */
const COMPARED = /^(table\.|tables\.query$)/;

async function foldersOf(repository: Repository, before: string, after: string, prefix: string | undefined): Promise<string[]> {
  const tables = new Map<string, string>();
  const folders = new Set<string>();
  for (let last: string | undefined; ; ) {
    const page = await repository.diff(before, after, {
      limit: PAGE,
      ...(last !== undefined && { after: last }),
      ...(prefix !== undefined && { prefix }),
    });
    for (const { path } of page) {
      if (!isOfTable(path)) continue;
      const folder = path.slice(0, path.lastIndexOf("/") + 1);
      if (!folders.has(folder)) tables.set(await tableOf(repository, [after, before], path), folder);
      folders.add(folder);
    }
    if (page.length < PAGE) return [...tables.keys()].sort();
    last = page.at(-1)!.path;
  }
}

const PAGE = 1000;
