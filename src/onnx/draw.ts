import type { Attribute, OnnxModel, OnnxNode, Tensor, ValueInfo } from "./model.ts";

/** Longest list of an attribute or tensor that is written out. */
const SHOWN_MAX = 4;
const TEXT_MAX = 24;

/**
 * The graph as a Mermaid flow chart, which Markdown viewers draw and people can read as text: inputs and outputs with type and shape,
 * a box for each node with its attributes shortened, and an arrow for each value. Constants stand inside the node that uses them.
 */
export function drawOnnx(model: OnnxModel): string {
  const constants = new Map(model.initializers.map((tensor) => [tensor.name, tensor]));
  const inputs = model.inputs.filter(({ name }) => !constants.has(name));
  const makers = makersOf(model.nodes, inputs);
  return [
    `%% ${entities(model.graphName)}: ${opsetText(model)}, ${model.nodes.length} nodes`,
    "flowchart TD",
    ...inputs.map((value, index) => `  i${index}([${quote(valueText(value))}])`),
    ...model.nodes.map((node, index) => `  n${index}[${quote(nodeText(node, constants))}]`),
    ...model.outputs.map((value, index) => `  o${index}([${quote(valueText(value))}])`),
    ...model.nodes.flatMap((node, index) => node.inputs.flatMap((name) => arrow(makers.get(name), `n${index}`))),
    ...model.outputs.flatMap(({ name }, index) => arrow(makers.get(name), `o${index}`)),
  ].join("\n");
}

interface Maker {
  readonly id: string;
  /** Which output, where a node has several. */
  readonly port: string;
}

function makersOf(nodes: readonly OnnxNode[], inputs: readonly ValueInfo[]): Map<string, Maker> {
  const fromInputs = inputs.map(({ name }, index): [string, Maker] => [name, { id: `i${index}`, port: "" }]);
  const fromNodes = nodes.flatMap(({ outputs }, index) =>
    outputs.map((name, port): [string, Maker] => [name, { id: `n${index}`, port: outputs.length > 1 ? String(port) : "" }]),
  );
  return new Map([...fromInputs, ...fromNodes]);
}

const arrow = (from: Maker | undefined, to: string) =>
  from ? [`  ${from.id} -->${from.port === "" ? "" : `|${from.port}|`} ${to}`] : [];

const opsetText = ({ opsets }: OnnxModel) =>
  Object.entries(opsets)
    .map(([domain, version]) => `${domain} ${version}`)
    .join(", ");

const valueText = ({ name, type, shape }: ValueInfo) => `${name}: ${type} [${shape.map((size) => size || "?").join(", ")}]`;

function nodeText({ op, inputs, attributes }: OnnxNode, constants: ReadonlyMap<string, Tensor>): string {
  const tensors = inputs.flatMap((name) => constants.get(name) ?? []).map(tensorText);
  const settings = Object.entries(attributes).map(([name, value]) => `${name} ${attributeText(value)}`);
  return [op, ...tensors, ...settings].join("\n");
}

function attributeText(value: Attribute): string {
  if ("tensor" in value) return tensorText(value.tensor);
  if ("ints" in value) return listText(value.ints);
  if ("floats" in value) return listText(value.floats);
  if ("strings" in value) return listText(value.strings);
  if ("int" in value) return String(value.int);
  return "float" in value ? String(value.float) : shorten(value.string);
}

const tensorText = ({ type, shape, data }: Tensor) =>
  data.length <= SHOWN_MAX ? `${type} ${listText(data)}` : `${type} [${shape.join(", ")}]`;

function listText(list: ArrayLike<number | bigint | string>): string {
  const shown = Array.from({ length: Math.min(list.length, SHOWN_MAX) }, (_, index) => shorten(String(list[index])));
  return `(${shown.join(", ")}${list.length > SHOWN_MAX ? `, ... ${list.length} in all` : ""})`;
}

const shorten = (text: string) => (text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}...` : text);

const quote = (text: string) => `"${text.split("\n").map(entities).join("<br>")}"`;

/** Mermaid's entity codes, so that a column's name cannot end a label or start markup; control characters become spaces. */
const entities = (text: string) =>
  text.replace(/\p{Cc}/gu, " ").replace(/[#"<>&;`|]/g, (character) => `#${character.codePointAt(0)};`);
