/** The attributes of foreign ensembles as trees, and such trees as our forest. */
import type { OnnxNode } from "../../onnx/index.ts";
import type { Link } from "../link.ts";
import { floatBelow } from "../trees/binning.ts";
import { createForestBuilder, type Forest } from "../trees/forest.ts";
import { classesOf, numbers, texts } from "./attributes.ts";
import { type RawEnsemble, type RawNode, unsupported } from "./from-onnx.ts";

/** What a leaf adds to a target of the file. */
interface Addend {
  readonly target: number;
  readonly weight: number;
}

export function rawTrees(node: OnnxNode): RawEnsemble {
  return node.op === "TreeEnsemble" ? fromTreeEnsemble(node) : fromPairs(node);
}

/** `TreeEnsembleClassifier` and `TreeEnsembleRegressor`: nodes are named by pairs of numbers, of the tree and within it. */
function fromPairs(node: OnnxNode): RawEnsemble {
  const kind = node.op === "TreeEnsembleClassifier" ? "class" : "target";
  const treeIds = numbers(node, "nodes_treeids");
  const nodeIds = numbers(node, "nodes_nodeids");
  const key = (tree: number, id: number) => `${tree}/${id}`;
  const addends = new Map<string, Addend[]>();
  const [leafTrees, leafNodes, targets] = ["treeids", "nodeids", "ids"].map((name) => numbers(node, `${kind}_${name}`));
  const weights = numbers(node, `${kind}_weights`, `${kind}_weights_as_tensor`);
  targets!.forEach((target, index) => {
    const at = key(leafTrees![index]!, leafNodes![index]!);
    addends.set(at, [...(addends.get(at) ?? []), { target, weight: weights[index]! }]);
  });
  const { start, divisor, classes, link, outputs, valuesOf } = meaning(node, kind, targets!, weights, new Set(treeIds).size);
  const [modes, columns, trueIds, falseIds, missing] = [
    texts(node, "nodes_modes"),
    numbers(node, "nodes_featureids"),
    numbers(node, "nodes_truenodeids"),
    numbers(node, "nodes_falsenodeids"),
    numbers(node, "nodes_missing_value_tracks_true"),
  ];
  const thresholds = numbers(node, "nodes_values", "nodes_values_as_tensor");
  const places = new Map<string, number>();
  const sizes = new Map<number, number>();
  treeIds.forEach((tree, index) => {
    places.set(key(tree, nodeIds[index]!), sizes.get(tree) ?? 0);
    sizes.set(tree, (sizes.get(tree) ?? 0) + 1);
  });
  const trees = new Map<number, RawNode[]>();
  treeIds.forEach((tree, index) => {
    const isLeaf = modes[index] === "LEAF";
    const place = (id: number) => {
      const found = places.get(key(tree, id));
      if (found === undefined) throw unsupported(`a tree without its node ${id}`);
      return found;
    };
    const raw: RawNode = {
      column: isLeaf ? -1 : columns[index]!,
      mode: modes[index]!,
      threshold: thresholds[index]!,
      whenTrue: isLeaf ? 0 : place(trueIds[index]!),
      whenFalse: isLeaf ? 0 : place(falseIds[index]!),
      missingTrue: missing[index] === 1,
      values: valuesOf(addends.get(key(tree, nodeIds[index]!)) ?? []),
    };
    trees.set(tree, [...(trees.get(tree) ?? []), raw]);
  });
  return { trees: [...trees.values()], start, divisor, classes, link, outputs };
}

const MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER"];

/** `TreeEnsemble` of `ai.onnx.ml` 5: questions and leaves are numbered apart. */
function fromTreeEnsemble(node: OnnxNode): RawEnsemble {
  const names = [
    "featureids",
    "modes",
    "splits",
    "truenodeids",
    "trueleafs",
    "falsenodeids",
    "falseleafs",
    "missing_value_tracks_true",
  ];
  const [columns, modes, splits, trueIds, trueLeafs, falseIds, falseLeafs, missing] = names.map((name) =>
    numbers(node, `nodes_${name}`),
  );
  if (numbers(node, "n_targets")[0] !== 1) throw unsupported("a TreeEnsemble of more than one target");
  if ((numbers(node, "aggregate_function")[0] ?? 1) !== 1) throw unsupported("a TreeEnsemble that does not sum");
  if ((numbers(node, "post_transform")[0] ?? 0) !== 0) throw unsupported("a TreeEnsemble with a post_transform");
  const weights = numbers(node, "leaf_weights");
  const trees = numbers(node, "tree_roots").map((root) => {
    const nodes: RawNode[] = [];
    const lay = (id: number, isLeaf: boolean): number => {
      const at = nodes.length;
      const base = { mode: isLeaf ? "LEAF" : MODES[modes![id]!]!, values: Float64Array.of(isLeaf ? weights[id]! : 0) };
      nodes.push({ ...base, column: -1, threshold: 0, whenTrue: 0, whenFalse: 0, missingTrue: false });
      if (isLeaf) return at;
      const whenTrue = lay(trueIds![id]!, trueLeafs![id] === 1);
      const whenFalse = lay(falseIds![id]!, falseLeafs![id] === 1);
      nodes[at] = {
        ...base,
        column: columns![id]!,
        threshold: splits![id]!,
        whenTrue,
        whenFalse,
        missingTrue: missing![id] === 1,
      };
      return at;
    };
    lay(root, false);
    return nodes;
  });
  return { trees, start: new Float64Array(1), divisor: 1, classes: [], link: "identity", outputs: 1 };
}

type Meaning = Omit<RawEnsemble, "trees"> & { valuesOf(addends: readonly Addend[]): Float64Array };

/** How targets, base values and the post-transform become our outputs and link. */
function meaning(
  node: OnnxNode,
  kind: string,
  targets: readonly number[],
  weights: readonly number[],
  treeCount: number,
): Meaning {
  const post = texts(node, "post_transform")[0] ?? "NONE";
  const base = numbers(node, "base_values", "base_values_as_tensor");
  const aggregate = texts(node, "aggregate_function")[0] ?? "SUM";
  if (aggregate !== "SUM" && aggregate !== "AVERAGE") throw unsupported(`the aggregate function ${aggregate}`);
  const divisor = aggregate === "AVERAGE" ? treeCount : 1;
  const sumOf = (factors: readonly number[]) => (addends: readonly Addend[]) =>
    Float64Array.of(addends.reduce((sum, { target, weight }) => sum + weight * (factors[target] ?? 0), 0));
  if (kind === "target") {
    if ((numbers(node, "n_targets")[0] ?? 1) !== 1) throw unsupported("a regressor of more than one target");
    if (post !== "NONE") throw unsupported(`a regressor with the post_transform ${post}`);
    const start = Float64Array.of((base[0] ?? 0) * divisor);
    return { start, divisor, classes: [], link: "identity", outputs: 1, valuesOf: sumOf([1]) };
  }
  const classes = classesOf(node);
  const link = ({ NONE: "identity", LOGISTIC: "logistic", SOFTMAX: "softmax" } as Record<string, Link | undefined>)[post];
  if (link === undefined || (link === "logistic" && classes.length > 2))
    throw unsupported(`a classifier with the post_transform ${post}`);
  if (classes.length < 2) throw unsupported("a classifier without the names of its classes");
  if (classes.length > 2) {
    const valuesOf = (addends: readonly Addend[]) => {
      const values = new Float64Array(classes.length);
      for (const { target, weight } of addends) values[target]! += weight;
      return values;
    };
    const start = Float64Array.from(classes, (_, k) => base[k] ?? 0);
    return { start, divisor, classes, link, outputs: classes.length, valuesOf };
  }
  if (new Set(targets).size === 1) {
    // the runtime takes the one sum for the second class, and takes it for a probability only when no weight is below 0
    if (link === "softmax" || (link === "identity" && weights.some((weight) => weight < 0)))
      throw unsupported("a classifier that gives no probabilities");
    const start = Float64Array.of(base.at(-1) ?? 0);
    return { start, divisor, classes, link, outputs: 1, valuesOf: sumOf([1, 1]) };
  }
  const factors = link === "softmax" ? [-1, 1] : [0, 1];
  const start = Float64Array.of(factors.reduce((sum, factor, k) => sum + factor * (base[k] ?? 0), 0));
  return { start, divisor, classes, link: link === "softmax" ? "logistic" : link, outputs: 1, valuesOf: sumOf(factors) };
}

/** Children lie side by side in ours; a node that two parents share is copied, a ring is refused. */
export function forestOf(trees: RawEnsemble["trees"], outputs: number): Forest {
  const builder = createForestBuilder();
  const leaves = new Map<number, Float64Array>();
  for (const nodes of trees) {
    let made = 0;
    const waiting: [at: number, node: number][] = [[0, builder.plant()]];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [at, node] = next;
      const raw = nodes[at]!;
      if (++made > nodes.length) throw unsupported("a tree whose nodes are shared or lead back");
      if (raw.column < 0) {
        leaves.set(node, raw.values);
        builder.setValue(node, outputs === 1 ? raw.values[0]! : 0);
        continue;
      }
      const { whenTrue, whenFalse, threshold, missingTrue } = questionOf(raw);
      const left = builder.split(node, { column: raw.column, threshold, set: null, missingLeft: missingTrue, gain: 1 });
      waiting.push([whenFalse, left + 1], [whenTrue, left]);
    }
  }
  const forest = builder.finish();
  if (outputs === 1) return forest;
  const ats = new Int32Array(forest.columns.length).fill(-1);
  const values = new Float64Array(leaves.size * outputs);
  [...leaves].forEach(([node, vector], index) => {
    ats[node] = index;
    values.set(vector, index * outputs);
  });
  return { ...forest, vectors: { width: outputs, ats, values } };
}

/** The question as `x <= threshold` of float32 numbers. */
function questionOf(raw: RawNode): Pick<RawNode, "threshold" | "whenTrue" | "whenFalse" | "missingTrue"> {
  const threshold = atMost(raw.threshold);
  const below = threshold === raw.threshold ? floatBelow(threshold) : threshold;
  const turned = { whenTrue: raw.whenFalse, whenFalse: raw.whenTrue, missingTrue: !raw.missingTrue };
  switch (raw.mode) {
    case "BRANCH_LEQ":
      return { ...raw, threshold };
    case "BRANCH_LT":
      return { ...raw, threshold: below };
    case "BRANCH_GTE":
      return { ...turned, threshold: below };
    case "BRANCH_GT":
      return { ...turned, threshold };
    default:
      throw unsupported(`the question ${raw.mode}`, "BRANCH_LEQ, BRANCH_LT, BRANCH_GTE or BRANCH_GT");
  }
}

/** The greatest float32 that is not above. */
function atMost(threshold: number): number {
  const rounded = Math.fround(threshold);
  return rounded <= threshold ? rounded : floatBelow(rounded);
}
