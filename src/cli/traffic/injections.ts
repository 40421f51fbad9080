/**
 * Faults planted in traffic, from a moment on. A shift changes the world: requests, events and labels. A break and a unit change what the source sends:
 * requests and events; the labels stay those of the world.
 *
 *     --shift COLUMN+60[:COLUMN=VALUE]      --break COLUMN[=VALUE]      --unit COLUMN*1.609      several: separated by commas
 */
import { didYouMean, MillError } from "../../base/index.ts";
import type { Column, Row, Schema, Value } from "../../contract/index.ts";
import { readValue } from "../../express/index.ts";

export const INJECTIONS = ["shift", "break", "unit"] as const;
export type InjectionKind = (typeof INJECTIONS)[number];

export interface Injections {
  /** The row as the world has it. */
  world(row: Row): Row;
  /** The same as its source sends it. */
  sent(row: Row): Row;
}

type Change = (row: Row) => Row;
export type InjectionTexts = Readonly<Partial<Record<InjectionKind, string>>>;

/** Of rows of these columns, whose time column stays as it is. Errors: `cli.usage`. */
export function readInjections(given: InjectionTexts, columns: Schema, time: string): Injections {
  const changes = (kind: InjectionKind) =>
    (given[kind]?.split(",") ?? []).map((text) => READERS[kind](text, { columns, time, flag: `--${kind}` }));
  const apply = (all: readonly Change[]) => (row: Row) => all.reduce((changed, change) => change(changed), row);
  return { world: apply(changes("shift")), sent: apply([...changes("unit"), ...changes("break")]) };
}

interface Place {
  readonly columns: Schema;
  readonly time: string;
  readonly flag: string;
}

const READERS: Readonly<Record<InjectionKind, (text: string, place: Place) => Change>> = {
  shift(text, place) {
    const match = /^(.+?)([+-]\d+(?:\.\d+)?)(?::(.+?)=(.*))?$/s.exec(text);
    if (!match) throw wrong(place, "COLUMN+NUMBER, as in delay+60 or delay+60:origin=ATL", text);
    const [, name, amount, condition, wanted] = match;
    const column = numberColumn(name!, text, place);
    const by = Number(amount);
    if (isWhole(column) && !Number.isInteger(by)) throw wrong(place, `a whole number, because ${name} is ${column.type}`, text);
    const meant = condition === undefined ? () => true : equals(condition, wanted!, text, place);
    return (row) => (typeof row[name!] === "number" && meant(row) ? { ...row, [name!]: (row[name!] as number) + by } : row);
  },
  break(text, place) {
    const [, name, wanted] = /^([^=]*)(?:=(.*))?$/s.exec(text)!;
    const column = columnOf(name!, text, place);
    const value = wanted === undefined ? null : constant(column, wanted, text, place);
    return (row) => ({ ...row, [name!]: value });
  },
  unit(text, place) {
    const match = /^(.+?)\*(\d+(?:\.\d+)?)$/s.exec(text);
    if (!match || Number(match[2]) === 0) throw wrong(place, "COLUMN*NUMBER, as in distance*1.609", text);
    const [, name, factor] = match;
    const column = numberColumn(name!, text, place);
    const scaled = (value: number) => (isWhole(column) ? Math.round(value * Number(factor)) : value * Number(factor));
    return (row) => (typeof row[name!] === "number" ? { ...row, [name!]: scaled(row[name!] as number) } : row);
  },
};

function equals(name: string, wanted: string, text: string, place: Place): (row: Row) => boolean {
  const value = constant(columnOf(name, text, place), wanted, text, place);
  return (row) => row[name] === value;
}

function columnOf(name: string, text: string, place: Place): Column {
  const { columns, time } = place;
  const known = Object.keys(columns).filter((one) => one !== time);
  if (known.includes(name)) return columns[name]!;
  if (name === time) throw wrong(place, `a column other than ${time}, which says when a row happened`, text);
  throw wrong(place, `one of the columns ${known.join(", ")}.${didYouMean(name, known)}`, text);
}

function numberColumn(name: string, text: string, place: Place): Column {
  const column = columnOf(name, text, place);
  if (/int|float/.test(column.type)) return column;
  throw wrong(place, `a column of numbers; ${name} is ${column.type}`, text);
}

const isWhole = ({ type }: Column) => type.includes("int");

/** A value of the column, as it is written on a command line. */
function constant(column: Column, given: string, text: string, place: Place): Value {
  const json =
    /int|float/.test(column.type) && given.trim() !== "" ? Number(given) : column.type === "boolean" ? BOOLEANS[given] : given;
  const read = readValue(column, json);
  if (read.ok) return read.value;
  throw wrong(place, `behind = ${read.expected}`, text);
}

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false };

const wrong = ({ flag }: Place, expected: string, got: string) =>
  new MillError("cli.usage", `${flag} cannot be read: "${got}".`, { at: flag, expected, got, fix: "See mill traffic --help." });
