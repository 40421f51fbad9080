/** What the graphs of transforms have in common. */
import { MillError } from "../../base/index.ts";
import type { GraphBuilder } from "../../onnx/index.ts";

export const DOUBLE = { to: { int: 11 } } as const;
const BOOL = { to: { int: 9 } } as const;

export const scalar = (graph: GraphBuilder, value: number) => graph.constant("float64", [value], [1, 1]);

/** The columns of [N, count] as [N, 1] each. */
export function splitColumns(graph: GraphBuilder, matrix: string, count: number): readonly string[] {
  if (count === 1) return [matrix];
  const sizes = graph.constant("int64", Array<number>(count).fill(1));
  return graph.addMany("Split", [matrix, sizes], count, { axis: { int: 1 } });
}

/** The texts' rows of a table as columns [N, 1]: a row for each key ("" is missing), and the last one for all others. */
export function lookUp(
  graph: GraphBuilder,
  texts: string,
  keys: readonly string[],
  table: readonly (readonly number[])[],
): readonly string[] {
  const width = table[0]!.length;
  const row = graph.addMl("LabelEncoder", [texts], {
    keys_strings: { strings: keys },
    values_int64s: { ints: keys.map((_, index) => index) },
    default_int64: { int: keys.length },
  });
  const gathered = graph.add("Gather", [graph.constant("float64", table.flat(), [table.length, width]), row], {
    axis: { int: 0 },
  });
  return splitColumns(graph, graph.add("Squeeze", [gathered, graph.constant("int64", [1])]), width);
}

/** Booleans [N, 1]: which texts are empty. */
export function isEmpty(graph: GraphBuilder, texts: string): string {
  const code = graph.addMl("LabelEncoder", [texts], {
    keys_strings: { strings: [""] },
    values_int64s: { ints: [1] },
    default_int64: { int: 0 },
  });
  return graph.add("Cast", [code], BOOL);
}

/** `otherwise` where `values` is missing. */
export const whereMissing = (graph: GraphBuilder, values: string, then: string, otherwise: string) =>
  graph.add("Where", [graph.add("IsNaN", [values]), then, otherwise]);

export const notInGraph = (what: string, fix: string) =>
  new MillError("onnx.unsupported", `An ONNX graph cannot say ${what}.`, {
    expected: "transforms that the operators of ONNX can say",
    got: what,
    fix: `${fix} The model itself predicts all the same.`,
  });
