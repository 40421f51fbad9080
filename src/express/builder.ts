/**
 * Builds expression nodes from what a user writes: `f.delay.gt(15)`. The types in `types.ts` say what may be written; here plain JavaScript is
 * told as clearly. Whether operands fit their operation is decided by `typeOf`, once for a whole expression.
 */
import { didYouMean, MillError, parseDuration } from "../base/index.ts";
import type { Schema } from "../contract/index.ts";
import type { Node, OperationName, WindowAggregate, WindowNode } from "./node.ts";

/** What a user's expression is inside: a node over the columns of one data set, a node not yet windowed, or a check. */
export type Built =
  | { readonly built: "expression"; readonly dataset: string; readonly node: Node }
  | { readonly built: "aggregate"; readonly dataset: string; readonly window: Omit<WindowNode, "spanMicros"> }
  | { readonly built: "check"; readonly dataset: string; readonly node: Node; readonly share: number };

const BUILT = Symbol.for("millwright.expression");

/** What `value` was built as, or undefined when it is no expression. */
export const builtOf = (value: unknown): Built | undefined =>
  typeof value === "object" && value !== null ? (value as { [BUILT]?: Built })[BUILT] : undefined;

/** The columns of a data set as expressions, by name. A name that is no column is refused with the nearest one. */
export function columnsOf(dataset: string, schema: Schema): object {
  const names = Object.keys(schema);
  const columns = names.map((name) => [name, expression(dataset, { op: "column", name })] as const);
  return guarded(Object.fromEntries(columns), (name) => {
    throw new MillError("express.unknown-column", `Data set "${dataset}" has no column "${name}".${didYouMean(name, names)}`, {
      at: `dataset "${dataset}"`,
      expected: `one of ${names.join(", ")}`,
      got: name,
      fix: "Use a column that the data set states, or add it to `columns`.",
    });
  });
}

/* biome-ignore format: a table */
const OPERANDS: Readonly<Record<OperationName, readonly [least: number, most: number]>> = {
  gt: [1, 1], gte: [1, 1], lt: [1, 1], lte: [1, 1], eq: [1, 1], ne: [1, 1], between: [2, 2],
  and: [1, 1], or: [1, 1], not: [0, 0],
  plus: [1, 1], minus: [1, 1], times: [1, 1], dividedBy: [1, 1], log: [0, 0], abs: [0, 0],
  isNull: [0, 0], orElse: [1, 1],
  in: [1, 1], matches: [1, 1], lower: [0, 0], length: [0, 0],
  hour: [0, 1], weekday: [0, 1], month: [0, 1], dayOfYear: [0, 1],
  plusMinutes: [1, 1], minutesUntil: [1, 1], before: [1, 1], after: [1, 1],
};
const AGGREGATES: readonly WindowAggregate[] = ["mean", "sum", "count", "share", "min", "max"];

function expression(dataset: string, node: Node): object {
  const operations = Object.entries(OPERANDS).map(([name, [least, most]]) => {
    const apply = (...given: unknown[]) => {
      countOperands(name, given, least, most);
      const operands = given.map((value) => operandNode(name, value, dataset));
      return expression(dataset, { op: name as OperationName, args: [node, ...operands] });
    };
    return [name, apply] as const;
  });
  const aggregates = AGGREGATES.map((name) => {
    const apply = (...given: unknown[]) => {
      countOperands(name, given, 0, 0);
      return aggregate(dataset, { op: "window", aggregate: name, value: node, by: [] });
    };
    return [name, apply] as const;
  });
  const holdsFor = (...given: unknown[]) => {
    countOperands("holdsFor", given, 1, 1);
    return check(dataset, node, given[0]);
  };
  const methods = Object.fromEntries([...operations, ...aggregates, ["holdsFor", holdsFor]]);
  return guarded({ [BUILT]: { built: "expression", dataset, node } satisfies Built, ...methods }, (name) => {
    throw unknownMethod("An expression", name, Object.keys(methods));
  });
}

function aggregate(dataset: string, window: Omit<WindowNode, "spanMicros">): object {
  const methods = {
    by: (...keys: unknown[]) => {
      if (keys.length === 0) countOperands("by", keys, 1, Number.POSITIVE_INFINITY);
      const nodes = keys.map((key) => keyNode(key, dataset));
      return aggregate(dataset, { ...window, by: [...window.by, ...nodes] });
    },
    last: (...given: unknown[]) => {
      countOperands("last", given, 1, 1);
      const spanMicros = parseDuration(String(given[0]), "last");
      return expression(dataset, { ...window, spanMicros });
    },
  };
  return guarded({ [BUILT]: { built: "aggregate", dataset, window } satisfies Built, ...methods }, (name) => {
    const more = name in OPERANDS ? ' Say over which time first, as in .last("3h").' : "";
    throw unknownMethod("An aggregate", name, Object.keys(methods), more);
  });
}

function check(dataset: string, node: Node, share: unknown): object {
  if (typeof share !== "number" || !(share > 0 && share <= 1))
    throw new MillError("express.share", `holdsFor takes the share of rows that must hold, got ${show(share)}.`, {
      expected: "a number above 0 and at most 1",
      got: show(share),
      fix: "Write 0.999 for all but one row in a thousand.",
    });
  return guarded({ [BUILT]: { built: "check", dataset, node, share } satisfies Built }, (name) => {
    throw unknownMethod("A check", name, [], " holdsFor comes last.");
  });
}

function operandNode(operation: string, value: unknown, dataset: string): Node {
  const built = builtOf(value);
  if (built !== undefined) return sameDataset(finished(built, `an operand of ${operation}`), dataset);
  if (typeof value === "string" || typeof value === "boolean") return { op: "literal", value };
  if (typeof value === "number" && Number.isFinite(value)) return { op: "literal", value };
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return { op: "literal", value: [...value] };
  throw new MillError("express.operand", `${operation} cannot take ${show(value)}.`, {
    expected: "a finite number, a text, a boolean, a list of texts for `in`, or an expression over the same data set",
    got: show(value),
    fix: value === null ? "Ask for a missing value with .isNull()." : (OPERAND_HINTS.get(typeof value) ?? DATE_HINT(value)),
  });
}

const OPERAND_HINTS: ReadonlyMap<string, string> = new Map([
  ["undefined", "Is the name right, and is what it names defined above this line?"],
  ["function", "Call it: an operation ends with parentheses."],
  ["bigint", "Write a number; integers are exact up to 2^53."],
  ["number", "NaN and infinities are missing values here: use .isNull()."],
]);
const DATE_HINT = (value: unknown) =>
  value instanceof Date
    ? 'Write the moment as text, as in "2001-06-01": a Date cannot say whether it has a zone.'
    : "Write a literal value, or an expression such as f.distance.";

function keyNode(key: unknown, dataset: string): Node {
  const built = builtOf(key);
  if (built !== undefined) return sameDataset(finished(built, "a key of by"), dataset);
  throw new MillError("express.operand", `by cannot take ${show(key)}.`, {
    expected: "columns or expressions over the same data set, as in .by(f.origin)",
    got: show(key),
    fix: typeof key === "string" ? `Write the column itself, as in f.${key}.` : "Name the columns whose values rows must share.",
  });
}

/** The expression that was built; an aggregate without a window and a check are refused with what is missing. */
export function finished(built: Built, where: string): Extract<Built, { built: "expression" }> {
  if (built.built === "expression") return built;
  const message =
    built.built === "aggregate" ? `${where} is an aggregate without a window.` : `${where} is a check, not a value.`;
  throw new MillError("express.unfinished", message[0]!.toUpperCase() + message.slice(1), {
    expected: "an expression",
    got: built.built === "aggregate" ? `.${built.window.aggregate}() without .last(...)` : ".holdsFor(...)",
    fix: built.built === "aggregate" ? 'Add the time it looks back over, as in .last("3h").' : "Leave .holdsFor(...) out here.",
  });
}

/** The node of an expression over `dataset`; one over another data set is refused. */
export function sameDataset(built: Extract<Built, { built: "expression" }>, dataset: string): Node {
  if (built.dataset === dataset) return built.node;
  throw new MillError(
    "express.other-dataset",
    `An expression over data set "${built.dataset}" is used where the rows are those of data set "${dataset}".`,
    {
      expected: `an expression over "${dataset}"`,
      got: `an expression over "${built.dataset}"`,
      fix: "Use the columns that the callback hands in; rows of two data sets do not meet in one expression.",
    },
  );
}

function countOperands(name: string, given: readonly unknown[], least: number, most: number): void {
  if (given.length >= least && given.length <= most) return;
  const expected =
    least === most ? String(least) : most === Number.POSITIVE_INFINITY ? `${least} or more` : `${least} or ${most}`;
  throw new MillError(
    "express.operand",
    `${name} takes ${expected} operand${expected === "1" ? "" : "s"}, got ${given.length}.`,
    {
      expected,
      got: String(given.length),
      fix: `Write .${name}(${Array.from({ length: least }, () => "...").join(", ")}).`,
    },
  );
}

function unknownMethod(what: string, name: string, known: readonly string[], more = ""): MillError {
  return new MillError("express.unknown-operation", `${what} has no operation "${name}".${didYouMean(name, known)}${more}`, {
    expected: known.length > 0 ? `one of ${known.join(", ")}` : "nothing more",
    got: name,
    fix: "Use one of the operations; what each means stands in the README of express.",
  });
}

/** Names that the language and its tools ask any object for: answering them with an error would break awaiting, printing and asserting. */
const ASKED_OF_ANY_OBJECT = new Set([
  "then",
  "toJSON",
  "constructor",
  "prototype",
  "nodeType",
  "$$typeof",
  "toString",
  "valueOf",
  "inspect",
]);

/** A frozen object that answers a name it does not have by `refuse`, where JavaScript would give undefined. */
function guarded(known: object, refuse: (name: string) => never): object {
  return new Proxy(Object.freeze(Object.assign(Object.create(null) as object, known)), {
    get: (target, name) => {
      if (Object.hasOwn(target, name)) return (target as Record<PropertyKey, unknown>)[name];
      return typeof name === "symbol" || ASKED_OF_ANY_OBJECT.has(name) ? undefined : refuse(name);
    },
  });
}

/** A value as an error message shows it. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a Date";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
