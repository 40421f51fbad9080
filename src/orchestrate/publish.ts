/**
 * Makes results count in the world, once. Each of these looks first and acts only on a difference, so that a run that was cut off between a step's
 * result and its effect is mended by the next one.
 */
import type { AssessmentReport } from "../assess/index.ts";
import { canonicalJson, type Digest, type Json } from "../base/index.ts";
import type { Verdict } from "../contract/index.ts";
import type { DatasetDefinition, ModelDefinition, Project } from "../define/index.ts";
import type { Boundary } from "../ingest/index.ts";
import type { Lake } from "../lake/index.ts";
import { type Objects, readJson } from "../ports/objects/index.ts";
import { CHAMPION_ALIAS, type Registry, readManifest, writeCard } from "../registry/index.ts";
import type { Serving } from "../serve/index.ts";
import type { Ledger, StepManifest } from "../steps/index.ts";
import { type GraphNode, partsOf } from "./graph.ts";

export interface PublishResources {
  readonly lake: Lake;
  readonly objects: Objects;
  readonly registry: Registry;
  readonly serving: Serving;
  readonly ledger: Ledger;
  readonly actor: string;
}

type Results = ReadonlyMap<string, StepManifest>;

/** What a node's result leads to; a sentence when something was done. */
export async function publish(
  project: Project,
  node: GraphNode,
  keys: ReadonlyMap<string, Digest>,
  results: Results,
  to: PublishResources,
) {
  const name = node.target.split("/")[1]!;
  if (node.kind === "ingest") return commitDataset(project.datasets.get(name)!, results.get(node.id)!, to);
  if (node.kind === "split") return freezeSplit(project.datasets.get(name)!, results.get(node.id)!, to);
  if (node.kind === "gate") return registerModel(project, project.models.get(name)!, keys, results, to);
  return null;
}

async function commitDataset(
  dataset: DatasetDefinition,
  ingested: StepManifest,
  { lake, objects, actor }: PublishResources,
): Promise<string | null> {
  const rowCount = Number(ingested.facts.rowCount);
  const parts = partsOf(ingested);
  const manifest = {
    parts: parts.map((digest) => ({ digest, ...(parts.length === 1 ? { rowCount } : {}) })),
    columns: dataset.columns as unknown as Json,
    quarantine: ingested.objects.quarantine ?? null,
    facts: ingested.facts,
    measurements: ingested.measurements as unknown as Json,
  };
  const digest = await objects.put(Buffer.from(canonicalJson(manifest)));
  const head = await lake.head(dataset.name);
  if (head?.manifest === digest) return null;
  const version = await lake.commit({
    dataset: dataset.name,
    manifest: digest,
    rowCount,
    parent: head?.version ?? null,
    madeBy: actor,
  });
  return `data set ${dataset.name}, version ${version}: ${rowCount.toLocaleString("en")} rows, ${ingested.facts.quarantined} quarantined`;
}

async function freezeSplit(dataset: DatasetDefinition, split: StepManifest, { lake }: PublishResources): Promise<string | null> {
  if ((await lake.frozenSplit(dataset.name)) !== null) return null;
  const head = await lake.head(dataset.name);
  await lake.freezeSplit({
    dataset: dataset.name,
    spec: dataset.split!,
    boundary: split.facts.boundary as unknown as Boundary,
    version: head!.version,
  });
  return `split of ${dataset.name} frozen: ${JSON.stringify(split.facts.boundary)}`;
}

async function registerModel(
  project: Project,
  model: ModelDefinition,
  keys: ReadonlyMap<string, Digest>,
  results: Results,
  to: PublishResources,
): Promise<string | null> {
  const of = (kind: string) => results.get(`model/${model.name}:${kind}`)!;
  const dataset = model.from.from.name;
  const bundle = of("bundle").objects.manifest!;
  const verdict = of("gate").facts.verdict as unknown as Verdict;
  const lineage = {
    dataset: { name: dataset, version: (await to.lake.head(dataset))!.version },
    steps: Object.fromEntries(
      [...keys].filter(([id]) => id.startsWith(`model/${model.name}:`) || id.startsWith(`dataset/${dataset}:`)),
    ),
  };
  const card = async (version: number) =>
    writeCard({
      version,
      problem: model.solves,
      manifest: await readManifest(bundle, to.objects),
      lineage,
      trainingSet: of("training-set").facts,
      training: of("train").facts,
      proof: of("prove").facts,
      report: await readJson<AssessmentReport>(to.objects, of("assess").objects.report!),
      verdict,
      holdoutReadings: await to.ledger.holdoutReadings(dataset),
    });
  const { version, changed } = await to.registry.register({ model: model.name, bundle, verdict, lineage, card, actor: to.actor });
  const deployed = verdict.passed ? await deploy(project, model, version.version, to) : [];
  const proof = of("prove").facts;
  const unproven = proof.proven === true ? "" : `; its graph is not proven: ${proof.why}`;
  const standing = version.aliases.includes(CHAMPION_ALIAS) ? "champion" : verdict.passed ? "passed, not champion" : "refused";
  const said = changed ? [`model ${model.name}, version ${version.version} (${standing}${unproven})`] : [];
  return [...said, ...deployed].join("; ") || null;
}

/** Points the endpoints of a model at its champion. */
async function deploy(
  project: Project,
  model: ModelDefinition,
  passed: number,
  { registry, serving, actor }: PublishResources,
): Promise<string[]> {
  const champion = await registry.champion(model.name);
  const said: string[] = [];
  for (const endpoint of project.endpoints.values()) {
    if (endpoint.serves.name !== model.name || champion === null) continue;
    const why = champion.version === passed ? "passed every gate" : "is the champion";
    if (await serving.deploy(endpoint.name, champion, { actor, why }))
      said.push(`endpoint ${endpoint.name} answers with version ${champion.version}`);
  }
  return said;
}
