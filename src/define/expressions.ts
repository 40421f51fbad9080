/** From what a user's callback returned to checked nodes. */
import { MillError } from "../base/index.ts";
import type { Schema } from "../contract/index.ts";
import { builtOf, columnsOf, finished, type Node, sameDataset, show, typeOf } from "../express/index.ts";
import { type Callback, record, within } from "./options.ts";

export interface Rows {
  readonly name: string;
  readonly columns: Schema;
}

/** The columns that a callback is handed. */
export const expressionsOver = (rows: Rows): object => columnsOf(rows.name, rows.columns);

/** The node of one expression over the rows; what is none is refused with what to write. */
export function nodeOf(at: string, given: unknown, rows: Rows): Node {
  const built = builtOf(given);
  if (built !== undefined) return within(at, () => sameDataset(finished(built, "it"), rows.name));
  throw new MillError("define.no-expression", `${at}: expected an expression over the columns, got ${show(given)}.`, {
    at,
    expected: `an expression over the columns of data set "${rows.name}"`,
    got: show(given),
    fix: "Return one of the columns that the callback hands in, or an operation on it, as in f.delay.gt(15).",
  });
}

/** What a callback returned for one row, as a node of one of the types. */
export function rowNode(at: string, run: Callback, rows: Rows, types: ExpectedTypes): Node {
  const given = within(at, () => run(expressionsOver(rows)));
  const node = nodeOf(at, given, rows);
  expectType(at, node, rows, types);
  return node;
}

/** Several expressions by name, as `features` and `slices` return them. */
export function namedNodes(at: string, run: Callback, rows: Rows): Readonly<Record<string, Node>> {
  const given = record(
    at,
    within(at, () => run(expressionsOver(rows))),
  );
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, nodeOf(`${at}.${name}`, value, rows)]));
}

export interface ExpectedTypes {
  readonly what: string;
  readonly types: readonly string[];
  /** How such an expression is written. */
  readonly example: string;
}

export const BOOLEAN: ExpectedTypes = { what: "a boolean", types: ["boolean"], example: "c.delay.gt(15)" };
export const MOMENTS = ["timestamp", "instant", "date"] as const;

/** Checks a node over rows, without windows. */
export function expectType(at: string, node: Node, rows: Rows, { what, types, example }: ExpectedTypes): void {
  const { type } = within(at, () => typeOf(node, rows.columns));
  if (types.includes(type)) return;
  throw new MillError("define.wrong-type", `${at}: expected ${what} for each row, got ${aOrAn(type)}.`, {
    at,
    expected: `${what}, as in ${example}`,
    got: aOrAn(type),
    fix: `Compare or convert it, as in ${example}.`,
  });
}

const aOrAn = (type: string) => `${type === "instant" ? "an" : "a"} ${type}`;
