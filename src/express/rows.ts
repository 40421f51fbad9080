import type { Row, Schema, Value } from "../contract/index.ts";
import { resolve, type Typed, type TypedColumn, type TypedOperation, type TypedWindow } from "./infer.ts";
import type { Node } from "./node.ts";

/** What an expression is for a row; a row that windows are asked as of has a moment, in microseconds. */
export type Evaluate = (row: Row, asOf: number) => Value;

/** An expression over one row as a function, equal to its SQL in every value. Errors: as `typeOf`. */
export function compileRow(node: Node, schema: Schema): (row: Row) => Value {
  const evaluate = evaluator(resolve(node, schema));
  return (row) => evaluate(row, Number.NaN);
}

/** The same of an expression made ready; `window` answers for the windows in it. */
export function evaluator(typed: Typed, window?: (window: TypedWindow) => Evaluate): Evaluate {
  if (typed.op === "column") return columnReader(typed);
  if (typed.op === "literal") return () => typed.value;
  if (typed.op === "operation") return operationOver(typed, window);
  if (window !== undefined) return window(typed);
  throw new Error("A window is evaluated by onlineFields.");
}

/** A row that lacks the column has no value there. */
function columnReader({ name, is }: TypedColumn): Evaluate {
  if (is.type !== "number" || is.integer) return (row) => row[name] ?? null;
  return (row) => {
    const value = row[name] ?? null;
    return Number.isFinite(value) ? value : null;
  };
}

function operationOver({ operation, args, constant }: TypedOperation, window?: (window: TypedWindow) => Evaluate): Evaluate {
  const apply = operation.row(
    args.map(({ is }) => is),
    constant,
  );
  const [first, second, third] = args.map((arg) => evaluator(arg, window)) as [Evaluate, Evaluate?, Evaluate?];
  if (operation.nulls === "seen") return (row, asOf) => apply(first(row, asOf), second ? second(row, asOf) : null, null);
  if (second === undefined) {
    return (row, asOf) => {
      const a = first(row, asOf);
      return a === null ? null : apply(a, null, null);
    };
  }
  return (row, asOf) => {
    const [a, b] = [first(row, asOf), second(row, asOf)];
    if (a === null || b === null) return null;
    const c = third ? third(row, asOf) : null;
    return third && c === null ? null : apply(a, b, c);
  };
}
