/**
 * A forest as an ONNX graph:
 *
 *   number [N, 1] double -- Cast float ------------------------------------------------------+
 *   text [N, 1] string -- LabelEncoder (bin, or the last row) -- Gather (a column of 0 and 1 --+-- Concat -- TreeEnsembleRegressor -- sums in double + start -- link
 *                         for each question about this text: 1 goes right) -- Cast float -----+
 *
 * `ai.onnx.ml` 3 has no question about sets, and chains of equalities take runtimes minutes to load, so the answers to the questions about texts are looked
 * up before the trees. That makes a row as wide as there are such questions: score in batches of about a thousand rows.
 *
 * Thresholds are float32 values and inputs are rounded to float32, so `x <= t` answers as in training. The ensemble sums in float32, which is not enough for
 * hundreds of trees; each leaf is therefore cut in two targets: a multiple of a quantum, chosen so that float32 holds every sum of these exactly, and the small
 * rest. Both sums are added in double, and the scores are those of training to about 1e-9.
 */
import { type GraphBuilder, tensorOf } from "../../onnx/index.ts";
import type { InputColumn } from "../inputs.ts";
import { addLink } from "../link.ts";
import { type Forest, isInSet } from "./forest.ts";
import type { ForestModel } from "./predictor.ts";

const FLOAT = { to: { int: 1 } } as const;
const DOUBLE = { to: { int: 11 } } as const;

export function addForest(
  graph: GraphBuilder,
  tensors: Readonly<Record<string, string>>,
  { link, inputs, textBins, start, forest }: ForestModel,
): string {
  const questions = questionsOf(forest, inputs);
  const columns = inputs.flatMap(({ name, texts }, column) => {
    if (texts === null) return [graph.add("Cast", [tensors[name]!], FLOAT)];
    const asked = questions.byColumn[column]!;
    return asked.length === 0 ? [] : [answers(graph, tensors[name]!, texts, textBins[column]!, asked, forest)];
  });
  const first = graph.constant("float64", start, [1, start.length]);
  const scores =
    columns.length === 0 || forest.roots.length === 0
      ? withoutTrees(graph, tensors[inputs[0]!.name]!, start.length)
      : treeSum(graph, graph.add("Concat", columns, { axis: { int: 1 } }), forest, questions.place, start.length);
  return addLink(graph, link, graph.add("Add", [scores, first]));
}

interface Questions {
  /** Per text column the nodes that ask about it. */
  readonly byColumn: readonly (readonly number[])[];
  /** Which column of the concatenated rows a node asks. */
  place(node: number): number;
}

function questionsOf(forest: Forest, inputs: readonly InputColumn[]): Questions {
  const byColumn = inputs.map((): number[] => []);
  const order = new Map<number, number>();
  forest.columns.forEach((column, node) => {
    if (column >= 0 && forest.setAts[node]! >= 0) order.set(node, byColumn[column]!.push(node) - 1);
  });
  let width = 0;
  const starts = inputs.map(({ texts }, column) => {
    const start = width;
    width += texts === null ? 1 : byColumn[column]!.length;
    return start;
  });
  return { byColumn, place: (node) => (forest.columns[node]! < 0 ? 0 : starts[forest.columns[node]!]! + (order.get(node) ?? 0)) };
}

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

/** Scores [N, outputs] of the trees, in double. */
function treeSum(graph: GraphBuilder, x: string, forest: Forest, place: Questions["place"], outputs: number): string {
  const { nodeIds, treeIds } = numberNodes(forest);
  const isLeaf = (node: number) => forest.columns[node]! < 0;
  const nodes = [...forest.columns.keys()];
  const childId = (node: number, step: number) => (isLeaf(node) ? 0 : nodeIds[forest.lefts[node]! + step]!);
  const ints = (values: readonly number[]) => ({ ints: values });
  const quantum = quantumOf(forest, treeIds);
  const targets = nodes.filter(isLeaf).flatMap((node) => {
    const output = treeIds[node]! % outputs;
    const coarse = Math.round(forest.values[node]! / quantum) * quantum;
    return [
      { node, target: output, weight: coarse },
      { node, target: outputs + output, weight: forest.values[node]! - coarse },
    ];
  });
  const sums = graph.addMl("TreeEnsembleRegressor", [x], {
    n_targets: { int: outputs * 2 },
    aggregate_function: { string: "SUM" },
    post_transform: { string: "NONE" },
    nodes_treeids: ints(nodes.map((node) => treeIds[node]!)),
    nodes_nodeids: ints(nodes.map((node) => nodeIds[node]!)),
    nodes_featureids: ints(nodes.map(place)),
    nodes_modes: { strings: nodes.map((node) => (isLeaf(node) ? "LEAF" : "BRANCH_LEQ")) },
    nodes_values: { floats: nodes.map((node) => (forest.setAts[node]! < 0 ? forest.thresholds[node]! : 0.5)) },
    nodes_truenodeids: ints(nodes.map((node) => childId(node, 0))),
    nodes_falsenodeids: ints(nodes.map((node) => childId(node, 1))),
    nodes_missing_value_tracks_true: ints([...forest.missingLeft]),
    target_treeids: ints(targets.map(({ node }) => treeIds[node]!)),
    target_nodeids: ints(targets.map(({ node }) => nodeIds[node]!)),
    target_ids: ints(targets.map(({ target }) => target)),
    target_weights: { floats: targets.map(({ weight }) => weight) },
  });
  const [coarse, rest] = graph.addMany("Split", [graph.add("Cast", [sums], DOUBLE)], 2, { axis: { int: 1 } });
  return graph.add("Add", [coarse!, rest!]);
}

/** A power of two of which every sum of the trees' leaves is less than 2^24. */
function quantumOf({ columns, values }: Forest, treeIds: Int32Array): number {
  const largest = new Map<number, number>();
  columns.forEach((column, node) => {
    if (column < 0) largest.set(treeIds[node]!, Math.max(largest.get(treeIds[node]!) ?? 0, Math.abs(values[node]!)));
  });
  const bound = [...largest.values()].reduce((a, b) => a + b, 0);
  return bound > 0 ? 2 ** (Math.ceil(Math.log2(bound)) - 22) : 1;
}

/** ONNX numbers nodes within their tree; a tree's nodes stand together here. */
function numberNodes({ roots, columns }: Forest): { nodeIds: Int32Array; treeIds: Int32Array } {
  const nodeIds = new Int32Array(columns.length);
  const treeIds = new Int32Array(columns.length);
  roots.forEach((root, tree) => {
    const end = roots[tree + 1] ?? columns.length;
    for (let node = root; node < end; node++) {
      nodeIds[node] = node - root;
      treeIds[node] = tree;
    }
  });
  return { nodeIds, treeIds };
}
