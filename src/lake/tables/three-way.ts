/**
 * Rows of three versions, found again by their key and compared in one pass. What is kept of it is the table `edits`: rows whose result is not what our side
 * has, and rows in conflict.
 *
 *     b0 b1 ..  o0 o1 ..  t0 t1 ..  was mine yours   the columns of each side, and whether the row is there
 *     home nth  away  far                            our file and the row's place in it, and theirs
 *     d0 d1 ..  conflict  id  side                   what clashes, the key as text, the choice that was made
 *     keep  c0 c1 ..                                 the result
 */
import type { Row } from "../../contract/index.ts";
import { quoteLiteral } from "../../express/index.ts";
import type { Tables } from "../../ports/tables/index.ts";
import { rowFrom } from "./diff.ts";
import { type AlignedColumn, keyText, requireUnique, rowsOf, type Side, sameKey, typesOf } from "./relation.ts";

export interface Choices {
  /** For every conflict that `resolutions` does not name. */
  readonly strategy?: "ours" | "theirs";
  /** By the `id` of a conflict. */
  readonly resolutions?: Readonly<Record<string, "ours" | "theirs">>;
}

export interface RowConflict {
  /** The key as JSON text of its values as texts: `["AA","3"]`. */
  readonly id: string;
  /** null: the row is not there. */
  readonly base: Row | null;
  readonly ours: Row | null;
  readonly theirs: Row | null;
  /** The columns that both sides changed, each in its own way; none: one side removed what the other changed. */
  readonly columns: readonly string[];
}

export interface Compared {
  readonly columns: readonly AlignedColumn[];
  readonly keys: readonly number[];
  /** Types of the result's columns. */
  readonly types: readonly string[];
}

/** Makes `edits` in the engine. Errors: `table.duplicate-key`. */
export async function compareThree(
  sides: { readonly base: Side; readonly ours: Side; readonly theirs: Side },
  { columns, keys, types }: Compared,
  { strategy, resolutions = {} }: Choices,
  tables: Tables,
): Promise<void> {
  const { base, ours, theirs } = sides;
  const asCompared = typesOf(columns, [ours, theirs, base]);
  const relation = (side: Side, located = false) => rowsOf(side, columns, asCompared, located);
  for (const side of [base, ours, theirs]) await requireUnique(relation(side), keys, columns, side, tables);
  await tables.run("CREATE OR REPLACE TEMP TABLE choices (id VARCHAR, side VARCHAR)");
  const chosen = Object.entries(resolutions).map(([id, side]) => `(${quoteLiteral(id)}, ${quoteLiteral(side)})`);
  for (let at = 0; at < chosen.length; at += 1000)
    await tables.run(`INSERT INTO choices VALUES ${chosen.slice(at, at + 1000).join(", ")}`);

  const all = columns.map((_, index) => index);
  const others = all.filter((index) => !keys.includes(index));
  const each = (text: (index: number) => string, of: readonly number[] = all) => of.map(text).join(", ");
  const any = (test: (index: number) => string) => `(${others.map(test).join(" OR ") || "false"})`;
  const weChanged = (index: number) => `o${index} IS DISTINCT FROM b${index}`;
  const theyChanged = (index: number) => `t${index} IS DISTINCT FROM b${index}`;
  const wePart = (index: number) => `o${index} IS DISTINCT FROM t${index}`;
  const clash = (index: number) => {
    const { name } = columns[index]!;
    const both = ours.types.has(name) && theirs.types.has(name); // of a row that both added, a column that one side does not have yet is no opinion of it
    return `(mine AND yours AND ${wePart(index)} AND CASE WHEN was THEN ${weChanged(index)} AND ${theyChanged(index)} ELSE ${both} END)`;
  };
  const result = (index: number) =>
    `CASE WHEN NOT mine THEN t${index} WHEN NOT yours THEN o${index} WHEN d${index} THEN CASE WHEN side = 'theirs' THEN t${index} ELSE o${index} END
      WHEN ${wePart(index)} AND NOT (${weChanged(index)}) THEN t${index} ELSE o${index} END`;
  const keyResult = (index: number) => `CASE WHEN mine THEN o${index} WHEN yours THEN t${index} ELSE b${index} END`;

  await tables.run(`CREATE OR REPLACE TEMP TABLE edits AS WITH
    known AS (SELECT b.here AS was, o.here AS mine, ${each((i) => `b.c${i} AS b${i}, o.c${i} AS o${i}`)}, home, nth, ${each((i) => `CASE WHEN b.here THEN b.c${i} ELSE o.c${i} END AS c${i}`, keys)}
      FROM (SELECT true AS here, * FROM ${relation(base)}) AS b FULL JOIN (SELECT true AS here, * FROM ${relation(ours, true)}) AS o ON ${sameKey(keys, "b", "o")}),
    three AS (SELECT coalesce(was, false) AS was, coalesce(mine, false) AS mine, coalesce(t.here, false) AS yours, known.home, known.nth, t.home AS away, t.nth AS far, ${each((i) => `b${i}, o${i}, t.c${i} AS t${i}`)}
      FROM known FULL JOIN (SELECT true AS here, * FROM ${relation(theirs, true)}) AS t ON ${sameKey(keys, "known", "t")}),
    clashing AS (SELECT *, ${each((i) => `${keys.includes(i) ? "false" : clash(i)} AS d${i}`)} FROM three),
    judged AS (SELECT *, CASE WHEN mine AND yours THEN ${any((i) => `d${i}`)} WHEN was AND mine THEN ${any(weChanged)} WHEN was AND yours THEN ${any(theyChanged)} ELSE false END AS conflict,
      ${each((i) => `${keyResult(i)} AS k${i}`, keys)} FROM clashing),
    named AS (SELECT *, CASE WHEN conflict THEN ${keyText(keys, "k")} END AS id FROM judged),
    sided AS (SELECT named.*, CASE WHEN conflict THEN coalesce(choices.side, ${strategy === undefined ? "NULL" : quoteLiteral(strategy)}) END AS side
      FROM named LEFT JOIN choices ON choices.id = named.id),
    ended AS (SELECT *, CASE WHEN mine AND yours THEN true WHEN conflict THEN CASE side WHEN 'ours' THEN mine WHEN 'theirs' THEN yours END WHEN was THEN false ELSE true END AS keep,
      ${each((i) => `CAST(${keys.includes(i) ? `k${i}` : result(i)} AS ${types[i]}) AS c${i}`)} FROM sided)
    SELECT *, CASE WHEN mine THEN NOT keep OR ${any((i) => `c${i} IS DISTINCT FROM CAST(o${i} AS ${types[i]})`)} ELSE keep END AS edit FROM ended
    WHERE conflict OR edit`);
}

export async function openConflicts(
  { base, ours, theirs }: { readonly base: Side; readonly ours: Side; readonly theirs: Side },
  { columns }: Compared,
  limit: number,
  tables: Tables,
): Promise<{ readonly conflictCount: number; readonly conflicts: readonly RowConflict[] }> {
  const [counted] = await tables.rows("SELECT count(*) AS n FROM edits WHERE conflict AND side IS NULL");
  const conflictCount = Number(counted!.n);
  if (conflictCount === 0) return { conflictCount, conflicts: [] };
  const rows = await tables.rows(
    `SELECT * EXCLUDE (home, nth, away, far) FROM edits WHERE conflict AND side IS NULL ORDER BY id LIMIT ${limit}`,
  );
  const conflicts = rows.map((row) => ({
    id: String(row.id),
    base: row.was === true ? rowFrom(row, "b", columns, base) : null,
    ours: row.mine === true ? rowFrom(row, "o", columns, ours) : null,
    theirs: row.yours === true ? rowFrom(row, "t", columns, theirs) : null,
    columns: columns.filter((_, index) => row[`d${index}`] === true).map(({ name }) => name),
  }));
  return { conflictCount, conflicts };
}
