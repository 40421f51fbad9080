import { canonicalJson } from "../../base/index.ts";
import type { Row, Schema, Value } from "../../contract/index.ts";
import { quoteLiteral } from "../../express/index.ts";
import type { Objects } from "../../ports/objects/index.ts";
import type { Tables } from "../../ports/tables/index.ts";
import {
  type AlignedColumn,
  align,
  keyIndexes,
  readSide,
  requireUnique,
  rowsOf,
  type Side,
  sameKey,
  typesOf,
  unshared,
} from "./relation.ts";
import type { TableContent } from "./table.ts";

export interface RowDifference {
  readonly kind: "added" | "removed" | "changed";
  readonly before: Row | null;
  readonly after: Row | null;
  /** Of a changed row, the columns whose values differ. */
  readonly columns: readonly string[];
  /** How many rows more or fewer hold just this; 1 in a table with a key. */
  readonly times: number;
}

export interface TableDifference {
  /** Whether rows were found again by a key; if not, a row that changed is one removed and one added. */
  readonly keyed: boolean;
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** In how many of the changed rows each column differs. */
  readonly changedColumns: Readonly<Record<string, number>>;
  readonly columns: ColumnChanges;
  readonly rows: readonly RowDifference[];
  /** To be given as `after`; null: these were all. */
  readonly next: string | null;
}

export interface ColumnChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly retyped: readonly { readonly name: string; readonly before: string; readonly after: string }[];
}

export interface DiffResources {
  readonly tables: Tables;
  readonly objects: Objects;
}

/**
 * The rows in which two versions of a table differ. With the same key on both sides rows are found again by it, and null is a value like any other; without,
 * rows are told apart by all they hold, and it counts how often each is there. A missing column is a column of nulls. Nulls are equal, and so are NaNs.
 * Files that both versions have are not read: a key that is there twice is found only among the rows that are. Rows come in the order of the key, or of all columns.
 * Errors: `table.duplicate-key`, `table.key-missing`, those of `Tables` and `Objects`.
 */
export async function diffTables(
  before: TableContent,
  after: TableContent,
  { tables, objects }: DiffResources,
  page: { readonly limit: number; readonly after?: string } = { limit: 0 },
): Promise<TableDifference> {
  const [old, now] = unshared([before.files, after.files]) as [TableContent["files"], TableContent["files"]];
  const key = sharedKey(before, after);
  const nothingToRead = page.limit === 0 ? old.length === 0 || now.length === 0 : old.length + now.length === 0;
  if (nothingToRead) {
    const [added, removed] = [await rowCountOf(now, { tables, objects }), await rowCountOf(old, { tables, objects })];
    const columns = columnChanges(before.columns ?? {}, after.columns ?? {});
    return { keyed: key !== null, added, removed, changed: 0, changedColumns: {}, columns, rows: [], next: null };
  }
  const sides = [await readSide(old, { tables, objects }), await readSide(now, { tables, objects })] as const;
  const columns = align(sides);
  const declared = before.columns && after.columns ? ([before.columns, after.columns] as const) : null;
  const comparison = key === null ? multisets(sides, columns) : await byKey(sides, columns, key, tables);
  const counts = await comparison.count(tables);
  const offset = Number(page.after ?? 0);
  const found = page.limit === 0 ? [] : await comparison.page(tables, page.limit + 1, offset);
  return {
    keyed: key !== null,
    ...counts,
    columns: declared
      ? columnChanges(...declared)
      : columnChanges(...(sides.map(({ types }) => Object.fromEntries(types)) as [Types, Types])),
    rows: found.slice(0, page.limit),
    next: found.length > page.limit ? String(offset + page.limit) : null,
  };
}

interface Comparison {
  count(tables: Tables): Promise<Pick<TableDifference, "added" | "removed" | "changed" | "changedColumns">>;
  page(tables: Tables, limit: number, offset: number): Promise<RowDifference[]>;
}

async function byKey(
  sides: readonly [Side, Side],
  columns: readonly AlignedColumn[],
  key: readonly string[],
  tables: Tables,
): Promise<Comparison> {
  const keys = keyIndexes(key, columns, sides);
  const types = typesOf(columns, sides);
  const relations = sides.map((side) => rowsOf(side, columns, types));
  for (const [index, relation] of relations.entries()) await requireUnique(relation, keys, columns, sides[index]!, tables);
  const [old, now] = relations.map((relation) => `(SELECT true AS here, * FROM ${relation})`);
  const others = columns.map((_, index) => index).filter((index) => !keys.includes(index));
  const differs = (index: number) => `old.c${index} IS DISTINCT FROM now.c${index}`;
  const joined = `FROM ${old} AS old FULL JOIN ${now} AS now ON ${sameKey(keys, "old", "now")}`;
  const both = "old.here AND now.here";
  const changed = `(${both} AND (${others.map(differs).join(" OR ") || "false"}))`;
  return {
    async count(tables) {
      const perColumn = others.map((index) => `count(*) FILTER (WHERE ${both} AND ${differs(index)}) AS d${index}`);
      const [row] = await tables.rows(
        `SELECT ${["count(*) FILTER (WHERE old.here IS NULL) AS added", "count(*) FILTER (WHERE now.here IS NULL) AS removed", `count(*) FILTER (WHERE ${changed}) AS changed`, ...perColumn].join(", ")} ${joined}`,
      );
      const counted = others.map((index): [string, number] => [columns[index]!.name, Number(row![`d${index}`])]);
      const changedColumns = Object.fromEntries(counted.filter(([, count]) => count > 0));
      return { added: Number(row!.added), removed: Number(row!.removed), changed: Number(row!.changed), changedColumns };
    },
    async page(tables, limit, offset) {
      const values = ["old", "now"].flatMap((side) => columns.map((_, index) => `${side}.c${index} AS ${side}${index}`));
      const order = keys.map((index) => `CASE WHEN old.here THEN old.c${index} ELSE now.c${index} END NULLS FIRST`);
      const flags = ["old.here AS was", "now.here AS is_there", ...others.map((index) => `${differs(index)} AS d${index}`)];
      const rows = await tables.rows(
        `SELECT ${[...values, ...flags].join(", ")} ${joined} WHERE old.here IS NULL OR now.here IS NULL OR ${changed} ORDER BY ${order.join(", ")} LIMIT ${limit} OFFSET ${offset}`,
      );
      return rows.map((row) => {
        const [was, is] = [row.was === true, row.is_there === true];
        return {
          kind: was && is ? "changed" : was ? "removed" : "added",
          before: was ? rowFrom(row, "old", columns, sides[0]) : null,
          after: is ? rowFrom(row, "now", columns, sides[1]) : null,
          columns: was && is ? others.filter((index) => row[`d${index}`] === true).map((index) => columns[index]!.name) : [],
          times: 1,
        };
      });
    },
  };
}

function multisets(sides: readonly [Side, Side], columns: readonly AlignedColumn[]): Comparison {
  const types = typesOf(columns, sides);
  const places = columns.map((_, index) => `c${index}`).join(", ");
  const [old, now] = sides.map((side) => rowsOf(side, columns, types));
  const differing = `SELECT ${places}, sum(n) AS n FROM (SELECT ${places}, -1 AS n FROM ${old} UNION ALL SELECT ${places}, 1 AS n FROM ${now})
    GROUP BY ${places} HAVING sum(n) <> 0`;
  return {
    async count(tables) {
      const [row] = await tables.rows(
        `SELECT coalesce(sum(n) FILTER (WHERE n > 0), 0) AS added, coalesce(-sum(n) FILTER (WHERE n < 0), 0) AS removed FROM (${differing})`,
      );
      return { added: Number(row!.added), removed: Number(row!.removed), changed: 0, changedColumns: {} };
    },
    async page(tables, limit, offset) {
      const order = columns.map((_, index) => `c${index} NULLS FIRST`).join(", ");
      const rows = await tables.rows(`${differing} ORDER BY ${order} LIMIT ${limit} OFFSET ${offset}`);
      return rows.map((row) => {
        const times = Number(row.n);
        const content = rowFrom(row, "c", columns, times > 0 ? sides[1] : sides[0]);
        const [kind, before, after] = times > 0 ? (["added", null, content] as const) : (["removed", content, null] as const);
        return { kind, before, after, columns: [], times: Math.abs(times) };
      });
    },
  };
}

/** What a side has of a row: not the columns that only the other one has. */
export function rowFrom(row: Row, prefix: string, columns: readonly AlignedColumn[], { types }: Pick<Side, "types">): Row {
  const values = columns.map(({ name }, index): [string, Value] => [name, row[`${prefix}${index}`]!]);
  return Object.fromEntries(values.filter(([name]) => types.has(name)));
}

async function rowCountOf(files: TableContent["files"], { tables, objects }: DiffResources): Promise<number> {
  const unknown = files.filter(({ rowCount }) => rowCount === undefined);
  const known = files.reduce((sum, { rowCount = 0 }) => sum + rowCount, 0);
  return known + (await countRows(await Promise.all(unknown.map(({ digest }) => objects.pathOf(digest))), tables));
}

/** Rows of Parquet files together, as their footers tell. */
export async function countRows(paths: readonly string[], tables: Tables): Promise<number> {
  if (paths.length === 0) return 0;
  const list = paths.map(quoteLiteral).join(", ");
  const [row] = await tables.rows(`SELECT sum(num_rows) AS n FROM parquet_file_metadata([${list}])`);
  return Number(row!.n);
}

type Types = Readonly<Record<string, string>>;

function columnChanges(before: Schema | Types, after: Schema | Types): ColumnChanges {
  const typeOf = (columns: Schema | Types, name: string) => {
    const column = columns[name]!;
    return typeof column === "string" ? column : column.type;
  };
  const kept = Object.keys(before).filter((name) => Object.hasOwn(after, name));
  return {
    added: Object.keys(after).filter((name) => !Object.hasOwn(before, name)),
    removed: Object.keys(before).filter((name) => !Object.hasOwn(after, name)),
    retyped: kept
      .map((name) => ({ name, before: typeOf(before, name), after: typeOf(after, name) }))
      .filter((change) => change.before !== change.after),
  };
}

/** The key that both versions have; a version without files says nothing of it. */
function sharedKey(before: TableContent, after: TableContent): readonly string[] | null {
  if (before.files.length === 0 || after.files.length === 0) return before.files.length === 0 ? after.key : before.key;
  return canonicalJson(before.key) === canonicalJson(after.key) ? after.key : null;
}
