/**
 * Foreign graphs in our form, by what stands around them and not by running them: inputs [N, 1] by a feature's name, of doubles or texts, and one double
 * output [N, outputs]. What stands inside keeps its operators and opset; its names get a prefix, so that none is a feature's.
 */
import { MillError } from "../../base/index.ts";
import type { Task } from "../../contract/index.ts";
import type { ElementType, OnnxModel, OnnxNode, Tensor, ValueInfo } from "../../onnx/index.ts";

/** What a converter says of its graph; `program/frameworks.py` writes it. */
export interface Converted {
  /** The features that the model reads, in its order. */
  readonly columns: readonly string[];
  /** Those of them that are texts. */
  readonly texts: readonly string[];
  readonly output: "probabilities" | "logits" | "value";
  /** For each column of the output its class; null: the job's, in its order. */
  readonly places: readonly number[] | null;
}

export interface Asked {
  readonly task: Task;
  readonly classes: readonly string[];
}

/** Errors: `onnx.unsupported`, which says what does not fit. */
export function wrapGraph(model: OnnxModel, converted: Converted, asked: Asked): OnnxModel {
  const inner = prefixed(withoutConstants(model));
  const graph = collect("in");
  const inputs = converted.columns.map((name): ValueInfo => {
    return { name, type: converted.texts.includes(name) ? "string" : "float64", shape: ["N", 1] };
  });
  feed(graph, inner.inputs, inputs);
  const last = collect("out");
  const value = answer(last, scoresOf(inner), converted, asked);
  const wanted = asked.task === "regression" ? "value" : "probabilities";
  const output = freeName(wanted, converted.columns);
  last.add("Cast", [value], { to: { int: DOUBLE } }, output);
  return {
    ...inner,
    irVersion: Math.max(inner.irVersion, IR_VERSION_MIN),
    opsets: { ...inner.opsets, "ai.onnx": inner.opsets["ai.onnx"] || OPSET },
    producer: "millwright",
    nodes: [...graph.nodes, ...inner.nodes, ...last.nodes],
    initializers: [...graph.initializers, ...inner.initializers, ...last.initializers],
    inputs,
    outputs: [{ name: output, type: "float64", shape: ["N", outputsOf(asked)] }],
    metadata: {},
  };
}

export const outputsOf = ({ task, classes }: Asked): number => (task === "multiclass-classification" ? classes.length : 1);

/** Where nothing inside is of `ai.onnx`; what stands around reads the same in all since 7. */
const OPSET = 17;
const IR_VERSION_MIN = 8;
const DOUBLE = 11;
const ELEMENT_CODE: Readonly<Partial<Record<ElementType, number>>> = { float32: 1, int32: 6, int64: 7, float64: DOUBLE };

function freeName(wanted: string, taken: readonly string[]): string {
  let name = wanted;
  for (let count = 2; taken.includes(name); count++) name = `${wanted}_${count}`;
  return name;
}

/** Older writers list constants among the inputs too. */
function withoutConstants(model: OnnxModel): OnnxModel {
  const constants = new Set(model.initializers.map(({ name }) => name));
  return { ...model, inputs: model.inputs.filter(({ name }) => !constants.has(name)) };
}

const PREFIX = "model/";

function prefixed(model: OnnxModel): OnnxModel {
  const renamed = (name: string) => (name === "" ? "" : PREFIX + name);
  const value = (each: ValueInfo): ValueInfo => ({ ...each, name: renamed(each.name) });
  return {
    ...model,
    nodes: model.nodes.map((node) => ({ ...node, inputs: node.inputs.map(renamed), outputs: node.outputs.map(renamed) })),
    initializers: model.initializers.map((tensor) => ({ ...tensor, name: renamed(tensor.name) })),
    inputs: model.inputs.map(value),
    outputs: model.outputs.map(value),
  };
}

interface Collected {
  readonly nodes: OnnxNode[];
  readonly initializers: Tensor[];
  /** A node of `ai.onnx`; the name of its output. */
  add(op: string, inputs: readonly string[], attributes: OnnxNode["attributes"], output?: string): string;
  integers(values: readonly number[]): string;
}

function collect(stem: string): Collected {
  let counted = 0;
  const nodes: OnnxNode[] = [];
  const initializers: Tensor[] = [];
  return {
    nodes,
    initializers,
    add(op, inputs, attributes, output = `${stem}/${op}${counted++}`) {
      nodes.push({ op, domain: "", inputs, outputs: [output], attributes });
      return output;
    },
    integers(values) {
      const name = `${stem}/constant${counted++}`;
      initializers.push({ name, type: "int64", shape: [values.length], data: BigInt64Array.from(values, BigInt) });
      return name;
    },
  };
}

/** From our columns to what the model reads: one matrix of all, or each by its name. */
function feed(graph: Collected, wanted: readonly ValueInfo[], columns: readonly ValueInfo[]): void {
  const cast = (value: string, from: ElementType, to: ValueInfo) => {
    if ((from === "string") !== (to.type === "string"))
      throw unsupported(`the input "${bare(to.name)}" of ${to.type}`, `${from === "string" ? "texts" : "numbers"}`);
    const code = ELEMENT_CODE[to.type];
    if (from === to.type) return graph.add("Identity", [value], {}, to.name);
    if (code === undefined) throw unsupported(`the input "${bare(to.name)}" of ${to.type}`, "float, double, integers or texts");
    return graph.add("Cast", [value], { to: { int: code } }, to.name);
  };
  const byName = new Map(columns.map((column) => [PREFIX + column.name, column]));
  if (wanted.every(({ name }) => byName.has(name))) {
    for (const input of wanted) {
      const column = byName.get(input.name)!;
      const width = input.shape[1];
      if (input.shape.length > 2 || (typeof width === "number" && width !== 1))
        throw unsupported(`the input "${bare(input.name)}" of the shape ${shapeText(input)}`, "[N, 1]");
      const vector = input.shape.length === 1 ? graph.add("Reshape", [column.name, graph.integers([-1])], {}) : column.name;
      cast(vector, column.type, input);
    }
    return;
  }
  const [input] = wanted;
  if (wanted.length !== 1 || input === undefined)
    throw unsupported(
      `the inputs ${wanted.map(({ name }) => bare(name)).join(", ")}`,
      "one matrix, or an input for each feature by its name",
    );
  const types = new Set(columns.map(({ type }) => type));
  if (types.size !== 1) throw unsupported("one input", "an input for each feature, as some are texts and some are numbers");
  const sizes = input.shape.slice(1);
  const size = sizes.reduce<number>((product, each) => product * (typeof each === "number" ? each : Number.NaN), 1);
  if (input.shape.length < 2 || (sizes.every((each) => typeof each === "number") && size !== columns.length))
    throw unsupported(`an input of the shape ${shapeText(input)}`, `[N, ${columns.length}], or another shape of as many numbers`);
  const all =
    columns.length === 1
      ? columns[0]!.name
      : graph.add(
          "Concat",
          columns.map(({ name }) => name),
          { axis: { int: 1 } },
        );
  const shaped = sizes.length === 1 ? all : graph.add("Reshape", [all, graph.integers([-1, ...sizes.map(Number)])], {});
  cast(shaped, columns[0]!.type, input);
}

/** The output that holds the scores: the only one of float, or the one that is called so. */
function scoresOf({ outputs }: OnnxModel): ValueInfo {
  const floats = outputs.filter(({ type }) => type === "float32" || type === "float64");
  const named = floats.filter(({ name }) => /probabilit|logit|score/i.test(name));
  const found = floats.length === 1 ? floats : named;
  if (found.length === 1) return found[0]!;
  throw unsupported(
    `the outputs ${outputs.map(({ name, type }) => `${bare(name)} (${type})`).join(", ")}`,
    "one output of float",
  );
}

/** From the model's scores to our outputs, still of its type. */
function answer(graph: Collected, { name, shape }: ValueInfo, { output, places }: Converted, asked: Asked): string {
  const { task, classes } = asked;
  const width =
    shape.length === 1 ? 1 : shape.slice(1).reduce<number>((product, each) => product * Number(each || Number.NaN), 1);
  const flat =
    shape.length === 2 ? name : graph.add("Reshape", [name, graph.integers([-1, Number.isNaN(width) ? 1 : width])], {});
  const expected = task === "regression" ? [1] : places ? [places.length] : classes.length === 2 ? [1, 2] : [classes.length];
  if (!Number.isNaN(width) && !expected.includes(width)) throw unsupported(`${width} columns of output`, expected.join(" or "));
  const known = Number.isNaN(width) ? outputsOf(asked) : width;
  if (task === "regression") return flat;
  const links = output === "logits";
  const linked = links
    ? known === 1
      ? graph.add("Sigmoid", [flat], {})
      : graph.add("Softmax", [flat], { axis: { int: 1 } })
    : flat;
  const pick = (columns: readonly number[]) => graph.add("Gather", [linked, graph.integers(columns)], { axis: { int: 1 } });
  if (places === null) return classes.length === 2 && known === 2 ? pick([1]) : linked;
  const columns = Array.from(classes, (_, place) => places.indexOf(place));
  if (columns.includes(-1)) throw unsupported("a model of fewer classes", classes.join(", "));
  return pick(classes.length === 2 ? columns.slice(1) : columns);
}

const bare = (name: string) => name.slice(PREFIX.length);
const shapeText = ({ shape }: ValueInfo) => `[${shape.map((size) => size || "?").join(", ")}]`;

const unsupported = (what: string, expected: string) =>
  new MillError("onnx.unsupported", `The ONNX model of the script has ${what}.`, {
    expected,
    got: what,
    fix: "Export it with one matrix or one input for each feature, and one output of probabilities, without ZipMap.",
  });
