import { type Column, NUMBER_TYPES, type NumberType, type TypeName } from "../contract/index.ts";

/** What an expression's value is. Every number type is `number`, `category` is `string`. */
export interface ValueType {
  readonly type: "number" | "boolean" | "string" | "date" | "timestamp" | "instant";
  /**
   * May it be missing? False promises only that no missing value comes in: arithmetic whose result no double can hold is null all the same.
   */
  readonly nullable: boolean;
  /** Of a number: whole, and held exactly up to 64 bits. */
  readonly integer: boolean;
}

export type Moment = "date" | "timestamp" | "instant";

export const isMoment = (type: string): type is Moment => type === "date" || type === "timestamp" || type === "instant";

/** Microseconds beyond which neither a double nor this block counts exactly: the years 1684 to 2255 lie within. */
export const MOMENT_MICROS_MAX = Number.MAX_SAFE_INTEGER;

export const isNumberType = (type: TypeName): type is NumberType => (NUMBER_TYPES as readonly string[]).includes(type);

export function columnType({ type, nullable }: Column): ValueType {
  if (isNumberType(type)) return { type: "number", nullable, integer: !type.startsWith("float") };
  return { type: type === "category" ? "string" : type, nullable, integer: false };
}

/** As a message says it. */
export const typeInWords = ({ type }: Pick<ValueType, "type">): string =>
  ({
    number: "a number",
    boolean: "a boolean",
    string: "a text",
    date: "a date",
    timestamp: "a timestamp",
    instant: "an instant",
  })[type];
