import { MillError } from "../base/index.ts";
import type { Attribute, ElementType, OnnxModel, OnnxNode, Tensor, ValueInfo } from "./model.ts";
import { needsOpset20, toOpset20 } from "./opset-20.ts";

type Attributes = Readonly<Record<string, Attribute>>;
type Shape = readonly (number | string)[];

/** `wide`: operators that today's runtimes and tools all read. `compact`: those of `ai.onnx.ml` 5 too, whose files are smaller. */
export type OnnxProfile = "wide" | "compact";

/** Collects a graph; a value is the name that the method which made it returned. */
export interface GraphBuilder {
  /** A graph input; `["N", 1]` unless told otherwise. Declare inputs first: their names are the columns' and cannot give way. */
  input(name: string, type: ElementType, shape?: Shape): string;
  /** A tensor that travels in the file. Numbers for the numeric types, texts for `string`; a vector unless `shape` is given, `[]` for a scalar. */
  constant(type: ElementType, data: ConstantData, shape?: readonly number[]): string;
  /** A node of `ai.onnx` with one output. */
  add(op: string, inputs: readonly string[], attributes?: Attributes): string;
  /** A node of `ai.onnx` with `count` outputs. */
  addMany(op: string, inputs: readonly string[], count: number, attributes?: Attributes): string[];
  /** A node of `ai.onnx.ml` with one output. */
  addMl(op: string, inputs: readonly string[], attributes?: Attributes): string;
  /** A node of `ai.onnx.ml` with `count` outputs. */
  addMlMany(op: string, inputs: readonly string[], count: number, attributes?: Attributes): string[];
  /** Makes `value` an output of the graph, under `name`, or `name_2` and so on when an input has that name; the name it got. */
  output(value: string, name: string, type: ElementType, shape: Shape): string;
  /** The model so far: IR version 9, `ai.onnx` 17 (20 where texts are split), `ai.onnx.ml` 3 (5 when compact). */
  model(metadata?: Readonly<Record<string, string>>): OnnxModel;
}

export type ConstantData = Iterable<number> | Iterable<bigint> | Iterable<string>;

/** An empty graph. Using a value that no method returned, or one name twice, is `onnx.invalid-graph`. */
export function createGraph(graphName: string, profile: OnnxProfile = "wide"): GraphBuilder {
  const names = new Set<string>();
  const nodes: OnnxNode[] = [];
  const initializers: Tensor[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];

  const claim = (name: string) => {
    if (names.has(name) || name === "") throw invalid(`The name "${name}" is taken in the graph "${graphName}".`);
    names.add(name);
    return name;
  };

  const fresh = freshNames(names);

  const known = (value: string) => {
    if (!names.has(value)) throw invalid(`The graph "${graphName}" has no value "${value}" here.`);
  };

  const append = (domain: OnnxNode["domain"], op: string, uses: readonly string[], count: number, attributes: Attributes) => {
    for (const value of uses) if (value !== "") known(value);
    const made = Array.from({ length: count }, () => fresh(`${op}_out`));
    nodes.push({ op, domain, inputs: uses, outputs: made, attributes });
    return made;
  };

  return {
    input(name, type, shape = ["N", 1]) {
      inputs.push({ name: claim(name), type, shape });
      return name;
    },
    constant(type, data, shape) {
      const elements = arrayOf(type, data);
      const name = fresh("constant");
      initializers.push({ name, type, shape: shape ?? [elements.length], data: elements });
      return name;
    },
    add: (op, uses, attributes = {}) => append("", op, uses, 1, attributes)[0]!,
    addMany: (op, uses, count, attributes = {}) => append("", op, uses, count, attributes),
    addMl: (op, uses, attributes = {}) => append("ai.onnx.ml", op, uses, 1, attributes)[0]!,
    addMlMany: (op, uses, count, attributes = {}) => append("ai.onnx.ml", op, uses, count, attributes),
    output(value, name, type, shape) {
      known(value);
      const given = fresh(name);
      nodes.push({ op: "Identity", domain: "", inputs: [value], outputs: [given], attributes: {} });
      outputs.push({ name: given, type, shape });
      return given;
    },
    model(metadata = {}) {
      const isLater = needsOpset20(nodes);
      const later = freshNames(new Set(names));
      const raised = isLater ? toOpset20(nodes, later) : { nodes: [...nodes], initializers: [] };
      return {
        irVersion: 9,
        opsets: { "ai.onnx": isLater ? 20 : 17, "ai.onnx.ml": profile === "wide" ? 3 : 5 },
        producer: "millwright",
        graphName,
        nodes: raised.nodes,
        initializers: [...initializers, ...raised.initializers],
        inputs: [...inputs],
        outputs: [...outputs],
        metadata,
      };
    },
  };
}

/** Gives a stem, or the stem with a number where it is taken, and takes it. */
function freshNames(taken: Set<string>): (stem: string) => string {
  return (stem) => {
    let name = stem;
    for (let count = 2; taken.has(name); count++) name = `${stem}_${count}`;
    taken.add(name);
    return name;
  };
}

/** A tensor for an attribute, as `nodes_values_as_tensor`: ONNX wants no name there. */
export function tensorOf(type: ElementType, data: ConstantData, shape?: readonly number[]): Tensor {
  const elements = arrayOf(type, data);
  return { name: "", type, shape: shape ?? [elements.length], data: elements };
}

function arrayOf(type: ElementType, data: ConstantData): Tensor["data"] {
  switch (type) {
    case "string":
      return Array.from(data as Iterable<string>);
    case "int64":
      return BigInt64Array.from(data as Iterable<number | bigint>, BigInt);
    case "float32":
      return Float32Array.from(data as Iterable<number>);
    case "float64":
      return Float64Array.from(data as Iterable<number>);
    case "int32":
      return Int32Array.from(data as Iterable<number>);
    case "uint8":
    case "bool":
      return Uint8Array.from(data as Iterable<number>);
  }
}

const invalid = (message: string) => new MillError("onnx.invalid-graph", message);
