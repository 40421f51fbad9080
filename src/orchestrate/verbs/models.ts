/** Models: what the project defines, their versions, evidence and cards. */
import { didYouMean, MillError } from "../../base/index.ts";
import type { Handlers } from "../../contract/index.ts";
import type { ModelDefinition, TrainerDefinition } from "../../define/index.ts";
import { readJson } from "../../ports/objects/index.ts";
import type { Lock } from "../../ports/python/index.ts";
import type { ModelVersion, PythonStory } from "../../registry/index.ts";
import type { Workspace } from "../workspace.ts";
import { manifestOf, reportOf } from "./report.ts";
import { trialsOf } from "./trials.ts";
import { instant, pageThrough, versionCursor } from "./wire.ts";

type ModelVerbs = Pick<Handlers, "listModels" | "getModel" | "listModelVersions" | "getModelVersion" | "card" | "getTrials">;

export function modelVerbs(workspace: Workspace): ModelVerbs {
  const { registry, objects, ledger } = workspace;

  const defined = async (name: string): Promise<ModelDefinition> => {
    const { models } = await workspace.project();
    const model = models.get(name);
    if (model) return model;
    throw new MillError("request.unknown-name", `The project defines no model "${name}".${didYouMean(name, models.keys())}`, {
      expected: [...models.keys()].join(", "),
      got: name,
      fix: "List the models with GET /v1/models.",
    });
  };

  const summary = async (model: ModelDefinition) => {
    const [newest] = await registry.versions(model.name, { limit: 1 });
    return {
      name: model.name,
      problem: model.solves.name,
      task: model.solves.task,
      features: model.from.name,
      estimator: learns(model.train),
      versions: newest?.version ?? 0,
      champion: (await registry.champion(model.name))?.version ?? null,
    };
  };

  return {
    async listModels(page) {
      const { models } = await workspace.project();
      const { items, next } = pageThrough([...models.values()], ({ name }) => name, page);
      return { items: await Promise.all(items.map(summary)), next };
    },

    async getModel({ name }) {
      const model = await defined(name);
      const history = await registry.history(name);
      return {
        ...(await summary(model)),
        params: { ...model.train.params },
        ...around(model.train),
        seed: model.seed,
        aliases: await registry.aliases(name),
        history: history.map(({ at, ...entry }) => ({ ...entry, at: instant(at) })),
      };
    },

    async listModelVersions({ name, limit = 100, cursor }) {
      const found = await registry.versions(name, { limit: limit + 1, ...versionCursor(cursor) });
      const items = found.slice(0, limit);
      const shown = await Promise.all(
        items.map(async (version) => ({
          ...versionSummary(version),
          holdout: (await reportOf(workspace, version)).holdout.measures,
        })),
      );
      return { items: shown, next: found.length > limit ? String(items.at(-1)!.version) : null };
    },

    async getModelVersion({ name, version: asked }) {
      const version = await registry.version(name, asked);
      const manifest = await registry.manifest(version);
      const proof = await manifestOf(workspace, version, "prove");
      const { test, holdout } = await reportOf(workspace, version);
      return {
        ...versionSummary(version),
        task: manifest.task,
        problem: version.verdict.problem ?? {
          name: (await defined(name)).solves.name,
          question: (await defined(name)).solves.question,
        },
        estimator: manifest.estimator,
        params: { ...manifest.params },
        ...around(manifest),
        seed: manifest.seed,
        classes: [...manifest.classes],
        threshold: manifest.threshold,
        thresholdFrom: manifest.thresholdFrom,
        features: Object.keys(manifest.fields),
        importance: manifest.python
          ? {}
          : ((await manifestOf(workspace, version, "train")).facts.importance as Record<string, number>),
        ...(manifest.python && { python: await toldOf(manifest.python, workspace) }),
        verdict: version.verdict,
        report: plain({ test, holdout }),
        proof: plain(proof.facts) as { proven: boolean },
        holdoutReadings: await ledger.holdoutReadings(version.lineage.dataset.name),
        lineage: {
          dataset: version.lineage.dataset,
          steps: await lineageSteps(workspace, version),
          environment: { ...manifest.environment },
        },
      };
    },

    getTrials: trialsOf(workspace, defined),

    async card({ name, version: asked }) {
      const version = await registry.version(name, asked);
      return { name, version: version.version, markdown: Buffer.from(await objects.get(version.card)).toString("utf8") };
    },
  };
}

const versionSummary = ({ model, version, passed, aliases, createdAt, bundle }: ModelVersion) => ({
  name: model,
  version,
  passed,
  aliases: [...aliases],
  createdAt: instant(createdAt),
  bundle,
});

async function lineageSteps({ ledger }: Workspace, { lineage }: ModelVersion) {
  return Promise.all(
    Object.entries(lineage.steps).map(async ([id, key]) => {
      const step = await ledger.stepOfResult(key);
      return {
        kind: id,
        key,
        step: step?.id ?? null,
        wallMs: step?.wallMs ?? null,
        endedAt: step?.endedAt ? instant(step.endedAt) : null,
      };
    }),
  );
}

async function toldOf({ lock, ...python }: PythonStory, { objects }: Workspace) {
  const { packages } = await readJson<Lock>(objects, lock);
  return { ...python, packages: packages.map(({ name, version, license }) => ({ name, version, license })) };
}

/** Drops `readonly`, which the wire types do not have. */
const plain = <T>(value: T) => value as { -readonly [K in keyof T]: T[K] } as never;

/** By name; of a search what it is among. */
const learns = ({ estimator, tuning }: TrainerDefinition): string => {
  const among = Object.keys(tuning?.among ?? {});
  return among.length > 1 ? `the best of ${among.join(", ")}` : tuning === undefined ? estimator : `${estimator}, searched`;
};

/** What stands around the estimator, as far as something does. */
const around = <S, C>({ steps, calibration }: { readonly steps?: S; readonly calibration?: C }) => ({
  ...(steps === undefined ? {} : { steps }),
  ...(calibration === undefined ? {} : { calibration }),
});
