/**
 * An expression over the columns of one data set, as JSON: it is stored in bundles and digested into step keys.
 *
 *     ["gt", ["column", "delay"], ["literal", 15]]
 *     ["window", "mean", ["column", "delay"], [["column", "origin"]], 10800000000]
 *
 * Operations and their meaning stand in `operations.ts`, one entry each with its types and compilers.
 */
export type Node =
  | readonly ["column", name: string]
  | readonly ["literal", value: number | string | boolean | readonly string[]]
  | readonly ["window", aggregate: WindowAggregate, value: Node | null, by: readonly Node[], spanMicros: number]
  | readonly [operation: OperationName, ...operands: readonly Node[]];

/** Aggregates over earlier rows; nulls are left out, `count` without a value counts rows. */
export type WindowAggregate = "mean" | "sum" | "count" | "share" | "min" | "max";

export type OperationName =
  | "gt"
  | "gte"
  | "lt"
  | "lte"
  | "eq"
  | "ne"
  | "between" // comparison: null when an operand is null
  | "and"
  | "or"
  | "not" // three-valued logic, as in SQL
  | "plus"
  | "minus"
  | "times"
  | "dividedBy"
  | "log"
  | "abs" // numbers; x / 0 and the log of x <= 0 are null
  | "isNull"
  | "orElse"
  | "in"
  | "matches"
  | "lower"
  | "length" // text; length counts Unicode code points
  | "hour"
  | "weekday"
  | "month"
  | "dayOfYear" // weekday is ISO 1 (Monday) to 7; an instant's second operand names the zone
  | "plusMinutes"
  | "minutesUntil"
  | "before"
  | "after"; // moments; minutes are rounded to whole microseconds
