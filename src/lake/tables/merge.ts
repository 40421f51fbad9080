/**
 * Three-way merge of a table's rows by their key.
 *
 *              ours   o      o = t: that      o = b: t      t = b: o      all differ: a conflict
 *     base  b <
 *              theirs t      of each column; of a row that one side removed: of the whole row
 *
 * The result is told as changes to our files: a file in which no row changes stays, one in which some do is written anew in its order, and what their side
 * added goes into the file of the same path. Files that all three have are not read, but for their keys where rows were added.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, newId } from "../../base/index.ts";
import type { Schema } from "../../contract/index.ts";
import { quoteIdentifier, quoteLiteral } from "../../express/index.ts";
import type { Objects } from "../../ports/objects/index.ts";
import type { Tables } from "../../ports/tables/index.ts";
import { countRows } from "./diff.ts";
import { align, duplicateKey, keyIndexes, keyText, readSide, rowsOf, type Side, sameKey, typesOf, unshared } from "./relation.ts";
import { type ColumnConflict, mergeColumns, typeConflicts } from "./schemas.ts";
import type { TableContent, TableFile } from "./table.ts";
import { type Choices, type Compared, compareThree, openConflicts, type RowConflict } from "./three-way.ts";

export interface MergeTableOptions extends Choices {
  /** How many conflicts are told; 100 when it is not said. */
  readonly limit?: number;
}

export type MergedTable =
  | {
      readonly merged: true;
      /** Files that were written, at paths where ours or theirs has one. All others of ours stay, and none of theirs is needed. */
      readonly files: readonly WrittenFile[];
      readonly columns: Schema | null;
      /** Rows of ours that were added, changed or removed. */
      readonly rowCount: number;
      /** Conflicts that ended by a choice. */
      readonly resolved: number;
    }
  | {
      readonly merged: false;
      /** Why the versions do not fit together at all; then no row was compared. */
      readonly table: readonly ColumnConflict[];
      readonly conflictCount: number;
      /** The first of them, by `id`. */
      readonly conflicts: readonly RowConflict[];
    };

export interface WrittenFile extends TableFile {
  readonly rowCount: number;
}

export interface MergeResources {
  readonly tables: Tables;
  readonly objects: Objects;
  /** For files that are being written. */
  readonly folder: string;
}

/**
 * Brings into our version of a table what theirs changed since the base; both have a key. Nulls are equal, and so are NaNs.
 * Errors: `table.duplicate-key`, `table.key-missing`, those of `Tables` and `Objects`.
 */
export async function mergeTable(
  versions: { readonly base: TableContent; readonly ours: TableContent; readonly theirs: TableContent },
  { limit = 100, ...choices }: MergeTableOptions = {},
  { tables, objects, folder }: MergeResources,
): Promise<MergedTable> {
  const { base, ours, theirs } = versions;
  const declared = mergeColumns(base, ours, theirs);
  if (declared.conflicts.length > 0) return { merged: false, table: declared.conflicts, conflictCount: 0, conflicts: [] };
  const [b, o, t] = unshared([base.files, ours.files, theirs.files]) as [Files, Files, Files];
  const read = (files: Files) => readSide(files, { tables, objects });
  const sides = { base: await read(b), ours: await read(o), theirs: await read(t) };
  const unfit = typeConflicts(sides.base, sides.ours, sides.theirs);
  if (unfit.length > 0) return { merged: false, table: unfit, conflictCount: 0, conflicts: [] };
  const columns = align([sides.ours, sides.theirs, sides.base]);
  if (columns.length === 0) return { merged: true, files: [], columns: declared.columns, rowCount: 0, resolved: 0 };
  const compared: Compared = {
    columns,
    keys: keyIndexes(ours.key!, columns, Object.values(sides)),
    types: resultTypes(columns, sides),
  };

  await compareThree(sides, compared, choices, tables);
  const conflicts = await openConflicts(sides, compared, limit, tables);
  if (conflicts.conflictCount > 0) return { merged: false, table: [], ...conflicts };
  const unread = ours.files.filter((file) => !o.includes(file));
  await requireNewKeys(unread, theirs.files, compared, { tables, objects });

  const files: WrittenFile[] = [];
  for (const path of await touchedPaths(sides.ours, sides.theirs, tables)) {
    const file = ours.files.find((one) => one.path === path);
    const local = sides.theirs.paths.filter((_, index) => sides.theirs.files[index]!.path === path);
    const parts = [...(file ? [rewritten(await read([file]), compared)] : []), ...local.map((away) => added(away, compared))];
    files.push({ path, ...(await storeRows(parts.join(" UNION ALL "), { tables, objects, folder })) });
  }
  const count = async (which: string) => Number((await tables.rows(`SELECT count(*) AS n FROM edits WHERE ${which}`))[0]!.n);
  return {
    merged: true,
    files,
    columns: declared.columns,
    rowCount: await count("edit"),
    resolved: await count("conflict"),
  };
}

type Files = readonly TableFile[];

const ADDED = "edit AND NOT mine";

/** As our side has it, else theirs: a base of another type is only compared with. */
function resultTypes(columns: Compared["columns"], { base, ours, theirs }: Record<"base" | "ours" | "theirs", Side>): string[] {
  const uncast = columns.map(({ name }) => ({ name, cast: null }));
  return typesOf(uncast, [ours, theirs, base]);
}

/** A row that was added must not have the key of a row in a file that was not read. */
async function requireNewKeys(
  unread: Files,
  theirs: Files,
  { columns, keys, types }: Compared,
  { tables, objects }: Pick<MergeResources, "tables" | "objects">,
): Promise<void> {
  const added = `SELECT * FROM edits WHERE ${ADDED}`;
  if (unread.length === 0 || (await tables.rows(`${added} LIMIT 1`)).length === 0) return;
  const side = await readSide(unread, { tables, objects });
  const [twice] = await tables.rows(
    `SELECT ${keyText(keys, "e.c")} AS id FROM (${added}) AS e JOIN ${rowsOf(side, columns, types)} AS r ON ${sameKey(keys, "e", "r")} LIMIT 1`,
  );
  if (twice !== undefined) throw duplicateKey(String(twice.id), 2, keys, columns, { files: [...unread, ...theirs] });
}

/** Paths of our files in which rows change, and of theirs that rows come from. */
async function touchedPaths(ours: Side, theirs: Side, tables: Tables): Promise<string[]> {
  const rows = await tables.rows(`SELECT DISTINCT home, CASE WHEN ${ADDED} THEN away END AS away FROM edits WHERE edit`);
  const paths = rows.map(({ home, away }) =>
    home === null ? theirs.files[theirs.paths.indexOf(String(away))]!.path : ours.files[ours.paths.indexOf(String(home))]!.path,
  );
  return [...new Set(paths)].sort();
}

/** A file's rows in their order, with the edits of it. */
function rewritten(file: Side, { columns, types }: Compared): string {
  const values = columns.map(({ name }, index) => {
    const value = `CASE WHEN e.nth IS NULL THEN CAST(r.c${index} AS ${types[index]}) ELSE e.c${index} END`;
    return `${value} AS ${quoteIdentifier(name)}`;
  });
  return `(SELECT ${values.join(", ")} FROM ${rowsOf(file, columns, types, true)} AS r
    LEFT JOIN (SELECT * FROM edits WHERE edit AND home = ${quoteLiteral(file.paths[0]!)}) AS e ON e.nth = r.nth WHERE e.nth IS NULL OR e.keep ORDER BY r.nth)`;
}

const added = (away: string, { columns }: Compared) =>
  `(SELECT ${columns.map(({ name }, index) => `c${index} AS ${quoteIdentifier(name)}`).join(", ")} FROM edits
    WHERE ${ADDED} AND away = ${quoteLiteral(away)} ORDER BY far)`;

async function storeRows(
  sql: string,
  { tables, objects, folder }: MergeResources,
): Promise<{ readonly digest: Digest; readonly rowCount: number }> {
  const path = join(folder, `merge-${newId()}.parquet`);
  try {
    await tables.run(`COPY (${sql}) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION zstd)`);
    const rowCount = await countRows([path], tables);
    return { digest: await objects.putFile(path, { consume: true }), rowCount };
  } finally {
    await rm(path, { force: true });
  }
}
