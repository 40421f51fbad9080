/** What goes into a model and what comes out, in the words of MLflow's signatures; the types of a bundle's columns are ours. */
import type { Json } from "../base/index.ts";
import { requestColumns } from "../express/index.ts";
import type { BundleManifest } from "./bundle.ts";

export interface Signature {
  /** Columns or tensors; null: nothing is stated. */
  readonly inputs: Json;
  readonly outputs: Json;
  /** What may be said with a request beside its rows. */
  readonly params: Json;
}

export interface BundleSignature extends Signature {
  readonly inputs: Asked[];
  readonly outputs: Answered[];
  readonly params: null;
}

type Asked = { readonly name: string; readonly type: string; readonly required: boolean; readonly unit?: string };
type Answered = { readonly name: string; readonly type: string; readonly values?: string[] };

/** What an endpoint of the bundle asks for in a row, and what it answers to one. */
export function signatureOf({ fields, dataset, task, classes }: BundleManifest): BundleSignature {
  const { columns, outcomes, time } = dataset;
  const asked = new Set(requestColumns(fields, { columns, outcomes, ...(time ? { time } : {}) }));
  const inputs = Object.entries(columns)
    .filter(([name]) => asked.has(name) || name === time)
    .map(([name, { type, nullable, unit }]) => ({
      ...{ name, type, required: !nullable && asked.has(name) },
      ...(unit !== undefined && { unit }),
    }));
  return { inputs, outputs: OUTPUTS[task](classes), params: null };
}

const OUTPUTS: Readonly<Record<BundleManifest["task"], (classes: readonly string[]) => Answered[]>> = {
  "binary-classification": () => [
    { name: "probability", type: "double" },
    { name: "decision", type: "boolean" },
  ],
  "multiclass-classification": (classes) => [
    { name: "label", type: "string", values: [...classes] },
    { name: "probabilities", type: "double by class" },
  ],
  regression: () => [{ name: "value", type: "double" }],
};
