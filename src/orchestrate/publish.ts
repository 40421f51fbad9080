/**
 * Makes results count in the world, once. Each of these looks first and acts only on a difference, so that a run that was cut off between a step's
 * result and its effect is mended by the next one.
 */
import type { AssessmentReport } from "../assess/index.ts";
import { canonicalJson, type Digest, type Json } from "../base/index.ts";
import type { Verdict } from "../contract/index.ts";

import type { DatasetDefinition, EndpointDefinition, ModelDefinition, Project } from "../define/index.ts";

import type { DatasetVersion, Lake } from "../lake/index.ts";
import { type Objects, readJson } from "../ports/objects/index.ts";
import type { Lock } from "../ports/python/index.ts";
import type { Records } from "../ports/records/index.ts";
import {
  CHALLENGER_ALIAS,
  CHAMPION_ALIAS,
  type ModelVersion,
  type Registry,
  readManifest,
  writeCard,
} from "../registry/index.ts";
import type { Serving, Story } from "../serve/index.ts";
import type { Ledger, StepManifest } from "../steps/index.ts";
import type { TrialResult } from "../train/index.ts";

import { manifestIfThere } from "./corrected.ts";
import { gateCorrections } from "./gate-corrections.ts";
import { type GraphNode, generationMoved, partsOf } from "./graph-node.ts";
import { startRollout } from "./rollout.ts";
import { standingsOf } from "./trial-standings.ts";

export interface PublishResources {
  readonly lake: Lake;
  readonly objects: Objects;
  readonly registry: Registry;
  readonly serving: Serving;
  readonly ledger: Ledger;
  readonly records: Records;
  readonly story: Story;
  readonly now: () => number;
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
  if (node.kind === "split")
    return freezeSplit(project.datasets.get(name)!, results.get(node.id)!, keys.get(node.id) ?? null, to);
  if (node.kind === "gate") return registerModel(project, project.models.get(name)!, keys, results, to);
  return null;
}

async function commitDataset(
  dataset: DatasetDefinition,
  ingested: StepManifest,
  { lake, objects, actor }: PublishResources,
): Promise<string | null> {
  await requireStanding(dataset, ingested, lake);
  const said = await commitRows(dataset, ingested, { lake, objects, actor });
  await gateCorrections(dataset, lake);
  return said;
}

async function commitRows(
  dataset: DatasetDefinition,
  ingested: StepManifest,
  { lake, objects, actor }: Pick<PublishResources, "lake" | "objects" | "actor">,
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
  const head = await lake.head(dataset.name);
  if (head !== null && (await isMadeByPeople(head, parts, lake))) return null;
  const digest = await objects.put(Buffer.from(canonicalJson(manifest)));
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

/** The result is what people made of the data set, as its newest version has it already. */
async function isMadeByPeople(head: DatasetVersion, parts: readonly Digest[], lake: Lake): Promise<boolean> {
  const standing = await manifestIfThere(head, lake);
  return standing?.corrects !== undefined && canonicalJson(standing.parts.map(({ digest }) => digest)) === canonicalJson(parts);
}

/** Rows of a generation that does not stand any more must not become the newest version, nor be cut as another's. */
async function requireStanding({ name }: DatasetDefinition, { facts }: StepManifest, lake: Lake): Promise<void> {
  const journals = (await lake.generation(name))?.journals.filter(({ rowCount }) => rowCount > 0) ?? [];
  if (canonicalJson(facts.journals ?? []) !== canonicalJson(journals as unknown as Json)) throw generationMoved(name);
}

async function freezeSplit(
  dataset: DatasetDefinition,
  split: StepManifest,
  stepKey: Digest | null,
  { lake }: PublishResources,
): Promise<string | null> {
  const { boundary, note } = split.facts;
  const generation = Number(split.facts.generation ?? 1);
  if ((await lake.frozenSplit(dataset.name))?.generation === generation) return null;
  const head = await lake.head(dataset.name);
  await lake.freezeSplit({ dataset: dataset.name, generation, spec: dataset.split!, boundary, version: head!.version, stepKey });
  const which = generation > 1 ? `, generation ${generation},` : "";
  return `split of ${dataset.name}${which} frozen: ${JSON.stringify(boundary)}${note ? `; ${note}` : ""}`;
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
  const tuned = results.get(`model/${model.name}:tune`);
  const head = (await to.lake.head(dataset))!;
  const { parts } = await to.lake.manifest(head);
  const lineage = {
    dataset: { name: dataset, version: head.version },
    steps: Object.fromEntries(
      [...keys].filter(([id]) => id.startsWith(`model/${model.name}:`) || id.startsWith(`dataset/${dataset}:`)),
    ),
  };
  const card = async (version: number) => {
    const manifest = await readManifest(bundle, to.objects);
    const lock = manifest.python && (await readJson<Lock>(to.objects, manifest.python.lock));
    return writeCard({
      version,
      problem: model.solves,
      manifest,
      lineage,
      trainingSet: of("training-set").facts,
      training: lock ? { importance: {}, ...of("fit").facts } : of("train").facts,
      ...(lock && { python: { lock, conversion: of("convert").facts } }),
      proof: of("prove").facts,
      report: await readJson<AssessmentReport>(to.objects, of("assess").objects.report!),
      verdict,
      ...(tuned && { trials: await trialsOf(model, tuned, to) }),
      holdoutReadings: await to.ledger.holdoutReadings(dataset),
    });
  };
  const rolling = await rollingEndpoints(project, model, to);
  const standing = rolling.length > 0 ? "challenger" : "champion";
  const registered = await to.registry.register({
    model: model.name,
    ...{ bundle, verdict, lineage, card, standing, actor: to.actor },
    keeps: [head.manifest, ...parts.map(({ digest }) => digest), ...Object.values(tuned?.objects ?? {})],
  });
  const { version, changed } = registered;
  const served = version.aliases.includes(CHALLENGER_ALIAS)
    ? await Promise.all(rolling.map((endpoint) => startRollout(to, endpoint, version, to.actor)))
    : await deploy(project, model, verdict.passed ? version.version : null, to);
  const proof = of("prove").facts;
  const unproven = proof.proven === true ? "" : `; its graph is not proven: ${proof.why}`;
  const said = changed ? [`model ${model.name}, version ${version.version} (${standingOf(version)}${unproven})`] : [];
  return [...said, ...served.filter((sentence) => sentence !== null)].join("; ") || null;
}

const trialsOf = async ({ train: { tuning } }: ModelDefinition, { objects: { trials } }: StepManifest, to: PublishResources) =>
  standingsOf(await readJson<TrialResult[]>(to.objects, trials!), tuning!.better, to.ledger);

const standingOf = ({ aliases, passed }: ModelVersion) =>
  [CHAMPION_ALIAS, CHALLENGER_ALIAS].find((alias) => aliases.includes(alias)) ?? (passed ? "passed, not champion" : "refused");

/** Endpoints at which a new version must first prove itself: they have a rollout, and answer already. */
async function rollingEndpoints(
  project: Project,
  model: ModelDefinition,
  { serving }: PublishResources,
): Promise<EndpointDefinition[]> {
  const deployed = await serving.deployed();
  return [...project.endpoints.values()].filter(
    ({ name, serves, rollout }) =>
      serves.name === model.name &&
      rollout !== undefined &&
      deployed.some((one) => one.name === name && one.model === model.name),
  );
}

/** Points the endpoints of a model at its champion. */
async function deploy(
  project: Project,
  model: ModelDefinition,
  passed: number | null,
  { registry, serving, actor }: PublishResources,
): Promise<string[]> {
  const champion = passed === null ? null : await registry.champion(model.name);
  const said: string[] = [];
  for (const endpoint of project.endpoints.values()) {
    if (endpoint.serves.name !== model.name || champion === null) continue;
    const why = champion.version === passed ? "passed every gate" : "is the champion";
    if (await serving.deploy(endpoint.name, champion, { actor, why }))
      said.push(`endpoint ${endpoint.name} answers with version ${champion.version}`);
  }
  return said;
}
