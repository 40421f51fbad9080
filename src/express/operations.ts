/**
 * What each operation means: the operands it takes, the type of its result, and its compilers. The rest of the block never asks for an operation
 * by name. An operation is null when an operand is null, unless its `nulls` says that it looks at them.
 *
 * In SQL a number is a DOUBLE or, when it is `integer`, a BIGINT; a moment is its microseconds as BIGINT. In a row an integer beyond 2^53 is a
 * bigint. Two integers are compared exactly; an integer meets any other number as the nearest double.
 */
import { MINUTE_MICROS } from "../base/index.ts";
import type { Value } from "../contract/index.ts";
import { type CalendarField, fieldReader, fieldSql } from "./calendar.ts";
import { logarithm, logarithmSql } from "./logarithm.ts";
import type { OperationName } from "./node.ts";
import { compilePattern } from "./pattern.ts";
import { bind, quoteDouble, quoteLiteral } from "./quote.ts";
import { length, lower } from "./text.ts";
import { MOMENT_MICROS_MAX, type ValueType } from "./value-type.ts";

/**
 * What an operand must be. `same`: of the first operand's type; a text literal is read as a moment where the first is one.
 * The last three are constants, handed to the compilers as they stand; `zone` is asked for with an instant and refused with anything else.
 */
export type OperandRule = "number" | "boolean" | "text" | "moment" | "clock" | "any" | "same" | ConstantRule;
export type ConstantRule = "pattern" | "texts" | "zone";
export type Constant = string | readonly string[] | null;

export interface SqlOperand {
  readonly is: ValueType;
  readonly sql: string;
  /** Of a number: the greatest magnitude it can have. */
  readonly magnitude: number;
  /** Of a number literal. */
  readonly literal?: number;
}

export interface Operation {
  readonly operands: readonly OperandRule[];
  readonly result: (operands: readonly ValueType[]) => ValueType;
  readonly sql: (operands: readonly SqlOperand[], constant: Constant) => string;
  /** Of a number result; the greatest double when left out. */
  readonly magnitude?: (operands: readonly SqlOperand[]) => number;
  readonly row: (operands: readonly ValueType[], constant: Constant) => RowFunction;
  readonly nulls?: "seen";
}

export type RowFunction = (first: Value, second: Value, third: Value) => Value;

const anyNullable = (operands: readonly ValueType[]) => operands.some(({ nullable }) => nullable);
const boolean = (operands: readonly ValueType[]): ValueType => ({
  type: "boolean",
  nullable: anyNullable(operands),
  integer: false,
});
const number = (operands: readonly ValueType[]): ValueType => ({
  type: "number",
  nullable: anyNullable(operands),
  integer: false,
});
const integer = (operands: readonly ValueType[]): ValueType => ({
  type: "number",
  nullable: anyNullable(operands),
  integer: true,
});
const present = (result: (operands: readonly ValueType[]) => ValueType) => (): ValueType => ({ ...result([]), nullable: false });
const missing = (result: (operands: readonly ValueType[]) => ValueType) => (): ValueType => ({ ...result([]), nullable: true });

// Numbers

/** As a DOUBLE. */
const double = ({ sql, is, literal }: SqlOperand): string =>
  literal !== undefined ? quoteDouble(literal) : is.integer ? `CAST(${sql} AS DOUBLE)` : sql;

/** The result, or null where no double can hold it. `bound` is the greatest magnitude that the operands allow. */
const finite = (sql: string, bound: number): string =>
  Number.isFinite(bound) ? sql : bind(sql, (x) => `CASE WHEN isfinite(${x}) THEN ${x} END`);
const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Operands as the engine compares them: as they are when both are integers or of another type, else as doubles. */
const alike = (operands: readonly SqlOperand[]): string[] =>
  operands.every(({ is }) => is.type !== "number" || is.integer) ? operands.map(({ sql }) => sql) : operands.map(double);
const comparable = (operands: readonly ValueType[]): ((value: Value) => number) =>
  operands.every((is) => is.integer) ? (value) => value as number : Number;

function arithmetic(
  sign: string,
  apply: (a: number, b: number) => number,
  bound: (a: SqlOperand, b: SqlOperand) => number,
): Operation {
  return {
    operands: ["number", "number"],
    result: number,
    sql: ([a, b]) => finite(`(${double(a!)} ${sign} ${double(b!)})`, bound(a!, b!)),
    magnitude: ([a, b]) => bound(a!, b!),
    row: () => (a, b) => finiteOrNull(apply(Number(a), Number(b))),
  };
}

function ordering(sign: string, holds: (a: number, b: number) => boolean): Operation {
  return {
    operands: ["number", "number"],
    result: boolean,
    sql: (operands) => `(${alike(operands).join(` ${sign} `)})`,
    row(operands) {
      const of = comparable(operands);
      return (a, b) => holds(of(a), of(b));
    },
  };
}

/** Integers may be a number here and a bigint there, which `===` holds to be different. */
const equal = (a: number, b: number) => a >= b && a <= b;

function equality(sign: string, wanted: boolean): Operation {
  return {
    operands: ["any", "same"],
    result: boolean,
    sql: (operands) => `(${alike(operands).join(` ${sign} `)})`,
    row(operands) {
      if (operands[0]!.type !== "number") return (a, b) => (a === b) === wanted;
      const of = comparable(operands);
      return (a, b) => equal(of(a), of(b)) === wanted;
    },
  };
}

const between: Operation = {
  operands: ["number", "number", "number"],
  result: boolean,
  sql([value, low, high]) {
    const operands = [value!, low!, high!];
    const [v, l, h] = alike(operands) as [string, string, string];
    if (!low!.is.nullable && !high!.is.nullable) return `(${v} BETWEEN ${l} AND ${h})`;
    return bind(
      l,
      (x) => bind(h, (y) => `CASE WHEN ${x} IS NOT NULL AND ${y} IS NOT NULL THEN ${v} BETWEEN ${x} AND ${y} END`, "y"),
      "x",
    );
  },
  row(operands) {
    const of = comparable(operands);
    return (value, low, high) => of(value) >= of(low) && of(value) <= of(high);
  },
};

// Missing values

const isNull: Operation = {
  operands: ["any"],
  result: present(boolean),
  sql: ([value]) => `(${value!.sql} IS NULL)`,
  row: () => (value) => value === null,
  nulls: "seen",
};

const orElse: Operation = {
  operands: ["any", "same"],
  result: ([value, other]) => ({ type: value!.type, nullable: other!.nullable, integer: value!.integer && other!.integer }),
  sql: (operands) => `coalesce(${alike(operands).join(", ")})`,
  magnitude: ([value, other]) => Math.max(value!.magnitude, other!.magnitude),
  row(operands) {
    const of = operands[0]!.type === "number" && !operands.every((is) => is.integer) ? Number : (value: Value) => value;
    return (value, other) => (value !== null ? of(value) : other === null ? null : of(other));
  },
  nulls: "seen",
};

// Moments

const calendar = (field: CalendarField, first: OperandRule): Operation => ({
  operands: [first, "zone"],
  result: integer,
  sql: ([moment], zone) => fieldSql(field, moment!.sql, zone as string | null),
  magnitude: () => 366,
  row(_, zone) {
    const read = fieldReader(field, zone as string | null);
    return (moment) => read(moment as number);
  },
});

const earlier = (sign: string, holds: (a: number, b: number) => boolean): Operation => ({
  operands: ["moment", "same"],
  result: boolean,
  sql: ([a, b]) => `(${a!.sql} ${sign} ${b!.sql})`,
  row: () => (a, b) => holds(a as number, b as number),
});

const plusMinutes: Operation = {
  operands: ["moment", "number"],
  result: ([moment, minutes]) => ({
    type: moment!.type === "date" ? "timestamp" : moment!.type,
    nullable: moment!.nullable || minutes!.nullable,
    integer: false,
  }),
  sql([moment, minutes]) {
    const micros = `(CAST(${moment!.sql} AS DOUBLE) + floor(${double(minutes!)} * ${quoteDouble(MINUTE_MICROS)} + 0.5e0))`;
    return bind(micros, (x) => `CASE WHEN abs(${x}) <= ${quoteDouble(MOMENT_MICROS_MAX)} THEN CAST(${x} AS BIGINT) END`);
  },
  row: () => (moment, minutes) => {
    const micros = Number(moment) + Math.floor(Number(minutes) * MINUTE_MICROS + 0.5);
    return Math.abs(micros) <= MOMENT_MICROS_MAX ? micros : null;
  },
};

const minutesUntil: Operation = {
  operands: ["moment", "same"],
  result: number,
  sql: ([from, to]) => `((CAST(${to!.sql} AS DOUBLE) - CAST(${from!.sql} AS DOUBLE)) / ${quoteDouble(MINUTE_MICROS)})`,
  row: () => (from, to) => (Number(to) - Number(from)) / MINUTE_MICROS,
};

// Logic and texts

const and: Operation = {
  operands: ["boolean", "boolean"],
  result: boolean,
  sql: ([a, b]) => `(${a!.sql} AND ${b!.sql})`,
  row: () => (a, b) => (a === false || b === false ? false : a === null || b === null ? null : true),
  nulls: "seen",
};

const or: Operation = {
  operands: ["boolean", "boolean"],
  result: boolean,
  sql: ([a, b]) => `(${a!.sql} OR ${b!.sql})`,
  row: () => (a, b) => (a === true || b === true ? true : a === null || b === null ? null : false),
  nulls: "seen",
};

const not: Operation = {
  operands: ["boolean"],
  result: boolean,
  sql: ([a]) => `(NOT ${a!.sql})`,
  row: () => (a) => !a,
};

const among: Operation = {
  operands: ["text", "texts"],
  result: boolean,
  sql: ([text], texts) => `(${text!.sql} IN (${(texts as readonly string[]).map(quoteLiteral).join(", ")}))`,
  row(_, texts) {
    const members = new Set(texts as readonly string[]);
    return (text) => members.has(text as string);
  },
};

const matches: Operation = {
  operands: ["text", "pattern"],
  result: boolean,
  sql: ([text], pattern) => `regexp_matches(${text!.sql}, ${quoteLiteral(pattern as string)})`,
  row(_, pattern) {
    const compiled = compilePattern(pattern as string);
    return (text) => compiled.test(text as string);
  },
};

const bound = (combine: (a: number, b: number) => number) => (a: SqlOperand, b: SqlOperand) => combine(a.magnitude, b.magnitude);
const sumBound = bound((a, b) => a + b);
/** Anything can be divided by nearly nothing; only a constant divisor bounds the quotient. */
const quotientBound = (a: SqlOperand, b: SqlOperand) =>
  b.literal ? a.magnitude / Math.abs(b.literal) : Number.POSITIVE_INFINITY;

/** The table. */
export const OPERATIONS: Readonly<Record<OperationName, Operation>> = {
  gt: ordering(">", (a, b) => a > b),
  gte: ordering(">=", (a, b) => a >= b),
  lt: ordering("<", (a, b) => a < b),
  lte: ordering("<=", (a, b) => a <= b),
  eq: equality("=", true),
  ne: equality("<>", false),
  between,
  and,
  or,
  not,
  plus: arithmetic("+", (a, b) => a + b, sumBound),
  minus: arithmetic("-", (a, b) => a - b, sumBound),
  times: arithmetic(
    "*",
    (a, b) => a * b,
    bound((a, b) => a * b),
  ),
  dividedBy: { ...arithmetic("/", (a, b) => a / b, quotientBound), result: missing(number) },
  log: {
    operands: ["number"],
    result: missing(number),
    sql: ([value]) => logarithmSql(double(value!)),
    magnitude: () => 1024,
    row: () => (value) => logarithm(Number(value)),
  },
  abs: {
    operands: ["number"],
    result: number,
    sql: ([value]) => `abs(${double(value!)})`,
    magnitude: ([value]) => value!.magnitude,
    row: () => (value) => Math.abs(Number(value)),
  },
  isNull,
  orElse,
  in: among,
  matches,
  lower: {
    operands: ["text"],
    result: ([text]) => text!,
    sql: ([text]) => `lower(${text!.sql})`,
    row: () => (text) => lower(text as string),
  },
  length: {
    operands: ["text"],
    result: integer,
    sql: ([text]) => `length(${text!.sql})`,
    row: () => (text) => length(text as string),
  },
  hour: calendar("hour", "clock"),
  weekday: calendar("weekday", "moment"),
  month: calendar("month", "moment"),
  dayOfYear: calendar("dayOfYear", "moment"),
  plusMinutes,
  minutesUntil,
  before: earlier("<", (a, b) => a < b),
  after: earlier(">", (a, b) => a > b),
};
