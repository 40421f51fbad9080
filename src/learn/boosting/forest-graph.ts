/**
 * A forest as an ONNX graph:
 *
 *   number column [N, 1] double --- Cast float --- Cast double --+
 *   text column [N, 1] string --- LabelEncoder (rank or NaN) ----+-- Concat -- TreeEnsembleRegressor (double) -- Cast -- + start -- link
 *
 * Thresholds are float32 values and inputs are rounded to float32, so `x <= t` answers as in training. The ensemble sums doubles and rounds the sum
 * of the trees to float32 once: below 1e-7 of the score, which moves a probability by less than 1e-7. The start is added after, in double.
 */
import { createGraph, type GraphBuilder, type OnnxModel, tensorOf } from "../../onnx/index.ts";
import { declareInputs, type InputColumn } from "../inputs.ts";
import { finishGraph } from "../link.ts";
import type { Forest } from "./forest.ts";
import type { ForestModel } from "./predictor.ts";

const FLOAT = { to: { int: 1 } } as const;
const DOUBLE = { to: { int: 11 } } as const;

export function forestGraph({ task, classes, inputs, start, forest }: ForestModel, estimator: string): OnnxModel {
  const graph = createGraph(estimator);
  const names = declareInputs(graph, inputs);
  const columns = inputs.map((input, index) => preparedColumn(graph, input, names[index]!));
  const x = graph.add("Concat", columns, { axis: { int: 1 } });
  const first = graph.constant("float64", start, [1, start.length]);
  const scores =
    forest.roots.length === 0
      ? withoutTrees(graph, x, start.length)
      : treeSum(graph, x, forest, start.length, task === "regression");
  return finishGraph(graph, graph.add("Add", [scores, first]), task, classes, estimator);
}

function preparedColumn(graph: GraphBuilder, { texts }: InputColumn, name: string): string {
  if (texts === null) return graph.add("Cast", [graph.add("Cast", [name], FLOAT)], DOUBLE);
  const ranks = graph.addMl("LabelEncoder", [name], {
    keys_strings: { strings: texts },
    values_floats: { floats: texts.map((_, rank) => rank) },
    default_float: { float: NaN },
  });
  return graph.add("Cast", [ranks], DOUBLE);
}

/** Zeros [N, outputs], whatever the inputs hold. */
function withoutTrees(graph: GraphBuilder, x: string, outputs: number): string {
  const rows = graph.add("Shape", [x], { start: { int: 0 }, end: { int: 1 } });
  const shape = graph.add("Concat", [rows, graph.constant("int64", [outputs])], { axis: { int: 0 } });
  return graph.add("ConstantOfShape", [shape], { value: { tensor: tensorOf("float64", [0]) } });
}

/**
 * Scores [N, outputs] of the trees. The ensemble hands its sums out as float32; for regression, where a value may be large, each leaf is therefore cut in two
 * targets: multiples of a quantum whose sums float32 holds exactly, and the small rest.
 */
function treeSum(graph: GraphBuilder, x: string, forest: Forest, outputs: number, exact: boolean): string {
  const { nodeIds, treeIds } = numberNodes(forest);
  const isLeaf = (node: number) => forest.columns[node]! < 0;
  const nodes = [...forest.columns.keys()];
  const childId = (node: number, step: number) => (isLeaf(node) ? 0 : nodeIds[forest.lefts[node]! + step]!);
  const ints = (values: readonly number[]) => ({ ints: values });
  const quantum = exact ? quantumOf(forest, treeIds) : 0;
  const targets = nodes.filter(isLeaf).flatMap((node) => {
    const value = forest.values[node]!;
    const target = { node, output: treeIds[node]! % outputs };
    if (!exact) return [{ ...target, weight: value }];
    const coarse = Math.round(value / quantum) * quantum;
    return [
      { ...target, weight: coarse },
      { ...target, output: outputs, weight: value - coarse },
    ];
  });
  const sums = graph.addMl("TreeEnsembleRegressor", [x], {
    n_targets: { int: exact ? outputs + 1 : outputs },
    aggregate_function: { string: "SUM" },
    post_transform: { string: "NONE" },
    nodes_treeids: ints(nodes.map((node) => treeIds[node]!)),
    nodes_nodeids: ints(nodes.map((node) => nodeIds[node]!)),
    nodes_featureids: ints(nodes.map((node) => Math.max(0, forest.columns[node]!))),
    nodes_modes: { strings: nodes.map((node) => (isLeaf(node) ? "LEAF" : "BRANCH_LEQ")) },
    nodes_values_as_tensor: { tensor: tensorOf("float64", forest.thresholds) },
    nodes_truenodeids: ints(nodes.map((node) => childId(node, 0))),
    nodes_falsenodeids: ints(nodes.map((node) => childId(node, 1))),
    nodes_missing_value_tracks_true: ints([...forest.missingLeft]),
    target_treeids: ints(targets.map(({ node }) => treeIds[node]!)),
    target_nodeids: ints(targets.map(({ node }) => nodeIds[node]!)),
    target_ids: ints(targets.map(({ output }) => output)),
    target_weights_as_tensor: {
      tensor: tensorOf(
        "float64",
        targets.map(({ weight }) => weight),
      ),
    },
  });
  const doubles = graph.add("Cast", [sums], DOUBLE);
  return exact ? graph.add("ReduceSum", [doubles, graph.constant("int64", [1])], { keepdims: { int: 1 } }) : doubles;
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
