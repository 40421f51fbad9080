/**
 * The asset graph: what a project's definitions ask for, as steps that need one another's results.
 *
 *     dataset/flights   (partition ->) ingest -> check
 *                              -> split
 *     model/late        training-set -> train -> bundle -> prove  -> gate
 *                                                       -> assess ->
 *                                                       -> reference
 *     model/tuned       training-set -> trials -> tune -> train -> ...
 *
 * Pure: a node knows how to make its step's input from the manifests of what it needs; whether it must run is `plan.ts`.
 */
import type { Project } from "../define/index.ts";
import type { Environment } from "../steps/index.ts";
import { datasetNodes } from "./dataset-nodes.ts";
import type { GraphNode } from "./graph-node.ts";
import { modelNodes } from "./model-nodes.ts";

/** `environment` is part of every key, and is named in each bundle. */
export function buildGraph(project: Project, environment: Environment): GraphNode[] {
  const models = [...project.models.values()];
  const datasets = [...project.datasets.values()];
  return [...datasets.flatMap(datasetNodes), ...models.flatMap((model) => modelNodes(model, environment))];
}

/** The nodes that `targets` (as in `model/late-arrival`) ask for, with all they need; every node when there are no targets. */
export function selectNodes(graph: readonly GraphNode[], targets: readonly string[]): GraphNode[] {
  if (targets.length === 0) return [...graph];
  const byId = new Map(graph.map((node) => [node.id, node]));
  const wanted = new Set<string>();
  const want = (id: string) => {
    if (wanted.has(id)) return;
    wanted.add(id);
    for (const need of byId.get(id)!.needs) want(need);
  };
  for (const node of graph) if (targets.includes(node.target)) want(node.id);
  return graph.filter((node) => wanted.has(node.id));
}
