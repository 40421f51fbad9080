/** The types of a column, and its description: what a data set states, a file is read by, and a request is checked against. */
export const NUMBER_TYPES = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "float32", "float64"] as const;
export const TYPE_NAMES = [...NUMBER_TYPES, "boolean", "string", "category", "date", "timestamp", "instant"] as const;

export type NumberType = (typeof NUMBER_TYPES)[number];
export type TypeName = (typeof TYPE_NAMES)[number];

/** A column with nothing left out; what a user writes (`"int32?"`) is brought to this form by `define`. */
export interface Column {
  readonly type: TypeName;
  readonly nullable: boolean;
  /** The column's name in the source, where it differs. */
  readonly source?: string;
  readonly unit?: string;
  readonly about?: string;
  readonly personal?: "direct" | "quasi";
}

/** Columns by name, in the order of the definition. */
export type Schema = Readonly<Record<string, Column>>;

/**
 * A value of a row inside the platform: `date`, `timestamp` and `instant` are microseconds since 1970-01-01T00:00:00 (UTC for an instant);
 * int64 beyond 2^53 is a bigint; missing is null (never undefined, never NaN).
 */
export type Value = null | number | bigint | string | boolean;
export type Row = Readonly<Record<string, Value>>;
