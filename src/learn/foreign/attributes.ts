/** Attributes of a foreign node, as numbers and texts; a missing one is empty. */
import type { OnnxNode } from "../../onnx/index.ts";
import { unsupported } from "./from-onnx.ts";

export function numbers({ op, attributes }: OnnxNode, ...names: readonly string[]): number[] {
  for (const name of names) {
    const value = attributes[name];
    if (value === undefined) continue;
    if ("ints" in value) return value.ints.map(Number);
    if ("floats" in value) return [...value.floats];
    if ("int" in value) return [Number(value.int)];
    if ("tensor" in value && value.tensor.type !== "string")
      return Array.from(value.tensor.data as ArrayLike<number | bigint>, Number);
    throw unsupported(`the attribute ${name} of ${op} in another form`);
  }
  return [];
}

export function texts({ attributes }: OnnxNode, name: string): readonly string[] {
  const value = attributes[name];
  if (value !== undefined && "strings" in value) return value.strings;
  return value !== undefined && "string" in value ? [value.string] : [];
}

/** The names of the classes, as texts. */
export function classesOf(node: OnnxNode): readonly string[] {
  const names = [...texts(node, "classlabels_strings"), ...texts(node, "classlabels_strings_attr")];
  return names.length > 0 ? names : numbers(node, "classlabels_int64s", "classlabels_ints").map(String);
}
