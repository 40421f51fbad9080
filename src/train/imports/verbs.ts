import type { Handlers } from "../../contract/index.ts";
import type { Imports, Left } from "./imports.ts";

export type ImportVerb =
  | ("beginImport" | "importExperiment" | "importRuns" | "importPoints" | "importLoggedModels")
  | ("compareArtifacts" | "importArtifact");

export const importVerbs = (imports: Imports): Pick<Handlers, ImportVerb> => ({
  async beginImport({ source }, { actor }) {
    await imports.begin(source, actor);
    return { source };
  },
  importExperiment: async ({ source, experiment, dryRun }) => {
    const { left, ...taken } = await imports.experiment(source, experiment, { dryRun });
    return { ...taken, left: told(left) };
  },
  async importRuns({ source, experiment, runs, dryRun }) {
    const taken = await imports.runs(source, experiment, runs, { dryRun });
    return { runs: taken.map(({ left, wanted, ...run }) => ({ ...run, wanted: [...wanted], left: told(left) })) };
  },
  async importPoints({ source, histories }) {
    const there = histories.map(({ points, ...history }) => ({
      ...history,
      points: points.map((point) => ({ ...point, value: Number(point.value) })),
    }));
    return { left: await imports.points(source, there) };
  },
  async importLoggedModels({ source, experiment, models, dryRun }) {
    const there = models.map(({ metrics, ...model }) => ({
      ...model,
      metrics: metrics.map((metric) => ({ ...metric, value: Number(metric.value) })),
    }));
    const taken = await imports.loggedModels(source, experiment, there, { dryRun });
    return { models: taken.map(({ left, ...model }) => ({ ...model, left: told(left) })) };
  },
  compareArtifacts: ({ source, files }) => imports.compareFiles(source, files),
  importArtifact: ({ source, ...file }, { bytes = nothing() }) => imports.file(source, file, bytes),
});

const told = (left: readonly Left[]): Left[] => [...left];

async function* nothing(): AsyncGenerator<Uint8Array> {}
