/**
 * Trees as `TreeEnsembleRegressor` of `ai.onnx.ml` 3, which most runtimes read. It sums in float32, which is not enough for hundreds of trees; each leaf is
 * therefore cut in two targets: a multiple of a quantum, chosen so that float32 holds every sum of these exactly, and the small rest. Both sums are added
 * in double, and the scores are those of training to about 1e-9.
 */

import type { Forest } from "./forest.ts";
import type { AddTrees } from "./forest-graph.ts";

export const addWideTrees: AddTrees = (graph, x, forest, place, outputs) => {
  const { nodeIds, treeIds } = numberNodes(forest);
  const isLeaf = (node: number) => forest.columns[node]! < 0;
  const nodes = [...forest.columns.keys()];
  const childId = (node: number, step: number) => (isLeaf(node) ? 0 : nodeIds[forest.lefts[node]! + step]!);
  const ints = (values: readonly number[]) => ({ ints: values });
  const quantum = quantumOf(forest, treeIds);
  const targets = nodes.filter(isLeaf).flatMap((node) =>
    addends(forest, node, treeIds[node]! % outputs).flatMap(({ output, value }) => {
      const coarse = Math.round(value / quantum) * quantum;
      return [
        { node, target: output, weight: coarse },
        { node, target: outputs + output, weight: value - coarse },
      ];
    }),
  );
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
  const [coarse, rest] = graph.addMany("Split", [graph.add("Cast", [sums], { to: { int: 11 } })], 2, { axis: { int: 1 } });
  return graph.add("Add", [coarse!, rest!]);
};

/** What a leaf adds to which outputs. */
function addends({ values, vectors }: Forest, leaf: number, output: number): { output: number; value: number }[] {
  if (vectors === null) return [{ output, value: values[leaf]! }];
  const from = vectors.ats[leaf]! * vectors.width;
  return [...vectors.values.subarray(from, from + vectors.width)].flatMap((value, k) =>
    value === 0 ? [] : [{ output: k, value }],
  );
}

/** A power of two of which every sum of the trees' leaves is less than 2^24. */
function quantumOf(forest: Forest, treeIds: Int32Array): number {
  const largest = new Map<number, number>();
  forest.columns.forEach((column, node) => {
    if (column >= 0) return;
    for (const { value } of addends(forest, node, 0))
      largest.set(treeIds[node]!, Math.max(largest.get(treeIds[node]!) ?? 0, Math.abs(value)));
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
