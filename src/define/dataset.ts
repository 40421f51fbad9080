import { type Duration, didYouMean, MillError, parseDuration } from "../base/index.ts";
import type { Schema } from "../contract/index.ts";
import {
  type AllColumns,
  builtOf,
  type Columns,
  type Expression,
  inWords,
  type Moment,
  type Node,
  type RowCheck,
  type TimeColumns,
} from "../express/index.ts";
import { readColumns } from "./columns.ts";
import { type Check, type DatasetDefinition, type FilesSource, KIND, type Partitions, type Split } from "./definitions.ts";
import { BOOLEAN, expectType, expressionsOver, MOMENTS, nodeOf, type Rows, rowNode } from "./expressions.ts";
import { callback, definitionName, fieldsOf, type Given, list, optionalText, record, text, within, wrong } from "./options.ts";
import { readPartitions, refusePlaceholders } from "./partitions.ts";
import { readSource } from "./source.ts";
import { readSplit } from "./split.ts";
import type { Dataset } from "./typed.ts";

/** `T` where there is one; else the sentence, for the compiler to print. */
export type Or<T extends string, Sentence extends string> = [T] extends [never] ? Sentence : T;

export interface CheckWords<D extends Columns> {
  /** No two rows are equal in all of these columns; rows with a null in one of them pass. */
  unique(...columns: readonly (keyof D & string)[]): RowCheck;
}

export interface DatasetOptions<D extends Columns, O extends string, T extends string> {
  readonly from: FilesSource;
  /** Its files are named by the periods that they are of, as in `files("flights/{partition}.parquet")` with `daily("2024-01-01")`. */
  readonly partitions?: Partitions | undefined;
  readonly columns: D;
  /** Rows for which this is not true are left out before anything else. */
  readonly where?: ((c: AllColumns<NoInfer<D>>) => Expression<"a boolean">) | undefined;
  /** The column that says when a row happened; windows and a split by time need it. */
  readonly time?: T | undefined;
  /** The columns that say what a row is about, as in a customer's number. */
  readonly entity?: (keyof NoInfer<D> & string) | readonly (keyof NoInfer<D> & string)[] | undefined;
  /** Columns known only after the event, and when: a moment of the row, or a span after its time. */
  readonly outcomes?: { readonly [K in O]: Duration | ((r: AllColumns<NoInfer<D>>) => Moment) } | undefined;
  /** Which rows test a model and which are held out. Frozen when it is first used. */
  readonly split?: Split | undefined;
  /** Rows that fail are put aside with the reason; a null passes a comparison. */
  readonly checks?:
    | ((c: AllColumns<NoInfer<D>>, words: CheckWords<NoInfer<D>>) => readonly (Expression<"a boolean"> | RowCheck)[])
    | undefined;
  readonly license?: string | undefined;
  readonly about?: string | undefined;
}

/**
 * Rows from files, with the types of their columns, when each row happened, what is known only later, and what must hold.
 * Errors: `define.*` and `express.*`, naming the field.
 */
export function dataset<
  const N extends string,
  const D extends Columns,
  O extends keyof D & string = never,
  const T extends Or<TimeColumns<D>, "needs a column of type timestamp, instant or date"> = never,
>(name: N, options: DatasetOptions<D, O, T>): Dataset<N, D, O, T>;
export function dataset(name: unknown, options: unknown): DatasetDefinition {
  const at = `dataset "${definitionName("dataset", name)}"`;
  const given = fieldsOf(at, options, OPTIONS);
  const columns = readColumns(`${at}: columns`, given.columns);
  const rows: Rows = { name: name as string, columns };
  const time = given.time === undefined ? undefined : readTime(`${at}: time`, given.time, columns);
  const where = given.where === undefined ? undefined : readWhere(`${at}: where`, given.where, rows);
  const split = given.split === undefined ? undefined : readSplit(`${at}: split`, given.split, time, name as string);
  const [license, about] = (["license", "about"] as const).map((key) => optionalText(`${at}: ${key}`, given[key]));
  return Object.freeze({
    [KIND]: "dataset" as const,
    name: name as string,
    ...readFiles(at, given),
    columns,
    ...(where === undefined ? {} : { where }),
    ...(time === undefined ? {} : { time }),
    entity: readEntity(`${at}: entity`, given.entity, columns),
    outcomes: readOutcomes(`${at}: outcomes`, given.outcomes, rows, time),
    ...(split === undefined ? {} : { split }),
    checks: given.checks === undefined ? [] : readChecks(`${at}: checks`, given.checks, rows),
    ...(license === undefined ? {} : { license }),
    ...(about === undefined ? {} : { about }),
  });
}

function readFiles(at: string, given: Given): Pick<DatasetDefinition, "from" | "partitions"> {
  const from = readSource(`${at}: from`, given.from);
  if (given.partitions !== undefined) return { from, partitions: readPartitions(`${at}: partitions`, given.partitions, from) };
  refusePlaceholders(`${at}: from`, from);
  return { from };
}

const OPTIONS = [
  "from",
  "partitions",
  "columns",
  "where",
  "time",
  "entity",
  "outcomes",
  "split",
  "checks",
  "license",
  "about",
] as const satisfies readonly (keyof DatasetOptions<Columns, string, string>)[];

function columnName(at: string, given: unknown, columns: Schema): string {
  const name = text(at, given);
  if (Object.hasOwn(columns, name)) return name;
  const known = Object.keys(columns);
  throw new MillError("define.unknown-column", `${at}: there is no column "${name}".${didYouMean(name, known)}`, {
    at,
    expected: `one of ${known.join(", ")}`,
    got: `"${name}"`,
    fix: "Name a column that `columns` states, or add it there.",
  });
}

function readTime(at: string, given: unknown, columns: Schema): string {
  const name = columnName(at, given, columns);
  const { type, nullable } = columns[name]!;
  if ((MOMENTS as readonly string[]).includes(type) && !nullable) return name;
  const got = `"${name}" of type ${type}${nullable ? "?" : ""}`;
  throw new MillError("define.wrong-type", `${at}: needs a column of type timestamp, instant or date, got ${got}.`, {
    at,
    expected: "a column of type timestamp, instant or date, without missing values",
    got,
    fix: nullable ? "Take the ? away: a row without a time cannot be placed." : "Name the column that says when a row happened.",
  });
}

const readWhere = (at: string, given: unknown, rows: Rows): Node =>
  rowNode(at, callback(at, given, '(c) => c.date.before("2001-06-01")'), rows, BOOLEAN);

function readEntity(at: string, given: unknown, columns: Schema): readonly string[] {
  if (given === undefined) return [];
  const names = (typeof given === "string" ? [given] : list(at, given)).map((name) => columnName(at, name, columns));
  return names.length === 0 ? wrong(at, "one column or more", given) : [...new Set(names)];
}

function readOutcomes(at: string, given: unknown, rows: Rows, time: string | undefined): Readonly<Record<string, Node>> {
  if (given === undefined) return {};
  const outcomes = Object.entries(record(at, given));
  for (const [name] of outcomes) {
    columnName(at, name, rows.columns);
    if (name !== time) continue;
    throw new MillError("define.bad-value", `${at}: "${name}" says when a row happened, so it is known at that moment.`, {
      at,
      expected: "a column other than the time column",
      got: `"${name}"`,
      fix: "Leave it out of outcomes.",
    });
  }
  if (outcomes.length > 0 && time === undefined) throw timeMissing(`${at}`, "`outcomes` say when a value is known");
  return Object.fromEntries(outcomes.map(([name, when]) => [name, readOutcome(`${at}.${name}`, when, rows, time!)]));
}

/** The moment at which an outcome is known: of the same type as the time column, so that the two can be compared. */
function readOutcome(at: string, given: unknown, rows: Rows, time: string): Node {
  const type = rows.columns[time]!.type as "timestamp" | "instant" | "date";
  if (typeof given === "string") return later(at, given, time);
  const run = callback(at, given, `(r) => r.${time}.plusMinutes(90), or a span such as "2h"`);
  const node = nodeOf(
    at,
    within(at, () => run(expressionsOver(rows))),
    rows,
  );
  const types = type === "instant" ? (["instant"] as const) : (["timestamp", "date"] as const);
  expectType(at, node, rows, { what: `a moment like the time column (${type})`, types, example: `r.${time}.plusMinutes(90)` });
  return node;
}

function later(at: string, span: string, time: string): Node {
  const minutes = parseDuration(span, at) / 60e6;
  return {
    op: "plusMinutes",
    args: [
      { op: "column", name: time },
      { op: "literal", value: minutes },
    ],
  };
}

const UNIQUE = Symbol("unique");

function readChecks(at: string, given: unknown, rows: Rows): readonly Check[] {
  const run = callback(at, given, "(c) => [c.distance.gt(0)]");
  const unique = (...names: unknown[]) => ({ [UNIQUE]: names });
  const returned = list(
    at,
    within(at, () => run(expressionsOver(rows), { unique })),
  );
  return returned.map((item, i) => readCheck(`${at}[${i}]`, item, rows));
}

function readCheck(at: string, given: unknown, rows: Rows): Check {
  const names = typeof given === "object" && given !== null ? (given as { [UNIQUE]?: readonly unknown[] })[UNIQUE] : undefined;
  if (names !== undefined) return uniqueCheck(at, names, rows);
  const built = builtOf(given);
  const isCheck = built?.built === "check";
  const node = isCheck ? built.node : nodeOf(at, given, rows);
  expectType(at, node, rows, BOOLEAN);
  return { holds: node, share: isCheck ? built.share : 1, text: inWords(node) };
}

function uniqueCheck(at: string, given: readonly unknown[], rows: Rows): Check {
  if (given.length === 0) return wrong(at, 'columns, as in unique("id")', undefined);
  const names = given.map((name) => columnName(at, name, rows.columns));
  return { holds: { unique: names }, share: 1, text: `${names.join(" and ")} unique` };
}

export function timeMissing(at: string, why: string): MillError {
  return new MillError("define.time-missing", `${at}: ${why}, and the data set does not say when its rows happened.`, {
    at,
    expected: "a data set with `time`",
    got: "a data set without it",
    fix: 'Name the column that says when a row happened, as in time: "date".',
  });
}
