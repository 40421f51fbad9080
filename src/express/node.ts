/**
 * An expression over the columns of one data set, as JSON: it is stored in bundles and digested into step keys.
 *
 *     { op: "gt", args: [{ op: "column", name: "delay" }, { op: "literal", value: 15 }] }
 *     { op: "window", aggregate: "mean", value: { op: "column", name: "delay" }, by: [{ op: "column", name: "origin" }], spanMicros: 10800000000 }
 *
 * Operations and their meaning stand in `operations.ts`, one entry each with its types and compilers.
 */
export type Node = ColumnNode | LiteralNode | WindowNode | OperationNode;

export interface ColumnNode {
  readonly op: "column";
  readonly name: string;
}

export interface LiteralNode {
  readonly op: "literal";
  /** A list is the second operand of `in`. */
  readonly value: number | string | boolean | readonly string[];
}

/** An aggregate over earlier rows whose values were known: see "Windows" in the block's README. */
export interface WindowNode {
  readonly op: "window";
  readonly aggregate: WindowAggregate;
  /** null: `count` of rows. */
  readonly value: Node | null;
  readonly by: readonly Node[];
  readonly spanMicros: number;
}

export interface OperationNode {
  readonly op: OperationName;
  readonly args: readonly Node[];
}

/** Aggregates over earlier rows; nulls are left out, `count` without a value counts rows. */
export type WindowAggregate = "mean" | "sum" | "count" | "share" | "min" | "max";

/* biome-ignore format: a table */
export type OperationName =
  | "gt" | "gte" | "lt" | "lte" | "eq" | "ne" | "between" // comparison: null when an operand is null
  | "and" | "or" | "not" // three-valued logic, as in SQL
  | "plus" | "minus" | "times" | "dividedBy" | "log" | "abs" // numbers; x / 0 and the log of x <= 0 are null
  | "isNull" | "orElse"
  | "in" | "matches" | "lower" | "length" // text; length counts Unicode code points
  | "hour" | "weekday" | "month" | "dayOfYear" // weekday is ISO 1 (Monday) to 7; an instant's second operand names the zone
  | "plusMinutes" | "minutesUntil" | "before" | "after"; // moments; minutes are rounded to whole microseconds
