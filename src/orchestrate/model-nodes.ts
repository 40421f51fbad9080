/** The nodes of a model, from its training set to its gate. */
import { digestOfJson } from "../base/index.ts";
import type { Requirement, Task } from "../contract/index.ts";
import type { FeaturesDefinition, ModelDefinition } from "../define/index.ts";
import type { Gain } from "../learn/index.ts";
import type { Environment, StepManifest } from "../steps/index.ts";
import { type GraphNode, type NodeKind, partsOf, plain, withoutTexts } from "./graph-node.ts";
import { pythonNodes, scriptedBy } from "./python-nodes.ts";
import { searchOf, searchStory, trainerFound } from "./search.ts";

export function modelNodes(model: ModelDefinition, environment: Environment): GraphNode[] {
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

  const { tuning, python } = model.train;
  const tuned = tuning === undefined ? [] : [id("tune")];
  const trained = id(python === undefined ? "train" : "convert");
  const scripted = python === undefined ? [] : [id("environment"), id("fit")];
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
    ...(python === undefined
      ? [
          node("train", [id("training-set"), ...tuned], async (results) => {
            const { set, classes } = learnt(results);
            return plain({ train: set.objects.train!, features, task, classes, ...trainer(results), seed: model.seed });
          }),
        ]
      : pythonNodes(model, python)),
    node("bundle", [trained, id("training-set"), ...tuned, ...scripted], async (results) => {
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
        ...(python === undefined ? trainer(results) : scriptedBy(model, python, results)),
        ...(tuning && { tuning: searchStory(tuning, results.get(id("tune"))!) }),
        seed: model.seed,
        environment,
        trained: results.get(trained)!.objects.model!,
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
        onnx: onnx ?? null,
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
