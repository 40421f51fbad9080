/**
 * A linear model in an ONNX graph, in double throughout:
 *
 *   number [N, 1] -- Sub mean -- Mul scale -- Where missing 0 --+-- Concat -- MatMul weights --+
 *        +-- IsNaN -- Cast (the mark, where training had one) --+                              +-- Sum + bias -- link
 *   text [N, 1] -- LabelEncoder (row of a table) -- Gather weights ----------------------------+
 */
import type { GraphBuilder } from "../../onnx/index.ts";
import type { NumberInput, TextInput } from "../design.ts";
import { addLink, outputsOf } from "../link.ts";
import type { LinearModel } from "./predictor.ts";

const DOUBLE = { to: { int: 11 } } as const;

export function addLinear(
  graph: GraphBuilder,
  tensors: Readonly<Record<string, string>>,
  { task, classes, link, inputs, weights }: LinearModel,
): string {
  const outputs = outputsOf(task, classes);
  const weightCount = weights.length / outputs;
  const weightsAt = (at: number) => Array.from({ length: outputs }, (_, k) => (at < 0 ? 0 : weights[k * weightCount + at]!));
  const dense = inputs.flatMap((input) => (input.kind === "number" ? denseParts(graph, input, tensors[input.name]!) : []));
  const terms = inputs.flatMap((input) =>
    input.kind === "text" ? [textTerm(graph, input, tensors[input.name]!, weightsAt, outputs)] : [],
  );
  if (dense.length > 0) {
    const x = graph.add(
      "Concat",
      dense.map(({ value }) => value),
      { axis: { int: 1 } },
    );
    const matrix = graph.constant(
      "float64",
      dense.flatMap(({ at }) => weightsAt(at)),
      [dense.length, outputs],
    );
    terms.push(graph.add("MatMul", [x, matrix]));
  }
  const bias = graph.constant("float64", weightsAt(weightCount - 1), [1, outputs]);
  const scores = terms.reduce((sum, term) => graph.add("Add", [sum, term]), bias);
  return addLink(graph, link, scores);
}

function denseParts(graph: GraphBuilder, input: NumberInput, name: string): { value: string; at: number }[] {
  const missing = graph.add("IsNaN", [name]);
  const centred = graph.add("Sub", [name, graph.constant("float64", [input.mean], [1, 1])]);
  const scaled = graph.add("Mul", [centred, graph.constant("float64", [input.scale], [1, 1])]);
  const filled = graph.add("Where", [missing, graph.constant("float64", [0], [1, 1]), scaled]);
  const mark = input.missingAt < 0 ? [] : [{ value: graph.add("Cast", [missing], DOUBLE), at: input.missingAt }];
  return [{ value: filled, at: input.at }, ...mark];
}

/** The table has a row per text, one for missing, which is the empty text here, and a last one of zeros for all others. */
function textTerm(
  graph: GraphBuilder,
  input: TextInput,
  name: string,
  weightsAt: (at: number) => number[],
  outputs: number,
): string {
  const keys = [...input.texts, ""];
  const table = [...input.at, input.missingAt, -1].flatMap(weightsAt);
  const row = graph.addMl("LabelEncoder", [name], {
    keys_strings: { strings: keys },
    values_int64s: { ints: keys.map((_, index) => index) },
    default_int64: { int: keys.length },
  });
  const gathered = graph.add("Gather", [graph.constant("float64", table, [keys.length + 1, outputs]), row], { axis: { int: 0 } });
  return graph.add("Squeeze", [gathered, graph.constant("int64", [1])]);
}
