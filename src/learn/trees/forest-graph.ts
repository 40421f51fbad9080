/**
 * A forest as an ONNX graph:
 *
 *   number [N, 1] double -- Cast float ------------------------------------------------------+
 *   text [N, 1] string -- LabelEncoder (bin, or NaN), where it is asked for its place --------+-- Concat -- trees -- sums in double + start -- / divisor -- link
 *                      '- LabelEncoder (bin, or the last row) -- Gather (a column of 0 and 1 -+
 *                         for each question about a set of texts: 1 goes right) -- Cast float
 *
 * Neither profile has a question about sets that runtimes load in reasonable time, so the answers to the questions about sets are looked up before the
 * trees. That makes a row as wide as there are such questions: score in batches of about a thousand rows. Thresholds are float32 values and inputs are
 * rounded to float32, so `x <= t` answers as in training.
 */
import { type GraphBuilder, type OnnxProfile, tensorOf } from "../../onnx/index.ts";
import type { InputColumn } from "../inputs.ts";
import { addLink } from "../link.ts";
import { addCompactTrees } from "./compact-trees.ts";
import { type Forest, isInSet } from "./forest.ts";
import type { ForestModel } from "./predictor.ts";
import { addWideTrees } from "./wide-trees.ts";

const FLOAT = { to: { int: 1 } } as const;

/** Adds trees to a graph: `x` is [N, columns] of float32, `place` says which column a node asks; returns their sums [N, outputs], double. */
export type AddTrees = (
  graph: GraphBuilder,
  x: string,
  forest: Forest,
  place: (node: number) => number,
  outputs: number,
) => string;

export function addForest(
  graph: GraphBuilder,
  tensors: Readonly<Record<string, string>>,
  { link, inputs, textBins, start, divisor, forest }: ForestModel,
  profile: OnnxProfile,
): string {
  const questions = questionsOf(forest, inputs);
  const columns = inputs.flatMap(({ name, texts }, column) => {
    const { ordered, sets } = questions.byColumn[column]!;
    if (texts === null) return [graph.add("Cast", [tensors[name]!], FLOAT)];
    return [
      ...(ordered ? [places(graph, tensors[name]!, texts, textBins[column]!)] : []),
      ...(sets.length > 0 ? [answers(graph, tensors[name]!, texts, textBins[column]!, sets, forest)] : []),
    ];
  });
  const addTrees: AddTrees = profile === "wide" ? addWideTrees : addCompactTrees;
  const sums =
    columns.length === 0 || forest.roots.length === 0
      ? withoutTrees(graph, tensors[inputs[0]!.name]!, start.length)
      : addTrees(graph, graph.add("Concat", columns, { axis: { int: 1 } }), forest, questions.place, start.length);
  const scores = graph.add("Add", [sums, graph.constant("float64", start, [1, start.length])]);
  return addLink(graph, link, divisor === 1 ? scores : graph.add("Div", [scores, graph.constant("float64", [divisor], [])]));
}

interface Questions {
  /** Whether a column is asked for its number or place, and the nodes that ask about a set of its texts. */
  readonly byColumn: readonly { readonly ordered: boolean; readonly sets: readonly number[] }[];
  /** Which column of the concatenated rows a node asks. */
  place(node: number): number;
}

function questionsOf(forest: Forest, inputs: readonly InputColumn[]): Questions {
  const byColumn = inputs.map(({ texts }) => ({ ordered: texts === null, sets: [] as number[] }));
  const order = new Map<number, number>();
  forest.columns.forEach((column, node) => {
    if (column < 0) return;
    if (forest.setAts[node]! < 0) byColumn[column]!.ordered = true;
    else order.set(node, byColumn[column]!.sets.push(node) - 1);
  });
  let width = 0;
  const starts = byColumn.map(({ ordered, sets }) => {
    const start = width;
    width += (ordered ? 1 : 0) + sets.length;
    return start;
  });
  return {
    byColumn,
    place: (node) => {
      const column = forest.columns[node]!;
      if (column < 0) return 0;
      const answer = order.get(node);
      return starts[column]! + (answer === undefined ? 0 : answer + (byColumn[column]!.ordered ? 1 : 0));
    },
  };
}

/** [N, 1]: the bin of each row's text, NaN where it is missing or not known. */
const places = (graph: GraphBuilder, name: string, texts: readonly string[], bins: Int32Array) =>
  graph.addMl("LabelEncoder", [name], {
    keys_strings: { strings: texts },
    values_floats: { floats: [...bins] },
    default_float: { float: NaN },
  });

/** [N, questions]: 1 where a row's text goes right. The table has a row per bin and a last one for texts that are missing or not known. */
function answers(
  graph: GraphBuilder,
  name: string,
  texts: readonly string[],
  bins: Int32Array,
  asked: readonly number[],
  forest: Forest,
): string {
  const binCount = bins.reduce((a, b) => Math.max(a, b), -1) + 1;
  const row = graph.addMl("LabelEncoder", [name], {
    keys_strings: { strings: texts },
    values_int64s: { ints: [...bins] },
    default_int64: { int: binCount },
  });
  const goesRight = (node: number, bin: number) =>
    bin === binCount ? 1 - forest.missingLeft[node]! : isInSet(forest.setWords, forest.setAts[node]!, bin) ? 0 : 1;
  const table = Uint8Array.from({ length: (binCount + 1) * asked.length }, (_, at) =>
    goesRight(asked[at % asked.length]!, Math.floor(at / asked.length)),
  );
  const gathered = graph.add("Gather", [graph.constant("bool", table, [binCount + 1, asked.length]), row], { axis: { int: 0 } });
  return graph.add("Cast", [graph.add("Squeeze", [gathered, graph.constant("int64", [1])])], FLOAT);
}

/** Zeros [N, outputs], whatever the inputs hold. */
function withoutTrees(graph: GraphBuilder, x: string, outputs: number): string {
  const rows = graph.add("Shape", [x], { start: { int: 0 }, end: { int: 1 } });
  const shape = graph.add("Concat", [rows, graph.constant("int64", [outputs])], { axis: { int: 0 } });
  return graph.add("ConstantOfShape", [shape], { value: { tensor: tensorOf("float64", [0]) } });
}
