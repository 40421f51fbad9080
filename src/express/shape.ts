import type { Schema } from "../contract/index.ts";
import { columnsRead } from "./columns-read.ts";
import type { Node } from "./node.ts";

/** The rows that an expression is about: a data set as this block sees it. */
export interface Shape {
  readonly columns: Schema;
  /** The column that says when a row happened; without one there are no windows. */
  readonly time?: string;
  /** Columns known only after the event, and the expression of the moment at which they are. */
  readonly outcomes: Readonly<Record<string, Node>>;
}

/** Does the value rest on an outcome of the row itself? An outcome inside a window is one of earlier rows, and does not count. */
export const usesOutcome = (node: Node, shape: Shape): boolean => outcomeRead(node, shape) !== undefined;

/** The first outcome of the row itself that an expression reads. */
export function outcomeRead(node: Node, shape: Shape): string | undefined {
  return [...requestColumnsOf(node)].find((name) => Object.hasOwn(shape.outcomes, name));
}

/** The outcomes that a window's value rests on, in the order of the shape. */
export function outcomesRead(value: Node | null, shape: Shape): string[] {
  const read = value === null ? new Set() : columnsRead(value);
  return Object.keys(shape.outcomes).filter((name) => read.has(name));
}

/**
 * The columns that a request must carry for these fields, in the order of the data set: what they read of the row itself, and the keys of their
 * windows. What a window draws together is not asked for; the time column only if a field reads it.
 */
export function requestColumns(fields: Readonly<Record<string, Node>>, shape: Shape): string[] {
  const needed = new Set(Object.values(fields).flatMap((node) => [...requestColumnsOf(node)]));
  return Object.keys(shape.columns).filter((name) => needed.has(name));
}

function requestColumnsOf(node: Node): ReadonlySet<string> {
  if (node.op === "column") return new Set([node.name]);
  if (node.op === "literal") return new Set();
  return new Set((node.op === "window" ? node.by : node.args).flatMap((part) => [...requestColumnsOf(part)]));
}
