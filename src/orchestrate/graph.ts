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
import { type Digest, digestOfJson, type Json, MillError } from "../base/index.ts";
import type { Measurement, Requirement, Task } from "../contract/index.ts";
import type { DatasetDefinition, FeaturesDefinition, ModelDefinition, Project } from "../define/index.ts";
import type { IngestJournal, OlderParts } from "../ingest/index.ts";
import type { FrozenSplit } from "../lake/index.ts";
import type { Gain } from "../learn/index.ts";
import type { Environment, Ledger, StepManifest } from "../steps/index.ts";
import type { Partitions } from "./partitions/standing.ts";
import { type Search, searchOf, searchStory, trainerFound } from "./search.ts";

export type NodeKind =
  | "partition"
  | "ingest"
  | "check"
  | "split"
  | "training-set"
  | "tune"
  | "train"
  | "bundle"
  | "prove"
  | "assess"
  | "reference"
  | "gate";

export interface GraphNode {
  /** `dataset/flights:ingest`. */
  readonly id: string;
  readonly target: string;
  readonly kind: NodeKind;
  readonly needs: readonly string[];
  /** The step's input, from the manifests of `needs` (by node id) and what only the outside knows. */
  input(results: ReadonlyMap<string, StepManifest>, outside: Outside): Promise<Json>;
  /** It stands for a step for each partition of this data set, and has no input of its own. */
  readonly partitions?: DatasetDefinition;
  /** Trials whose results its input is made from; `input` is then not asked. */
  search?(results: ReadonlyMap<string, StepManifest>, ledger: Pick<Ledger, "keyOf">): Search;
  /** A result that is kept for good, whatever the input has become since. Errors when the definition contradicts it. */
  kept?(outside: Outside): Promise<Kept | null>;
}

export interface Kept {
  readonly manifest: StepManifest;
  /** Of the step that made it; null: not known any more. */
  readonly key: Digest | null;
  /** One sentence: since when. */
  readonly why: string;
}

/** What a plan looks up beside the definitions. */
export interface Outside {
  /** Version of the ONNX Runtime that graphs are proven with; null: none. Part of the proof's key, so that installing one makes the proof. */
  readonly runtime: string | null;
  sources(dataset: DatasetDefinition): Promise<Json>;
  /** How its partitions stand, as they were at the first look. */
  partitions(dataset: DatasetDefinition): Promise<Partitions>;
  /** Some were taken in: the next asking looks again. */
  lookAgain(dataset: DatasetDefinition): void;
  /** The split that was frozen at its first use: new data is cut where old data was. Errors: `split.frozen` when the definition asks for another. */
  frozenSplit(dataset: DatasetDefinition): Promise<Pick<FrozenSplit, "boundary" | "version" | "generation" | "stepKey"> | null>;
  /** What the data set consists of beside its files since it grew; null: of nothing, it is in its first generation. */
  generation(dataset: DatasetDefinition): Promise<Growth | null>;
  /**
   * What people made of the data set since the platform ingested it with this input, as the ingestion's result; null: nothing.
   * Errors: `dataset.corrected` when the ingestion would give something else by now, and so undo it.
   */
  corrected(dataset: DatasetDefinition, ingestion: Json): Promise<Kept | null>;
  /** The model version that the candidate with this bundle must beat: the last champion that is not the candidate itself. */
  champion(model: ModelDefinition, bundle: Digest): Promise<ChampionInput | null>;
}

/** A generation of a data set from the second on. */
export interface Growth {
  readonly number: number;
  readonly journals: readonly IngestJournal[];
  readonly trainFrom: string | null;
  readonly until: string | null;
  /** Where the parts of the generation before start; null: it was cut by hash. */
  readonly older: OlderParts | null;
}

/** A run sees one generation of each data set from its start to its end. */
export const generationMoved = (dataset: string) =>
  new MillError("generation.moved", `The data set "${dataset}" got another generation while this run was on its way.`, {
    at: `dataset "${dataset}"`,
    fix: "Run again: it takes the generation that stands now.",
  });

/** A champion's trained model, and the features it reads. */
export interface ChampionInput {
  readonly version: number;
  readonly trained: Digest;
  readonly threshold: number | null;
  readonly classes: readonly string[];
  readonly fields: FeaturesDefinition["fields"];
}

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

function datasetNodes(dataset: DatasetDefinition): GraphNode[] {
  const target = `dataset/${dataset.name}`;
  const ingested = `${target}:ingest`;
  const partitioned = `${target}:partition`;
  const { name, columns, time, entity } = dataset;
  const ingestion = async (outside: Outside) =>
    plain({
      ...grownRows(await outside.generation(dataset)),
      ...(dataset.partitions === undefined
        ? { sources: await outside.sources(dataset) }
        : { sources: [], partitions: (await outside.partitions(dataset)).ingested }),
      ...rowsRead(dataset),
    });
  const isPartitioned = dataset.partitions !== undefined;
  const nodes: GraphNode[] = [
    ...(isPartitioned ? [partitionNode(dataset)] : []),
    {
      id: ingested,
      target,
      kind: "ingest",
      needs: isPartitioned ? [partitioned] : [],
      kept: async (outside) => outside.corrected(dataset, await ingestion(outside)),
      input: (_, outside) => ingestion(outside),
    },
    {
      id: `${target}:check`,
      target,
      kind: "check",
      needs: [ingested],
      input: async (results) => checkInput(dataset, results.get(ingested)!.measurements),
    },
  ];
  const { split } = dataset;
  if (split !== undefined) {
    nodes.push({
      id: `${target}:split`,
      target,
      kind: "split",
      needs: [ingested, `${target}:check`],
      kept: async (outside) => {
        const frozen = await outside.frozenSplit(dataset);
        if (frozen === null) return null;
        const { boundary, version, generation, stepKey } = frozen;
        const manifest = { objects: {}, facts: { boundary, ...(generation > 1 && { generation }) }, measurements: [] };
        return {
          manifest,
          key: stepKey,
          why: `frozen with version ${version}${generation > 1 ? `, generation ${generation}` : ""}`,
        };
      },
      input: async (results, outside) =>
        plain({
          dataset: name,
          ...grownSplit(await outside.generation(dataset)),
          parts: partsOf(results.get(ingested)!),
          columns: withoutTexts(columns),
          time: time ?? null,
          entity,
          split,
        }),
    });
  }
  return nodes;
}

const partitionNode = (dataset: DatasetDefinition): GraphNode => ({
  id: `dataset/${dataset.name}:partition`,
  target: `dataset/${dataset.name}`,
  kind: "partition",
  needs: [],
  partitions: dataset,
  input: async () => null,
});

/** What the step of one partition is asked, of its files as steps are given them. */
export const partitionInput = (dataset: DatasetDefinition, sources: Json): Json => plain({ ...rowsRead(dataset), sources });

/** What is done to the rows of a data set's files. */
const rowsRead = ({ name, columns, where, time, checks }: DatasetDefinition) => ({
  dataset: name,
  columns: withoutTexts(columns),
  where: where ?? null,
  time: time ?? null,
  checks: checks.map(({ holds, text }, index) => ({ holds, text, index })),
});

/** Named only where there are any, so that the key of a data set that has not grown is what it always was. */
function grownRows(growth: Growth | null) {
  if (growth === null || growth.journals.length === 0) return {};
  const { journals, until } = growth;
  return { journals, ...(until !== null && { until }) };
}

function grownSplit(growth: Growth | null) {
  if (growth === null) return {};
  const { number, trainFrom, older } = growth;
  return { generation: { number, trainFrom, older } };
}

/** What a data set's check step is asked: the checks as they are now, of what was measured. */
export const checkInput = ({ name, checks }: DatasetDefinition, measurements: readonly Measurement[]): Json =>
  plain({ dataset: name, checks: checks.map(({ share, text }) => ({ share, text })), measurements });

function modelNodes(model: ModelDefinition, environment: Environment): GraphNode[] {
  const target = `model/${model.name}`;
  const id = (kind: NodeKind) => `${target}:${kind}`;
  const dataset = model.from.from;
  const ingested = `dataset/${dataset.name}:ingest`;
  const split = `dataset/${dataset.name}:split`;
  const { task } = model.solves;
  const features = Object.keys(model.from.fields);
  const gain = gainOf(model);

  const trainingSet = (results: ReadonlyMap<string, StepManifest>, fields: FeaturesDefinition["fields"]) => ({
    parts: partsOf(results.get(ingested)!),
    columns: withoutTexts(dataset.columns),
    time: dataset.time ?? null,
    entity: dataset.entity,
    outcomes: dataset.outcomes,
    fields,
    label: model.label,
    slices: model.slices,
    task,
    boundary: results.get(split)!.facts.boundary!,
  });
  const learnt = (results: ReadonlyMap<string, StepManifest>) => {
    const set = results.get(id("training-set"))!;
    return { set, classes: set.facts.classes as readonly string[] };
  };
  const node = (kind: NodeKind, needs: readonly string[], input: GraphNode["input"]): GraphNode => ({
    id: id(kind),
    target,
    kind,
    needs,
    input,
  });

  const { tuning } = model.train;
  const tuned = tuning === undefined ? [] : [id("tune")];
  const trainer = (results: ReadonlyMap<string, StepManifest>) => trainerFound(model, results.get(id("tune")));
  const search: NonNullable<GraphNode["search"]> = (results, ledger) => {
    const { set, classes } = learnt(results);
    const { split } = dataset.split!;
    return searchOf(model, { train: set.objects.train!, features, task, classes, seed: model.seed, split }, ledger);
  };

  return [
    node("training-set", [ingested, split], async (results) =>
      plain({ ...trainingSet(results, model.from.fields), ...groupsOf(model) }),
    ),
    ...(tuning === undefined ? [] : [{ ...node("tune", [id("training-set")], async () => null), search }]),
    node("train", [id("training-set"), ...tuned], async (results) => {
      const { set, classes } = learnt(results);
      return plain({ train: set.objects.train!, features, task, classes, ...trainer(results), seed: model.seed });
    }),
    node("bundle", [id("train"), id("training-set"), ...tuned], async (results) => {
      const { set, classes } = learnt(results);
      return plain({
        model: model.name,
        task,
        classes,
        dataset: {
          name: dataset.name,
          columns: withoutTexts(dataset.columns),
          time: dataset.time ?? null,
          outcomes: dataset.outcomes,
          checks: dataset.checks.filter(({ holds }) => !("unique" in holds)).map(({ holds, text }) => ({ holds, text })),
          license: dataset.license ?? null,
        },
        fields: model.from.fields,
        label: model.label,
        slices: model.slices,
        ...trainer(results),
        ...(tuning && { tuning: searchStory(tuning, results.get(id("tune"))!) }),
        seed: model.seed,
        environment,
        trained: results.get(id("train"))!.objects.model!,
        test: set.objects.test!,
        thresholdRule: task === "binary-classification" ? model.threshold : null,
        gain,
      });
    }),
    node("prove", [id("bundle"), id("training-set")], async (results, { runtime }) => {
      const { set, classes } = learnt(results);
      const { onnx, trained } = results.get(id("bundle"))!.objects;
      const { threshold } = results.get(id("bundle"))!.facts;
      return plain({
        model: model.name,
        onnx: onnx!,
        trained: trained!,
        train: set.objects.train!,
        features,
        task,
        classes,
        threshold: threshold!,
        runtime,
      });
    }),
    node("assess", [id("bundle"), id("training-set")], async (results) => {
      const { set, classes } = learnt(results);
      const { trained } = results.get(id("bundle"))!.objects;
      return plain({
        dataset: dataset.name,
        model: model.name,
        trained: trained!,
        test: set.objects.test!,
        holdout: { holdout: set.objects.holdout! },
        constant: set.facts.constant!,
        features,
        task,
        classes,
        threshold: results.get(id("bundle"))!.facts.threshold!,
        gain,
        slices: Object.keys(model.slices),
      });
    }),
    node("reference", [id("bundle"), id("training-set"), ingested, split], async (results) => {
      const { set, classes } = learnt(results);
      const { parts, columns, time, entity, outcomes, fields, boundary } = trainingSet(results, model.from.fields);
      return plain({
        model: model.name,
        task,
        classes,
        threshold: results.get(id("bundle"))!.facts.threshold!,
        gain,
        trained: results.get(id("bundle"))!.objects.trained!,
        test: set.objects.test!,
        ...{ parts, columns, time, entity, outcomes, fields, boundary },
      });
    }),
    // The gate judges no reference; but a version that is registered has one, and its lineage says which.
    node(
      "gate",
      [id("assess"), id("prove"), id("bundle"), id("reference"), id("training-set"), ingested, split],
      async (results, outside) => {
        const { set, classes } = learnt(results);
        const requirements = requirementsOf(model, results.get(id("prove"))!);
        const rivals = requirements.some(({ test }) => test === "beatsChampion");
        const champion = rivals ? await outside.champion(model, results.get(id("bundle"))!.objects.manifest!) : null;
        const sameFields = champion === null || digestOfJson(champion.fields) === digestOfJson(model.from.fields);
        return plain({
          model: model.name,
          problem: { name: model.solves.name, question: model.solves.question },
          task,
          gain,
          requirements,
          measurements: [...results.get(id("assess"))!.measurements, ...results.get(id("prove"))!.measurements],
          champion,
          candidate: {
            trained: results.get(id("bundle"))!.objects.trained!,
            threshold: results.get(id("bundle"))!.facts.threshold!,
            classes,
            fields: model.from.fields,
          },
          test: set.objects.test!,
          championSet: sameFields ? null : trainingSet(results, champion.fields),
        });
      },
    ),
  ];
}

/** A search cuts the training rows as the data set is cut: what shares a key of the hash stays together. */
function groupsOf({ train, from: { from: dataset } }: ModelDefinition) {
  const isGrouped = train.tuning !== undefined && dataset.split?.split === "hash" && dataset.entity.length > 0;
  return isGrouped ? { groups: dataset.entity } : {};
}

/** What a model must meet: the problem's principles, the model's own rules, and the proof that its graph is the model. */
function requirementsOf(model: ModelDefinition, proof: StepManifest): Requirement[] {
  const principles = model.solves.principles.map(({ statement, proof }) => ({ ...proof, because: statement }));
  const graph: Requirement[] = [
    {
      id: "graph/difference",
      measure: "graphDifference",
      test: "atMost",
      value: 1e-6,
      because: "The exported graph is the trained model",
    },
    { id: "graph/flips", measure: "graphFlips", test: "atMost", value: 0, because: "The exported graph is the trained model" },
  ];
  return [...principles, ...model.accept, ...(proof.facts.proven === true ? graph : [])];
}

function gainOf(model: ModelDefinition): Gain | null {
  const task: Task = model.solves.task;
  return task === "binary-classification" ? (model.solves.gain ?? null) : null;
}

/** The Parquet parts of an ingested data set, in order. */
export function partsOf(ingested: StepManifest): Digest[] {
  const parts = Object.keys(ingested.objects).filter((role) => role.startsWith("part-"));
  return parts.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5))).map((role) => ingested.objects[role]!);
}

/** Columns without what does not change a result: a reworded text must not run anything again. */
const withoutTexts = (columns: DatasetDefinition["columns"]) =>
  Object.fromEntries(Object.entries(columns).map(([name, { about, unit, ...rest }]) => [name, rest]));

/** Definitions are JSON but for their types' `readonly` and optional fields. */
export const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as Json;
