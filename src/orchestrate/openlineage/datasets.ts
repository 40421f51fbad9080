/** What a step reads and makes, as OpenLineage names data sets: files by their path, data sets and models by their target, other results by their step. */
import type { Json } from "../../base/index.ts";
import type { Project } from "../../define/index.ts";
import type { FitInput } from "../../train/index.ts";
import type { GraphNode } from "../graph-node.ts";
import type { LineageDataset } from "./event.ts";

export interface ToldStep {
  readonly key: string;
  readonly kind: string;
  readonly target: string;
  readonly input: Json;
}

export interface AskedGraph {
  readonly project: Project;
  readonly nodes: readonly GraphNode[];
}

/** A step that the graph does not have is told without what it stands on. */
export function datasetsOf(step: ToldStep, { project, nodes }: AskedGraph, namespace: string) {
  const node = nodes.find(({ id }) => id === `${step.target}:${step.kind}`);
  const inputs = (node?.needs ?? []).map((need): LineageDataset => ({ namespace, name: outputOf(need) }));
  const schema = project.datasets.get(step.target.split("/")[1]!)?.columns;
  const output: LineageDataset = {
    ...{ namespace, name: outputOf(`${step.target}:${step.kind}`), version: step.key },
    ...(step.kind === "ingest" && schema !== undefined && { schema }),
  };
  return { inputs: [...filesOf(step), ...inputs], outputs: [output] };
}

const outputOf = (id: string): string => /^(dataset\/.*):ingest$|^(model\/.*):gate$/.exec(id)?.slice(1).find(Boolean) ?? id;

function filesOf({ kind, input }: ToldStep): LineageDataset[] {
  if (kind === "fit") {
    const { files } = input as unknown as Pick<FitInput, "files">;
    return files.map(({ path, digest }) => ({ namespace: "file", name: path, version: digest }));
  }
  if (kind !== "ingest") return [];
  const { sources } = input as unknown as { readonly sources: readonly { readonly path: string; readonly digest: string }[] };
  return sources.map(({ path, digest }) => ({ namespace: "file", name: path, version: digest }));
}
