/** Verbs of tracking. What JSON has no numbers for, NaN and the infinities, goes as text. */
import type { Handlers, OutputOf } from "../../contract/index.ts";
import type { Page, Point, Run, Tracking } from "./tracking.ts";

export type TrackingVerb =
  | "searchExperiments"
  | "getExperiment"
  | "findExperiment"
  | "createExperiment"
  | "renameExperiment"
  | "deleteExperiment"
  | "restoreExperiment"
  | "setExperimentTag"
  | "deleteExperimentTag"
  | "createTrackedRun"
  | "getTrackedRun"
  | "updateTrackedRun"
  | "deleteTrackedRun"
  | "restoreTrackedRun"
  | "logToRun"
  | "deleteRunTag"
  | "logRunInputs"
  | "logRunOutputs"
  | "searchTrackedRuns"
  | "metricHistory"
  | "metricCurve"
  | "compareRuns"
  | "trackedDatasets";

export function trackingVerbs(tracking: Tracking): Pick<Handlers, TrackingVerb> {
  return {
    searchExperiments: (search) => tracking.searchExperiments(search),
    getExperiment: ({ experiment }) => tracking.experiment(experiment),
    findExperiment: ({ name }) => tracking.experimentNamed(name),
    createExperiment: ({ tags = {}, ...experiment }) => tracking.createExperiment({ ...experiment, tags }),
    async renameExperiment({ experiment, name }) {
      await tracking.renameExperiment(experiment, name);
      return { experiment };
    },
    async deleteExperiment({ experiment }) {
      await tracking.deleteExperiment(experiment);
      return { experiment };
    },
    async restoreExperiment({ experiment }) {
      await tracking.restoreExperiment(experiment);
      return { experiment };
    },
    async setExperimentTag({ experiment, key, value }) {
      await tracking.setExperimentTag(experiment, key, value);
      return { experiment };
    },
    async deleteExperimentTag({ experiment, key }) {
      await tracking.deleteExperimentTag(experiment, key);
      return { experiment };
    },

    createTrackedRun: async ({ experiment, tags = {}, ...run }) =>
      runOnWire(await tracking.createRun({ experimentId: experiment, tags, ...run })),
    getTrackedRun: async ({ run }) => runOnWire(await tracking.run(run)),
    updateTrackedRun: async ({ run, ...change }) => runOnWire(await tracking.updateRun(run, change)),
    async deleteTrackedRun({ run }) {
      await tracking.deleteRun(run);
      return { run };
    },
    async restoreTrackedRun({ run }) {
      await tracking.restoreRun(run);
      return { run };
    },
    async logToRun({ run, metrics, params, tags }) {
      await tracking.log(run, { metrics: metrics?.map((metric) => ({ ...metric, value: Number(metric.value) })), params, tags });
      return { run };
    },
    async deleteRunTag({ run, key }) {
      await tracking.deleteTag(run, key);
      return { run };
    },
    async logRunInputs({ run, datasets = [], models = [] }) {
      await tracking.logInputs(run, { datasets, models });
      return { run };
    },
    async logRunOutputs({ run, models }) {
      await tracking.logOutputs(run, models);
      return { run };
    },
    async searchTrackedRuns({ experiments, ...search }) {
      const { items, nextPageToken } = await tracking.searchRuns({ experimentIds: experiments, ...search });
      return { items: items.map(runOnWire), nextPageToken };
    },

    async metricHistory({ run, key, ...page }) {
      const { items, nextPageToken }: Page<Point> = await tracking.history({ runId: run, key, ...page });
      return { items: pointsOnWire(items), nextPageToken };
    },
    async metricCurve({ run, key, points = 320, from, to }) {
      const steps = from === undefined && to === undefined ? undefined : { from: from ?? FIRST, to: to ?? LAST };
      const found = await tracking.curve({ runId: run, key, pointsMax: points, ...(steps && { steps }) });
      return { points: pointsOnWire(found) };
    },
    async compareRuns({ runs }) {
      const { runIds, metrics, params } = await tracking.compare(runs);
      const columns = Object.entries(metrics).map(([key, values]) => [
        key,
        values.map((value) => (value === null ? null : onWire(value))),
      ]);
      return { runs: runIds, metrics: Object.fromEntries(columns), params };
    },
    trackedDatasets: async ({ experiments }) => ({ datasets: await tracking.datasets(experiments) }),
  };
}

const FIRST = Number.MIN_SAFE_INTEGER;
const LAST = Number.MAX_SAFE_INTEGER;

const runOnWire = (run: Run): OutputOf<"getTrackedRun"> => ({ ...run, metrics: pointsOnWire(run.metrics) });

type OnWire<P extends Point> = Omit<P, "value"> & { readonly value: number | "NaN" | "Infinity" | "-Infinity" };

/** Nearly always they are as they must be. */
function pointsOnWire<P extends Point>(points: readonly P[]): readonly OnWire<P>[] {
  return points.every(({ value }) => Number.isFinite(value))
    ? points
    : points.map((point) => ({ ...point, value: onWire(point.value) }));
}

const onWire = (value: number) => (Number.isFinite(value) ? value : (String(value) as "NaN" | "Infinity" | "-Infinity"));
