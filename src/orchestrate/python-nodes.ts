/**
 * The nodes of a model that a Python script trains, where one of our own has `train`:
 *
 *     environment [requirements -> lock] -.
 *     training-set ------------------------+-> fit [script -> its model] -> convert [our own predictor, a graph, or Python]
 */
import { type Digest, parseDuration } from "../base/index.ts";
import { type ModelDefinition, type PythonDefinition, requirementLines } from "../define/index.ts";
import type { PythonStory } from "../registry/index.ts";
import type { StepManifest } from "../steps/index.ts";
import { type GraphNode, type NodeKind, type Outside, plain } from "./graph-node.ts";

type Results = ReadonlyMap<string, StepManifest>;

/** What runs a notebook. */
const NOTEBOOK_REQUIREMENTS = ["papermill", "ipykernel"];

export function pythonNodes(model: ModelDefinition, python: PythonDefinition): GraphNode[] {
  const target = `model/${model.name}`;
  const id = (kind: NodeKind) => `${target}:${kind}`;
  const [set, environment, fit] = [id("training-set"), id("environment"), id("fit")];
  const node = (kind: NodeKind, needs: readonly string[], input: GraphNode["input"]): GraphNode => ({
    ...{ id: id(kind), target, kind, needs, input },
  });
  const learnt = (results: Results) => ({
    train: results.get(set)!.objects.train!,
    features: Object.keys(model.from.fields),
    task: model.solves.task,
    classes: results.get(set)!.facts.classes!,
  });

  return [
    node("environment", [], async (_, outside) =>
      plain({ requirements: await requirementsOf(python, outside), interpreter: await outside.interpreter() }),
    ),
    {
      ...node("fit", [set, environment], async (results, outside) =>
        plain({
          model: model.name,
          ...learnt(results),
          script: python.script,
          files: await Promise.all(
            [python.script, ...python.files].map(async (path) => ({ path, digest: await outside.file(path) })),
          ),
          params: model.train.params,
          seed: model.seed,
          lock: results.get(environment)!.objects.lock!,
        }),
      ),
      ...(python.timeout && { timeouts: { startToCloseMs: parseDuration(python.timeout) / 1000 } }),
    },
    node("convert", [set, environment, fit], async (results, outside) =>
      plain({
        model: model.name,
        ...learnt(results),
        fitted: results.get(fit)!.objects.fitted!,
        files: filesOf(results.get(fit)!),
        lock: results.get(environment)!.objects.lock!,
        interpreter: await outside.interpreter(),
        runtime: outside.runtime,
      }),
    ),
  ];
}

/** Those of a file one by one, so that a comment in it makes no other environment. */
async function requirementsOf({ script, requirements }: PythonDefinition, { text }: Outside): Promise<readonly string[]> {
  const stated = typeof requirements === "string" ? requirementLines(requirements, await text(requirements)) : requirements;
  return script.endsWith(".ipynb") ? [...stated, ...NOTEBOOK_REQUIREMENTS] : stated;
}

function filesOf({ objects }: StepManifest): readonly Digest[] {
  const roles = Object.keys(objects).filter((role) => role.startsWith("file-"));
  return roles.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5))).map((role) => objects[role]!);
}

/** What a bundle tells of the script, in the place of an estimator of ours. */
export function scriptedBy({ name, train }: ModelDefinition, { script, license }: PythonDefinition, results: Results) {
  const of = (kind: NodeKind) => results.get(`model/${name}:${kind}`)!;
  const { form, why } = of("convert").facts as Pick<PythonStory, "form" | "why">;
  const python: PythonStory = {
    ...{ script, framework: String(of("fit").facts.framework), form, why },
    lock: of("environment").objects.lock!,
    license: license ?? null,
  };
  return { estimator: train.estimator, params: train.params, python };
}
