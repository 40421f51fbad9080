/** Experiments and runs on the records: a log of changes, the state in memory that they make, and rows that the log is folded into. */
import type { Records } from "../../ports/records/index.ts";
import { readInputs } from "./datasets.ts";
import * as experiments from "./experiments.ts";
import { type FoldLimits, fold } from "./fold.ts";
import { readCurve, readHistory, type Series } from "./history.ts";
import { readModelMetrics } from "./model-metrics.ts";
import { deletedBefore, purgeExperiments, purgeRuns } from "./purge.ts";
import { createReplica } from "./replica.ts";
import { badValue } from "./rules.ts";
import * as runs from "./runs.ts";
import { CONTEXT, searchExperiments, searchRuns } from "./search.ts";
import { contentsOf, type RunState } from "./state.ts";
import { takeExperiment, takeRuns } from "./take-over.ts";
import type { Comparison, DatasetInput, DatasetSummary, Run, Tracking } from "./tracking.ts";
import { createWriter, type Planner } from "./writer.ts";

export interface TrackingResources {
  readonly records: Records;
  /** Where artifacts lie whose experiment names no place; default `mlflow-artifacts:`. */
  readonly artifactRoot?: string;
  readonly clock?: () => number;
  /** When the log is folded into rows. */
  readonly folding?: Partial<FoldingLimits>;
}

interface FoldingLimits extends FoldLimits {
  readonly afterMs: number;
  /** Points and changed runs of the log that are folded at once. */
  readonly points: number;
  readonly runs: number;
}

const FOLDING: FoldingLimits = { afterMs: 10_000, points: 250_000, runs: 2000, changes: 10_000, chunkPoints: 131_072 };
/** How far folding may fall behind before writers wait for it: so many times what is folded at once. */
const BEHIND_MAX = 16;
const COMPARED_MAX = 1000;
const PURGED_AT_ONCE = 500;

/** What is known is read when it is first asked for. */
export function createTracking({
  records,
  artifactRoot = "mlflow-artifacts:",
  clock = Date.now,
  ...rest
}: TrackingResources): Tracking {
  const limits = { ...FOLDING, ...rest.folding };
  const replica = createReplica(records);
  const { state } = replica;
  const writer = createWriter(records, replica, foldWhenDue);
  let begun: Promise<void> | null = null;
  let folding: Promise<number> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  return {
    createExperiment: async (wanted) => experiment(await write(experiments.createExperiment(wanted, artifactRoot, clock()))),
    experiment: async (id) => {
      await fresh();
      return experiment(id);
    },
    experimentNamed: async (name) => {
      await fresh();
      return experiment(state.experimentsByName.get(name)?.id ?? name);
    },
    renameExperiment: (id, name) => write(experiments.renameExperiment(id, name, clock())),
    deleteExperiment: (id) => write(experiments.deleteExperiment(id, clock())),
    restoreExperiment: (id) => write(experiments.restoreExperiment(id, clock())),
    setExperimentTag: (id, key, value) => write(experiments.setExperimentTag(id, key, value, clock())),
    deleteExperimentTag: (id, key) => write(experiments.deleteExperimentTag(id, key, clock())),
    searchExperiments: async (search = {}) => {
      await fresh();
      const { items, nextPageToken } = searchExperiments(state, search);
      return { items: items.map(experiments.toExperiment), nextPageToken };
    },

    createRun: async (wanted) => run(await write(runs.createRun(wanted, clock()))),
    run: async (id) => {
      await fresh();
      return run(id);
    },
    runs: async (ids) => {
      await fresh();
      return withInputs(ids.flatMap((id) => state.runs.get(id) ?? []).filter(({ purged }) => !purged));
    },
    updateRun: async (id, change) => {
      await write(runs.updateRun(id, change));
      return run(id);
    },
    deleteRun: (id) => write(runs.deleteRun(id, clock())),
    restoreRun: (id) => write(runs.restoreRun(id)),
    log: async (id, entries) => {
      const known = state.runs.get(id)?.experiment.metrics;
      return write(runs.log(id, entries, (key) => known?.has(key) === true));
    },
    deleteTag: (id, key) => write(runs.deleteTag(id, key)),
    logInputs: async (id, { datasets = [], models = [] }) => write(runs.logInputs(id, datasets, models)),
    logOutputs: (id, models) => write(runs.logOutputs(id, models)),
    searchRuns: async (search) => {
      await fresh();
      const { items, nextPageToken } = searchRuns(state, search);
      return { items: await withInputs(items), nextPageToken };
    },

    history: async (asked) => readHistory(records, await series(asked), asked),
    curve: async ({ pointsMax, steps = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }, ...asked }) =>
      readCurve(records, await series(asked), pointsMax, steps),
    compare: async (ids) => {
      if (ids.length > COMPARED_MAX) throw badValue("run_ids", `at most ${COMPARED_MAX} runs`, String(ids.length));
      await fresh();
      return compared(ids.map(known));
    },
    datasets: async (ids) => {
      await fresh();
      return datasetsOf(ids.flatMap((id) => state.experiments.get(id)?.runs ?? []));
    },
    deletedBefore: async (at) => {
      await fresh();
      return deletedBefore(state, at);
    },
    purge: async ({ runIds, experimentIds }) => {
      const done = { runIds: [] as string[], experimentIds: [] as string[] };
      for (let from = 0; from < runIds.length; from += PURGED_AT_ONCE)
        done.runIds.push(...(await write(purgeRuns(runIds.slice(from, from + PURGED_AT_ONCE)))));
      done.experimentIds.push(...(await write(purgeExperiments(experimentIds, state))));
      for (const target = state.last; (await foldNow()) < target; );
      return done;
    },
    modelMetrics: (ids) => readModelMetrics(records, ids),

    takeExperiment: (experiment, also) => write(takeExperiment(experiment, artifactRoot, also)),
    takeRuns: (taken, also) => write(takeRuns(taken, also)),

    fold: async () => {
      await fresh();
      for (const target = state.last; (await foldNow()) < target; );
    },
    close: async () => {
      closed = true;
      await writer.idle();
      if (timer) clearTimeout(timer);
      await folding?.catch(() => undefined);
    },
  };

  async function write<T>(plan: Planner<T>): Promise<T> {
    await begin();
    return writer.write(plan);
  }

  async function fresh(): Promise<void> {
    await begin();
    await replica.fresh();
  }

  /** There is always the experiment "0". */
  function begin(): Promise<void> {
    begun ??= replica
      .fresh()
      .then(() => writer.write(experiments.defaultExperiment(artifactRoot, clock())))
      .catch((error) => {
        begun = null;
        throw error;
      });
    return begun;
  }

  function experiment(id: string) {
    const found = state.experiments.get(id);
    if (!found || found.purged) throw experiments.unknownExperiment(id);
    return experiments.toExperiment(found);
  }

  function known(id: string): RunState {
    const found = state.runs.get(id);
    if (!found || found.purged) throw runs.unknownRun(id);
    return found;
  }

  async function run(id: string): Promise<Run> {
    return (await withInputs([known(id)]))[0]!;
  }

  async function withInputs(found: readonly RunState[]): Promise<Run[]> {
    const bare = found.map(toRun);
    if (found.every(({ datasets }) => datasets.length === 0)) return bare;
    const inputs = await readInputs(records, found);
    return bare.map((one, at) => ({ ...one, datasets: inputs.get(found[at]!)! }));
  }

  async function series({ runId, key }: { readonly runId: string; readonly key: string }): Promise<Series> {
    await fresh();
    return { runId, key, recent: [...(state.recent.get(known(runId)) ?? [])] };
  }

  function foldWhenDue(): Promise<unknown> | null {
    if (behind() >= 1) keepUp();
    else
      timer ??= setTimeout(() => {
        timer = null;
        if (state.groupEnds.length > 0 && !closed) foldNow().catch(() => undefined); // the log keeps it, and the next write asks again
      }, limits.afterMs).unref();
    return behind() >= BEHIND_MAX ? folding : null;
  }

  /** How many times what is folded at once waits for it. */
  function behind(): number {
    return Math.max(state.recentPointCount / limits.points, state.changedRuns.size / limits.runs);
  }

  function keepUp(): void {
    if (folding || closed) return;
    foldNow().then(
      () => behind() >= 1 && keepUp(),
      () => undefined,
    );
  }

  function foldNow(): Promise<number> {
    folding ??= fold(records, replica, limits).finally(() => {
      folding = null;
    });
    return folding;
  }
}

function toRun(run: RunState): Run {
  const { id, name, userId, status, startedAt, endedAt, deletedAt, artifactUri, modelInputs, modelOutputs } = run;
  const { params, tags, metrics } = contentsOf(run);
  return {
    ...{ id, name, userId, status, startedAt, endedAt, deletedAt, artifactUri, metrics, modelInputs, modelOutputs },
    experimentId: run.experiment.id,
    params: Object.fromEntries(params),
    tags: Object.fromEntries(tags),
    datasets: [] as DatasetInput[],
  };
}

function compared(of: readonly RunState[]): Comparison {
  const metrics = new Map<string, (number | null)[]>();
  const params = new Map<string, (string | null)[]>();
  for (const [at, run] of of.entries())
    for (const column of run.columns)
      if (column.kind === "metrics") cells(metrics, column.key)[at] = column.value(run.row)!;
      else if (column.kind === "params") cells(params, column.key)[at] = column.value(run.row)!;
  return { runIds: of.map(({ id }) => id), metrics: Object.fromEntries(metrics), params: Object.fromEntries(params) };

  function cells<T>(columns: Map<string, (T | null)[]>, key: string): (T | null)[] {
    const column = columns.get(key) ?? new Array(of.length).fill(null);
    columns.set(key, column);
    return column;
  }
}

function datasetsOf(of: readonly RunState[]): DatasetSummary[] {
  const found = new Map<string, DatasetSummary>();
  for (const { experiment, datasets } of of)
    for (const { name, digest, tags } of datasets) {
      const context = tags.find(([key]) => key === CONTEXT)?.[1] ?? null;
      found.set(JSON.stringify([experiment.id, name, digest, context]), { experimentId: experiment.id, name, digest, context });
    }
  return [...found.values()];
}
