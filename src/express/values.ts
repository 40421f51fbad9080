/** Values between JSON and the rows of the platform: see `Value` in contract for how each type is held. */
import { formatMoment, parseMoment } from "../base/index.ts";
import type { Column, TypeName, Value } from "../contract/index.ts";

export type ReadValue = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly expected: string };
type ColumnKind = Pick<Column, "type" | "nullable">;

/**
 * One JSON value as a value of the column. An int64 may be decimal text; a bigint is taken too, for callers in the process. What does not fit
 * comes back with what was expected, in words: nothing is rounded, cut or guessed, but that a float32 keeps 24 bits.
 */
export function readValue(column: ColumnKind, json: unknown): ReadValue {
  if (json === null && column.nullable) return { ok: true, value: null };
  const { words, read } = READERS[column.type];
  const value = json === null ? undefined : read(json);
  if (value !== undefined) return { ok: true, value };
  return { ok: false, expected: column.nullable ? `${words}, or null` : words };
}

/** A value of the column as JSON: `readValue` reads it back. */
export function showValue({ type }: ColumnKind, value: Value): null | number | string | boolean {
  if (value === null) return null;
  if (typeof value === "bigint") return value.toString();
  const show = SHOWN[type];
  return show === undefined ? value : show(value as number);
}

const SHOWN: Partial<Record<TypeName, (micros: number) => string>> = {
  date: (micros) => formatMoment(micros).slice(0, "2001-06-01".length),
  timestamp: formatMoment,
  instant: (micros) => `${formatMoment(micros)}Z`,
};

interface Reader {
  readonly words: string;
  /** undefined: it does not fit. */
  readonly read: (json: unknown) => Exclude<Value, null> | undefined;
}

function integers(bits: number, signed: boolean): Reader {
  const least = signed ? -(2 ** (bits - 1)) : 0;
  const most = 2 ** (signed ? bits - 1 : bits) - 1;
  const fits = (json: unknown): json is number => Number.isInteger(json) && (json as number) >= least && (json as number) <= most;
  return { words: `a whole number from ${least} to ${most}`, read: (json) => (fits(json) ? json + 0 : undefined) };
}

const INT64_MAX = 2n ** 63n - 1n;

const int64: Reader = {
  words: "a whole number of 64 bits, beyond 2^53 as decimal text",
  read(json) {
    if (Number.isSafeInteger(json)) return (json as number) + 0;
    if (typeof json !== "bigint" && !(typeof json === "string" && /^-?\d{1,19}$/.test(json))) return undefined;
    const value = BigInt(json);
    if (value > INT64_MAX || value < -INT64_MAX - 1n) return undefined;
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  },
};

const text: Reader = {
  words: "a text of whole characters",
  read: (json) => (typeof json === "string" && json.isWellFormed() ? json : undefined),
};

function moments(words: string, form: RegExp): Reader {
  return {
    words,
    read(json) {
      const moment = typeof json === "string" && form.test(json) ? parseMoment(json) : null;
      if (moment === null) return undefined;
      const exact = Number.isSafeInteger(moment.micros) || !/\.\d*[1-9]/.test(json as string);
      return exact ? moment.micros : undefined;
    },
  };
}

const DAY = /^\d{4}-\d\d-\d\d$/;
const WITHOUT_ZONE = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?$/;
const WITH_ZONE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;

const READERS: Readonly<Record<TypeName, Reader>> = {
  int8: integers(8, true),
  int16: integers(16, true),
  int32: integers(32, true),
  int64,
  uint8: integers(8, false),
  uint16: integers(16, false),
  uint32: integers(32, false),
  float32: {
    words: "a number that a float32 can hold",
    read: (json) => (typeof json === "number" && Number.isFinite(Math.fround(json)) ? Math.fround(json) : undefined),
  },
  float64: { words: "a finite number", read: (json) => (typeof json === "number" && Number.isFinite(json) ? json : undefined) },
  boolean: { words: "true or false", read: (json) => (typeof json === "boolean" ? json : undefined) },
  string: text,
  category: text,
  date: moments('a date as text, as in "2001-06-01"', DAY),
  timestamp: moments('a time without offset as text, as in "2001-06-01T10:00:00"', WITHOUT_ZONE),
  instant: moments('a time with offset as text, as in "2001-06-01T10:00:00Z"', WITH_ZONE),
};
