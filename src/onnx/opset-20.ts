/** Nodes of `ai.onnx` 17 as 20 wants them. Only what changed for operators in use: lists of axes became inputs, an even split says into how many. */
import type { OnnxNode, Tensor } from "./model.ts";

/** Operators that 17 does not have. */
const NEW_OPS = new Set(["StringSplit"]);

/** Those whose axes were an attribute until 18. */
const REDUCTIONS = new Set([
  "ReduceMax",
  "ReduceMin",
  "ReduceMean",
  "ReduceProd",
  "ReduceSumSquare",
  "ReduceL1",
  "ReduceL2",
  "ReduceLogSumExp",
]);

export const needsOpset20 = (nodes: readonly OnnxNode[]) => nodes.some(({ op }) => NEW_OPS.has(op));

/** `fresh` makes a name that the graph does not have. */
export function toOpset20(
  nodes: readonly OnnxNode[],
  fresh: (stem: string) => string,
): { readonly nodes: readonly OnnxNode[]; readonly initializers: readonly Tensor[] } {
  const initializers: Tensor[] = [];
  const raised = nodes.map((node): OnnxNode => {
    const { axes, ...attributes } = node.attributes;
    if (REDUCTIONS.has(node.op) && axes !== undefined && "ints" in axes) {
      const name = fresh("axes");
      initializers.push({ name, type: "int64", shape: [axes.ints.length], data: BigInt64Array.from(axes.ints, BigInt) });
      return { ...node, inputs: [...node.inputs, name], attributes };
    }
    if (node.op === "Split" && node.inputs.length === 1)
      return { ...node, attributes: { ...node.attributes, num_outputs: { int: node.outputs.length } } };
    return node;
  });
  return { nodes: raised, initializers };
}
