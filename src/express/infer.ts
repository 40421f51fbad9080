/**
 * Finds out what an expression is: names its columns, checks every operand against the table of operations, reads its literals. The compilers
 * work on what comes out, so what passes here compiles.
 */
import { didYouMean, MillError } from "../base/index.ts";
import type { Column, Schema, Value } from "../contract/index.ts";
import type { ColumnNode, LiteralNode, Node, OperationNode, WindowAggregate, WindowNode } from "./node.ts";
import { type Constant, type ConstantRule, OPERATIONS, type OperandRule, type Operation } from "./operations.ts";
import { compilePattern } from "./pattern.ts";
import { outcomeRead, type Shape } from "./shape.ts";
import { columnType, isMoment, type Moment, typeInWords, type ValueType } from "./value-type.ts";
import { readValue } from "./values.ts";
import { inWords } from "./words.ts";
import { isZone, zoneNames } from "./zones.ts";

/** An expression with its names found and its operands checked. */
export type Typed = TypedColumn | TypedLiteral | TypedWindow | TypedOperation;

export interface TypedColumn {
  readonly op: "column";
  readonly is: ValueType;
  readonly name: string;
  readonly column: Column;
}

export interface TypedLiteral {
  readonly op: "literal";
  readonly is: ValueType;
  /** A moment is microseconds already. */
  readonly value: Exclude<Value, null>;
}

export interface TypedWindow {
  readonly op: "window";
  readonly is: ValueType;
  readonly node: WindowNode;
  readonly value: Typed | null;
  readonly by: readonly Typed[];
}

export interface TypedOperation {
  readonly op: "operation";
  readonly is: ValueType;
  readonly operation: Operation;
  readonly args: readonly Typed[];
  readonly constant: Constant;
}

/**
 * The type of an expression over one row. Errors: `express.unknown-column`, `express.unknown-operation`, `express.operand`, `express.pattern`,
 * `express.zone`, and `express.window` for a window, which looks at other rows.
 */
export const typeOf = (node: Node, schema: Schema): ValueType => resolve(node, schema).is;

/**
 * The type of a feature, which may look back in windows. Errors: those of `typeOf`, and `express.leak` for an outcome of the row itself,
 * `express.no-time` for a window over rows without time, `express.span`, and `express.feature` for a moment, which no model reads.
 */
export function checkFeature(node: Node, shape: Shape): ValueType {
  const { is } = resolve(node, shape.columns, shape);
  const outcome = outcomeRead(node, shape);
  if (outcome !== undefined) throw leak(outcome, node);
  if (!isMoment(is.type)) return is;
  throw new MillError("express.feature", `${inWords(node)} is ${typeInWords(is)}, which no model can read.`, {
    expected: "a number, a boolean or a text",
    got: typeInWords(is),
    fix: "Take a part of it, as in .weekday(), or the time between two moments, as in .minutesUntil(...).",
  });
}

/** An expression made ready for the compilers; with a shape it may hold windows. Errors: as `typeOf` and `checkFeature`, but for leaks. */
export function resolve(node: Node, schema: Schema, windows?: Shape): Typed {
  if (node.op === "column") return resolveColumn(node, schema);
  if (node.op === "literal") return resolveLiteral(node);
  if (node.op === "window") return resolveWindow(node, schema, windows);
  return resolveOperation(node, schema, windows);
}

function resolveColumn({ name }: ColumnNode, schema: Schema): TypedColumn {
  const column = Object.hasOwn(schema, name) ? schema[name] : undefined;
  if (column !== undefined) return { op: "column", is: columnType(column), name, column };
  const names = Object.keys(schema);
  throw new MillError("express.unknown-column", `There is no column "${name}".${didYouMean(name, names)}`, {
    expected: `one of ${names.join(", ")}`,
    got: name,
    fix: "Use a column that the data set states, or add it to `columns`.",
  });
}

function resolveLiteral(node: LiteralNode): TypedLiteral {
  const { value } = node;
  if (typeof value === "boolean") return { op: "literal", is: { type: "boolean", nullable: false, integer: false }, value };
  if (typeof value === "string" && value.isWellFormed())
    return { op: "literal", is: { type: "string", nullable: false, integer: false }, value };
  if (typeof value === "number" && Number.isFinite(value))
    return { op: "literal", is: { type: "number", nullable: false, integer: Number.isSafeInteger(value) }, value };
  throw new MillError("express.operand", `${inWords(node)} cannot stand here.`, {
    expected: "a finite number, a boolean or a text of whole characters; a list of texts only as the operand of in",
    got: Array.isArray(value) ? "a list" : JSON.stringify(value),
    fix: "Write one value.",
  });
}

function resolveOperation(node: OperationNode, schema: Schema, windows: Shape | undefined): TypedOperation {
  const operation = Object.hasOwn(OPERATIONS, node.op) ? OPERATIONS[node.op] : undefined;
  if (operation === undefined) throw unknownOperation(String(node.op));
  const rules = operation.operands;
  const args: Typed[] = [];
  let constant: Constant = null;
  for (const [index, rule] of rules.entries()) {
    const arg = node.args[index];
    if (isConstant(rule)) constant = CONSTANTS[rule](arg, node, args[0]!.is);
    else if (arg === undefined) throw wrongOperand(node, index, RULES[rule].words, "nothing");
    else args.push(resolveOperand(arg, rule, node, index, args[0]?.is, schema, windows));
  }
  if (node.args.length > rules.length) throw wrongOperand(node, rules.length, "nothing more", inWords(node.args[rules.length]!));
  return { op: "operation", is: operation.result(args.map(({ is }) => is)), operation, args, constant };
}

function resolveOperand(
  arg: Node,
  rule: Exclude<OperandRule, ConstantRule>,
  node: OperationNode,
  index: number,
  first: ValueType | undefined,
  schema: Schema,
  windows: Shape | undefined,
): Typed {
  if (rule === "same" && isMoment(first!.type) && arg.op === "literal") return resolveMoment(arg, first!.type, node, index);
  const typed = resolve(arg, schema, windows);
  if (RULES[rule].accepts(typed.is, first)) return typed;
  const expected = rule === "same" ? `${typeInWords(first!)}, as its first operand` : RULES[rule].words;
  throw wrongOperand(node, index, expected, `${typeInWords(typed.is)}: ${inWords(arg)}`);
}

function resolveMoment(literal: LiteralNode, type: Moment, node: OperationNode, index: number): TypedLiteral {
  const read = readValue({ type, nullable: false }, literal.value);
  if (read.ok) return { op: "literal", is: { type, nullable: false, integer: false }, value: read.value! };
  throw wrongOperand(node, index, read.expected, inWords(literal));
}

const RULES: Readonly<
  Record<
    Exclude<OperandRule, ConstantRule>,
    { readonly words: string; readonly accepts: (is: ValueType, first?: ValueType) => boolean }
  >
> = {
  number: { words: "a number", accepts: (is) => is.type === "number" },
  boolean: { words: "a boolean", accepts: (is) => is.type === "boolean" },
  text: { words: "a text", accepts: (is) => is.type === "string" },
  moment: { words: "a date, timestamp or instant", accepts: (is) => isMoment(is.type) },
  clock: { words: "a timestamp or instant", accepts: (is) => is.type === "timestamp" || is.type === "instant" },
  any: { words: "a value", accepts: () => true },
  same: { words: "a value of the first operand's type", accepts: (is, first) => is.type === first!.type },
};

const isConstant = (rule: OperandRule): rule is ConstantRule => rule in CONSTANTS;

const CONSTANTS: Readonly<Record<ConstantRule, (arg: Node | undefined, node: OperationNode, first: ValueType) => Constant>> = {
  pattern(arg, node) {
    const pattern = constantText(arg);
    if (pattern === undefined) throw wrongOperand(node, 1, "a regular expression as a text", described(arg));
    compilePattern(pattern);
    return pattern;
  },
  texts(arg, node) {
    const texts: unknown = arg?.op === "literal" ? arg.value : undefined;
    const usable =
      Array.isArray(texts) && texts.length > 0 && texts.every((text) => typeof text === "string" && text.isWellFormed());
    if (!usable) throw wrongOperand(node, 1, 'a list of at least one text, as in ["SEA", "LAX"]', described(arg));
    return texts;
  },
  zone(arg, node, first) {
    if (first.type !== "instant") {
      if (arg === undefined) return null;
      throw wrongOperand(node, 1, `no zone: ${typeInWords(first)} has none`, described(arg));
    }
    const zone = constantText(arg);
    if (zone === undefined)
      throw wrongOperand(
        node,
        1,
        'the name of a zone, as in "Europe/Berlin": an instant shows another clock in each',
        described(arg),
      );
    if (!isZone(zone)) throw unknownZone(zone);
    return zone;
  },
};

const constantText = (arg: Node | undefined): string | undefined =>
  arg?.op === "literal" && typeof arg.value === "string" ? arg.value : undefined;
const described = (arg: Node | undefined): string => (arg === undefined ? "nothing" : inWords(arg) || "an empty list");

// Windows

function resolveWindow(node: WindowNode, schema: Schema, shape: Shape | undefined): TypedWindow {
  if (shape === undefined) throw windowOutOfPlace(node);
  if (shape.time === undefined) throw noTime(node);
  if (!Number.isSafeInteger(node.spanMicros) || node.spanMicros <= 0 || node.spanMicros > SPAN_MICROS_MAX) throw wrongSpan(node);
  if (!Object.hasOwn(AGGREGATES, node.aggregate)) throw unknownAggregate(node.aggregate);
  const value = node.value === null ? null : resolve(node.value, schema);
  const by = node.by.map((key) => resolve(key, schema));
  const keyOutcome = outcomeRead(node, shape);
  if (keyOutcome !== undefined) throw leak(keyOutcome, node);
  const { words, accepts, result } = AGGREGATES[node.aggregate];
  if (!accepts(value?.is)) {
    const got = value === null ? "nothing" : `${typeInWords(value.is)}: ${inWords(node.value!)}`;
    throw new MillError("express.operand", `${node.aggregate} draws together ${words}, got ${got}.`, {
      expected: words,
      got,
      fix: "Use share for booleans, mean, sum, min and max for numbers, count for anything.",
    });
  }
  return { op: "window", is: result(value?.is), node, value, by };
}

/** A hundred years, as `parseDuration` allows. */
const SPAN_MICROS_MAX = 3_155_760_000e6;

interface AggregateRule {
  readonly words: string;
  readonly accepts: (is: ValueType | undefined) => boolean;
  readonly result: (is: ValueType | undefined) => ValueType;
}
const numbers = { words: "numbers", accepts: (is: ValueType | undefined) => is?.type === "number" };
const aNumber = (nullable: boolean, integer: boolean): ValueType => ({ type: "number", nullable, integer });

const AGGREGATES: Readonly<Record<WindowAggregate, AggregateRule>> = {
  mean: { ...numbers, result: () => aNumber(true, false) },
  sum: { ...numbers, result: () => aNumber(true, false) },
  min: { ...numbers, result: (is) => aNumber(true, is!.integer) },
  max: { ...numbers, result: (is) => aNumber(true, is!.integer) },
  share: { words: "booleans", accepts: (is) => is?.type === "boolean", result: () => aNumber(true, false) },
  count: { words: "anything", accepts: () => true, result: () => aNumber(false, true) },
};

// Refusals

const PLACES = ["first", "second", "third", "fourth"];

function wrongOperand(node: OperationNode, index: number, expected: string, got: string): MillError {
  return new MillError(
    "express.operand",
    `The ${PLACES[index] ?? "last"} operand of ${node.op} must be ${expected}; it is ${got}.`,
    {
      expected,
      got,
      fix: "Change the operand, or the type of the column it reads.",
    },
  );
}

const unknownOperation = (name: string) =>
  new MillError("express.unknown-operation", `There is no operation "${name}".${didYouMean(name, Object.keys(OPERATIONS))}`, {
    expected: `one of ${Object.keys(OPERATIONS).join(", ")}`,
    got: name,
    fix: "Use one of the operations; what each means stands in the README of express.",
  });

const unknownAggregate = (name: string) =>
  new MillError("express.unknown-operation", `There is no aggregate "${name}".${didYouMean(name, Object.keys(AGGREGATES))}`, {
    expected: `one of ${Object.keys(AGGREGATES).join(", ")}`,
    got: name,
    fix: "Use one of the aggregates.",
  });

const unknownZone = (zone: string) =>
  new MillError("express.zone", `There is no time zone "${zone}".${didYouMean(zone, zoneNames())}`, {
    expected: 'a name of the IANA database, as in "Europe/Berlin"',
    got: zone,
    fix: "Name a city's zone: an abbreviation or an offset does not say when clocks change.",
  });

const windowOutOfPlace = (node: WindowNode) =>
  new MillError("express.window", `${inWords(node)} looks at other rows; here an expression sees one row.`, {
    expected: "an expression without .last(...)",
    got: inWords(node),
    fix: "Windows belong into features, and not inside one another; use the feature's value in the model.",
  });

const noTime = (node: WindowNode) =>
  new MillError("express.no-time", `${inWords(node)} looks back in time, but the data set's rows have none.`, {
    expected: "a data set that names its `time` column",
    got: "a data set without `time`",
    fix: 'Say which column tells when a row happened, as in time: "date".',
  });

const wrongSpan = (node: WindowNode) =>
  new MillError("express.span", `A window of ${node.spanMicros} microseconds is none.`, {
    expected: "whole microseconds above 0, at most 100 years",
    got: String(node.spanMicros),
    fix: 'Write the span as in .last("3h").',
  });

const leak = (outcome: string, node: Node) =>
  new MillError("express.leak", `${inWords(node)} reads "${outcome}" of the row itself, which is known only after the event.`, {
    expected: "columns that are known when a prediction is asked for",
    got: `the outcome "${outcome}"`,
    fix: `Draw it together over earlier rows, as in f.${outcome}.count().last("1d"), or use it in the label.`,
  });
