import { type Digest, MillError } from "../../base/index.ts";
import { type Column, type Schema, TYPE_NAMES, type TypeName } from "../../contract/index.ts";

/** The entry beside a table's Parquet files that describes it; what does not lie below its folder belongs to no table of it. */
export const DESCRIPTOR = "_table.json";

/** What `_table.json` holds. */
export interface TableDescriptor {
  readonly columns: Schema;
  /** Columns whose values name a row; left out or empty: rows have no name, and are told apart by all they hold. */
  readonly key?: readonly string[];
}

export interface TableFile {
  readonly path: string;
  readonly digest: Digest;
  readonly rowCount?: number;
}

/** A table as one version has it: the rows of all its files together. */
export interface TableContent {
  readonly files: readonly TableFile[];
  /** null: rows have no name. */
  readonly key: readonly string[] | null;
  /** What is declared of its columns; null: nothing is. */
  readonly columns: Schema | null;
}

/** Errors: `table.bad-descriptor`. */
export function parseDescriptor(text: string, at: string): TableDescriptor {
  const refuse = (expected: string, got: unknown): never => {
    throw new MillError("table.bad-descriptor", `${at} does not describe a table.`, {
      at,
      expected,
      got: JSON.stringify(got) ?? String(got),
      fix: 'Write it as {"columns": {"id": {"type": "int64", "nullable": false}}, "key": ["id"]}.',
    });
  };
  const value = jsonOf(text) as { columns?: unknown; key?: unknown } | null;
  const { columns, key = [] } = isRecord(value) ? value : refuse("an object", value);
  if (!isRecord(columns)) return refuse("columns by name", columns);
  for (const [name, column] of Object.entries(columns))
    if (!isRecord(column) || !TYPE_NAMES.includes((column as { type: TypeName }).type))
      refuse(`of the column "${name}" a type: ${TYPE_NAMES.join(", ")}`, column);
  if (!Array.isArray(key) || key.some((name) => typeof name !== "string" || !Object.hasOwn(columns, name)))
    return refuse("as key a list of names of columns", key);
  const described = Object.entries(columns as Record<string, Partial<Column> & { type: TypeName }>);
  return {
    columns: Object.fromEntries(described.map(([name, column]) => [name, { ...column, nullable: column.nullable !== false }])),
    ...(key.length > 0 ? { key: key as string[] } : {}),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
