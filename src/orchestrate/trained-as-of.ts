import { parseMoment } from "../base/index.ts";
import { type Deployment, eventsOf } from "../serve/index.ts";
import { retrainingsOf } from "./retrainings.ts";
import type { Workspace } from "./workspace.ts";

/** What the last training of an endpoint's model could know: the data time of its newest row in microseconds, and how many rows were fed since. */
export async function trainedAsOf(
  workspace: Workspace,
  name: string,
  deployment: Deployment,
): Promise<{ asOf: number; newRows: number }> {
  const { lake, registry } = workspace;
  const { lineage } = await registry.version(deployment.model, deployment.version);
  const { facts } = await lake.manifest(await lake.version(lineage.dataset.name, lineage.dataset.version));
  const newest = typeof facts?.to === "string" ? (parseMoment(facts.to)?.micros ?? 0) : 0;
  const done = (await retrainingsOf(workspace.records, name, 20)).find(({ state }) => state !== "failed" && state !== "running");
  const events = await lake.head(eventsOf(name));
  const known =
    (await lake.generation(lineage.dataset.name))?.journals.find(({ dataset }) => dataset === eventsOf(name))?.rowCount ?? 0;
  return { asOf: Math.max(newest, done?.asOf ?? 0), newRows: (events?.rowCount ?? 0) - known };
}
