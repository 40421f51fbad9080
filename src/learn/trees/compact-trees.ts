/**
 * Trees as `TreeEnsemble` of `ai.onnx.ml` 5, in double: questions and leaves are numbered apart, and the arrays of a question's children say which of the two
 * is meant. A leaf has one number there. Where ours have a vector each, the ensemble tells each tree's place in the table of vectors, and they are gathered
 * and summed behind it.
 */
import { tensorOf } from "../../onnx/index.ts";
import type { Forest } from "./forest.ts";
import type { AddTrees } from "./forest-graph.ts";

const DOUBLE = { to: { int: 11 } } as const;
const SUM = 1;
const NONE = 0;
const BRANCH_LEQ = 0;

export const addCompactTrees: AddTrees = (graph, x, forest, place, outputs) => {
  const { vectors, roots } = forest;
  const targetOf = (tree: number) => (vectors === null ? tree % outputs : tree);
  const { questions, leaves, rootQuestions } = numbered(forest);
  const numberOfLeaf = new Map(leaves.map(({ node }, index) => [node, index] as const));
  const numberOfQuestion = new Map(questions.map((node, index) => [node, index] as const));
  const isLeaf = (node: number) => forest.columns[node]! < 0;
  const child = (node: number, step: number) => (isLeaf(node) ? node : forest.lefts[node]! + step);
  const numbers = (step: number) =>
    questions.map((node) => {
      const to = child(node, step);
      return isLeaf(to) ? numberOfLeaf.get(to)! : numberOfQuestion.get(to)!;
    });
  const leafMarks = (step: number) => questions.map((node) => (isLeaf(child(node, step)) ? 1 : 0));
  const sums = graph.addMl("TreeEnsemble", [graph.add("Cast", [x], DOUBLE)], {
    aggregate_function: { int: SUM },
    post_transform: { int: NONE },
    n_targets: { int: vectors === null ? outputs : roots.length },
    tree_roots: { ints: rootQuestions },
    nodes_featureids: { ints: questions.map(place) },
    nodes_modes: { tensor: tensorOf("uint8", new Uint8Array(questions.length).fill(BRANCH_LEQ)) },
    nodes_splits: {
      tensor: tensorOf(
        "float64",
        questions.map((node) => (forest.setAts[node]! < 0 ? forest.thresholds[node]! : 0.5)),
      ),
    },
    nodes_missing_value_tracks_true: { ints: questions.map((node) => forest.missingLeft[node]!) },
    nodes_truenodeids: { ints: numbers(0) },
    nodes_trueleafs: { ints: leafMarks(0) },
    nodes_falsenodeids: { ints: numbers(1) },
    nodes_falseleafs: { ints: leafMarks(1) },
    leaf_targetids: { ints: leaves.map(({ tree }) => targetOf(tree)) },
    leaf_weights: {
      tensor: tensorOf(
        "float64",
        leaves.map(({ node }) => (vectors === null ? forest.values[node]! : vectors.ats[node]!)),
      ),
    },
  });
  if (vectors === null) return sums;
  const table = graph.constant("float64", vectors.values, [vectors.values.length / vectors.width, vectors.width]);
  const gathered = graph.add("Gather", [table, graph.add("Cast", [sums], { to: { int: 7 } })], { axis: { int: 0 } });
  return graph.add("ReduceSum", [gathered, graph.constant("int64", [1])], { keepdims: { int: 0 } });
};

/** A tree that is one leaf has a question all the same, both of whose answers lead to it. */
function numbered({ roots, columns }: Forest) {
  const questions: number[] = [];
  const leaves: { node: number; tree: number }[] = [];
  const rootQuestions = [...roots].map((root, tree) => {
    const first = questions.length;
    for (let node = root; node < (roots[tree + 1] ?? columns.length); node++) {
      if (columns[node]! >= 0 || node === root) questions.push(node);
      if (columns[node]! < 0) leaves.push({ node, tree });
    }
    return first;
  });
  return { questions, leaves, rootQuestions };
}
