import { canonicalJson, type Digest } from "../../base/index.ts";
import type { Conflict, Repository, Resolution } from "../repositories/repository.ts";
import { PARQUET_TYPE, storedEntry } from "../stored-entry.ts";
import { isOfTable, type PlacedTable, readTable, tableOf } from "./in-repository.ts";
import { type MergedTable, type MergeResources, mergeTable } from "./merge.ts";
import { DESCRIPTOR } from "./table.ts";

/** The commits that are merged. */
export interface MergedRefs {
  readonly base: Digest;
  readonly ours: Digest;
  readonly theirs: Digest;
}

export interface MergeTablesOptions {
  /** For rows that both sides changed and `rows` does not name. */
  readonly strategy?: "ours" | "theirs";
  /** By table, by the `id` of a conflict. */
  readonly rows?: Readonly<Record<string, Readonly<Record<string, "ours" | "theirs">>>>;
}

export interface TableMerge {
  /** Its folder with the `/`; empty: the root. */
  readonly table: string;
  /** The paths in conflict that it explains. */
  readonly paths: readonly string[];
  readonly outcome: MergedTable;
}

/**
 * Merges by rows what conflicts as files: for each table with a key, on both sides, that has a path in conflict. Gives how every path of these tables ends
 * on which their side differs from the base, those in no conflict among them, because rows may have moved between files.
 */
export async function mergeTables(
  repository: Repository,
  refs: MergedRefs,
  conflicts: readonly Pick<Conflict, "path">[],
  { strategy, rows = {} }: MergeTablesOptions,
  resources: MergeResources & { readonly nowMs: number },
): Promise<{ readonly resolutions: Readonly<Record<string, Resolution>>; readonly tables: readonly TableMerge[] }> {
  const resolutions: [string, Resolution][] = [];
  const tables: TableMerge[] = [];
  for (const [table, paths] of await byTable(repository, refs, conflicts)) {
    const [base, ours, theirs] = (await Promise.all(
      [refs.base, refs.ours, refs.theirs].map((ref) => readTable(repository, ref, table, resources.objects)),
    )) as [PlacedTable, PlacedTable, PlacedTable];
    if (ours.key === null || theirs.key === null) continue;
    const choices = { ...(strategy !== undefined && { strategy }), resolutions: rows[table] ?? {} };
    const outcome = await mergeTable({ base, ours, theirs }, choices, resources);
    tables.push({ table, paths, outcome });
    if (outcome.merged) resolutions.push(...(await endsOf({ base, ours, theirs }, outcome, resources)));
  }
  return { resolutions: Object.fromEntries(resolutions), tables };
}

async function byTable(
  repository: Repository,
  { ours, theirs }: MergedRefs,
  conflicts: readonly Pick<Conflict, "path">[],
): Promise<Map<string, string[]>> {
  const tables = new Map<string, string[]>();
  for (const { path } of conflicts) {
    if (!isOfTable(path)) continue;
    const table = await tableOf(repository, [ours, theirs], path);
    tables.set(table, [...(tables.get(table) ?? []), path]);
  }
  return tables;
}

async function endsOf(
  { base, ours, theirs }: Readonly<Record<"base" | "ours" | "theirs", PlacedTable>>,
  { files, columns }: Extract<MergedTable, { readonly merged: true }>,
  { objects, nowMs }: MergeResources & { readonly nowMs: number },
): Promise<[string, Resolution][]> {
  const [was, is] = [base, theirs].map((side) => new Map(side.files.map(({ path, digest }) => [path, digest])));
  const changed = [...new Set([...was!.keys(), ...is!.keys()])].filter((path) => was!.get(path) !== is!.get(path));
  const ends: [string, Resolution][] = changed.map((path) => [path, "ours"]);
  for (const { path, digest } of files) ends.push([path, { entry: await storedEntry(objects, digest, PARQUET_TYPE, nowMs) }]);
  const described = ours.prefix + DESCRIPTOR;
  if (canonicalJson(columns) === canonicalJson(ours.columns)) ends.push([described, "ours"]);
  else {
    const descriptor = { ...theirs.descriptor, ...ours.descriptor, columns };
    const digest = await objects.put(Buffer.from(`${JSON.stringify(descriptor, null, 2)}\n`));
    ends.push([described, { entry: await storedEntry(objects, digest, "application/json", nowMs) }]);
  }
  return ends;
}
