import type { GraphBuilder } from "../onnx/index.ts";
import type { TextInput } from "./design.ts";
import { dimensionsOf, type PointNumber, type PointSpace } from "./points.ts";

/**
 * The points in a graph, as doubles [N, width]:
 *
 *   number [N, 1] -- Sub offset -- Mul scale -- Where missing fill --+-- Concat
 *        +-- IsNaN -- Cast (the mark, where training had one) -------+
 *   text [N, 1] -- LabelEncoder (dimension) -- Equal -- Cast --------+
 */
export function addPoints(graph: GraphBuilder, tensors: Readonly<Record<string, string>>, space: PointSpace): string {
  const ends = dimensionsOf(space);
  const parts = space.inputs.flatMap((input, index) => {
    const name = tensors[input.name]!;
    return input.kind === "number" ? numberParts(graph, input, name) : textParts(graph, input, ends[index]!, name);
  });
  return graph.add("Concat", parts, { axis: { int: 1 } });
}

const DOUBLE = { to: { int: 11 } } as const;

function numberParts(graph: GraphBuilder, { offset, scale, fill, missingAt }: PointNumber, name: string): string[] {
  const one = (value: number) => graph.constant("float64", [value], [1, 1]);
  const missing = graph.add("IsNaN", [name]);
  const scaled = graph.add("Mul", [graph.add("Sub", [name, one(offset)]), one(scale)]);
  const filled = graph.add("Where", [missing, one(fill), scaled]);
  return missingAt < 0 ? [filled] : [filled, graph.add("Cast", [missing], DOUBLE)];
}

function textParts(graph: GraphBuilder, input: TextInput, dimensions: readonly number[], name: string): string[] {
  if (dimensions.length === 0) return [];
  const slot = graph.addMl("LabelEncoder", [name], {
    keys_strings: { strings: [...input.texts, ""] },
    values_int64s: { ints: [...input.at, input.missingAt] },
    default_int64: { int: -1 },
  });
  const isSlot = graph.add("Equal", [slot, graph.constant("int64", dimensions, [1, dimensions.length])]);
  return [graph.add("Cast", [isSlot], DOUBLE)];
}
