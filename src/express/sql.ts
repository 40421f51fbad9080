import type { Schema, Value } from "../contract/index.ts";
import { resolve, type Typed, type TypedColumn, type TypedLiteral, type TypedWindow } from "./infer.ts";
import type { Node } from "./node.ts";
import type { SqlOperand } from "./operations.ts";
import { quoteDouble, quoteIdentifier, quoteLiteral } from "./quote.ts";
import { isMoment, isNumberType } from "./value-type.ts";

export interface SqlOptions {
  /** How a column is named in the query; its quoted name when left out. */
  readonly columnRef?: (name: string) => string;
}

/**
 * An expression over one row as SQL for DuckDB. Numbers are BIGINT (whole) or DOUBLE, texts VARCHAR; moments are DATE, TIMESTAMP and TIMESTAMPTZ.
 * What comes out of a column is missing where it is NaN or infinite. Names and texts are quoted, whatever they hold. Errors: as `typeOf`.
 */
export const compileSql = (node: Node, schema: Schema, options: SqlOptions = {}): string =>
  engineValue(sqlOf(resolve(node, schema), sqlContext(options)));

export interface SqlContext {
  readonly columnRef: (name: string) => string;
  readonly window: (window: TypedWindow) => string;
}

export function sqlContext({ columnRef = quoteIdentifier }: SqlOptions, window?: SqlContext["window"]): SqlContext {
  const none = () => {
    throw new Error("A window is compiled by featureQuery.");
  };
  return { columnRef, window: window ?? none };
}

/** The same, as the operations read it: a moment is microseconds. */
export function sqlOf(typed: Typed, context: SqlContext): SqlOperand {
  if (typed.op === "column") return columnSql(typed, context.columnRef(typed.name));
  if (typed.op === "literal") return literalSql(typed);
  if (typed.op === "window") return { is: typed.is, sql: context.window(typed), magnitude: Number.MAX_VALUE };
  const operands = typed.args.map((arg) => sqlOf(arg, context));
  const magnitude = Math.min(typed.operation.magnitude?.(operands) ?? Number.MAX_VALUE, Number.MAX_VALUE);
  return { is: typed.is, sql: typed.operation.sql(operands, typed.constant), magnitude };
}

/** An operand as the engine's own type. */
export function engineValue({ is, sql }: SqlOperand): string {
  return isMoment(is.type) ? ENGINE_MOMENT[is.type](sql) : sql;
}

const ENGINE_MOMENT = {
  date: (micros: string) => `CAST(make_timestamp(${micros}) AS DATE)`,
  timestamp: (micros: string) => `make_timestamp(${micros})`,
  instant: (micros: string) => `make_timestamptz(${micros})`,
};

function columnSql({ is, column: { type } }: TypedColumn, ref: string): SqlOperand {
  if (isMoment(type)) return { is, sql: `epoch_us(${ref})`, magnitude: Number.MAX_VALUE };
  if (!isNumberType(type)) return { is, sql: type === "boolean" ? ref : `CAST(${ref} AS VARCHAR)`, magnitude: 0 };
  if (is.integer) return { is, sql: `CAST(${ref} AS BIGINT)`, magnitude: 2 ** Number(/\d+/.exec(type)![0]) };
  const magnitude = type === "float32" ? FLOAT32_MAX : Number.MAX_VALUE;
  return { is, sql: `CASE WHEN isfinite(${ref}) THEN CAST(${ref} AS DOUBLE) END`, magnitude };
}

const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

function literalSql({ is, value }: TypedLiteral): SqlOperand {
  if (typeof value !== "number") return { is, sql: literalOf(value), magnitude: 0 };
  if (is.type !== "number") return { is, sql: `CAST(${value} AS BIGINT)`, magnitude: 0 };
  const sql = is.integer ? `CAST(${value} AS BIGINT)` : quoteDouble(value);
  return { is, sql, magnitude: Math.abs(value), literal: value };
}

const literalOf = (value: Exclude<Value, null | number>): string =>
  typeof value === "string" ? quoteLiteral(value) : String(value);
