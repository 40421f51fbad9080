/** What may be done to runs: each function plans one change on what is there. */
import { randomInt } from "node:crypto";
import { MillError, newId } from "../../base/index.ts";
import type { Statement } from "../../ports/records/index.ts";
import type { RunPatch } from "./change.ts";
import { datasetStatement } from "./datasets.ts";
import type { Draft, RunView } from "./draft.ts";
import { activeExperiment, unknownTag } from "./experiments.ts";
import { modelMetricStatements } from "./model-metrics.ts";
import type { PointBatch } from "./points.ts";
import { batchOf } from "./rows.ts";
import {
  checkDataset,
  checkedParams,
  checkedTags,
  checkMetrics,
  checkRun,
  checkRunChange,
  checkSizes,
  RUN_NAME,
  tagList,
} from "./rules.ts";
import type { DatasetInput, LogEntries, ModelLink, NewRun, RunChange } from "./tracking.ts";
import type { Plan, Planner } from "./writer.ts";

/** The new one's id. */
export function createRun(wanted: NewRun, nowMs: number): Planner<string> {
  const name = checkRun(wanted) || madeUpName();
  const tags = checkedTags(tagList(wanted.tags ?? {})).filter(([key]) => key !== RUN_NAME);
  const id = wanted.id ?? newId().replaceAll("-", "");
  return (draft) => {
    activeExperiment(draft, wanted.experimentId);
    if (draft.run(id))
      throw new MillError("tracking.run-exists", `There is a run ${id} already.`, {
        at: "run_id",
        got: id,
        fix: "Choose another id.",
      });
    const { experimentId, userId = "", startedAt = nowMs } = wanted;
    const birth = { experimentId, name, userId, status: "RUNNING", startedAt, deletedAt: null } as const;
    return { ...just({ run: id, ...birth, tags: [...tags, [RUN_NAME, name]] }), answer: id };
  };
}

export function updateRun(id: string, change: RunChange): Planner<void> {
  checkRunChange(change);
  const { status, endedAt, name } = change;
  return (draft) => {
    activeRun(draft, id);
    return just({
      run: id,
      ...(status !== undefined && { status }),
      ...(endedAt !== undefined && { endedAt }),
      ...(name ? { name, tags: [[RUN_NAME, name]] as const } : {}),
    });
  };
}

export const deleteRun =
  (id: string, nowMs: number): Planner<void> =>
  (draft) =>
    knownRun(draft, id).deletedAt === null ? just({ run: id, deletedAt: nowMs }) : NOTHING;

export const restoreRun =
  (id: string): Planner<void> =>
  (draft) =>
    knownRun(draft, id).deletedAt === null ? NOTHING : just({ run: id, deletedAt: null });

export function log(id: string, entries: LogEntries, isKnownKey: (key: string) => boolean): Planner<void> {
  const { metrics = [] } = entries;
  checkSizes(entries);
  const params = checkedParams(entries.params ?? []);
  const tags = checkedTags(entries.tags ?? []);
  checkMetrics(metrics, isKnownKey);
  const batch = metrics.length > 0 ? batchOf(metrics) : null;
  const statements = modelMetricStatements(id, metrics);
  return (draft) => {
    const run = activeRun(draft, id);
    const added = params.filter(([key, value]) => isNewParam(run, key, value));
    if (!batch && added.length === 0 && tags.length === 0) return NOTHING;
    const name = tags.findLast(([key]) => key === RUN_NAME)?.[1];
    const change: RunPatch = {
      run: id,
      ...(added.length > 0 && { params: added }),
      ...(tags.length > 0 && { tags }),
      ...(name && { name }),
      ...(batch && { metrics: batch.keys }),
    };
    return { ...just(change, batch), statements };
  };
}

export const deleteTag =
  (id: string, key: string): Planner<void> =>
  (draft) => {
    if (!activeRun(draft, id).hasTag(key)) throw unknownTag(key, `run ${id}`);
    return just({ run: id, tags: [[key, null]] });
  };

export function logInputs(id: string, datasets: readonly DatasetInput[], modelInputs: readonly ModelLink[]): Planner<void> {
  for (const [index, dataset] of datasets.entries()) checkDataset(dataset, index);
  const links = datasets.map(({ name, digest, tags }) => ({ name, digest, tags: Object.entries(tags) }));
  return (draft) => {
    const { experimentId } = activeRun(draft, id);
    if (links.length + modelInputs.length === 0) return NOTHING;
    const statements: Statement[] = datasets.map((dataset) => datasetStatement(experimentId, dataset));
    return { ...just({ run: id, datasets: links, modelInputs }), statements };
  };
}

export const logOutputs =
  (id: string, modelOutputs: readonly ModelLink[]): Planner<void> =>
  (draft) => {
    activeRun(draft, id);
    return modelOutputs.length > 0 ? just({ run: id, modelOutputs }) : NOTHING;
  };

function isNewParam(run: RunView, key: string, value: string): boolean {
  const before = run.param(key);
  if (before === undefined || before === value) return before === undefined;
  throw new MillError(
    "tracking.param-changed",
    `The parameter "${key}" of run ${run.id} has a value already, and parameters do not change.`,
    {
      at: key,
      expected: before,
      got: value,
      fix: "Log the new value under another key, or in another run.",
    },
  );
}

function activeRun(draft: Draft, id: string): RunView {
  const run = knownRun(draft, id);
  if (run.deletedAt === null) return run;
  throw new MillError("tracking.not-active", `The run ${id} is deleted.`, {
    at: "run_id",
    expected: "an active run",
    got: "deleted",
    fix: "Restore it first.",
  });
}

function knownRun(draft: Draft, id: string): RunView {
  const run = draft.run(id);
  if (!run) throw unknownRun(id);
  return run;
}

export const unknownRun = (id: string) =>
  new MillError("tracking.unknown-run", `There is no run "${id.slice(0, 200)}".`, {
    at: "run_id",
    got: id.slice(0, 200),
    fix: "Search for the runs that there are.",
  });

const just = (change: RunPatch, batch: PointBatch | null = null): Plan<void> => ({
  changes: [{ change, batch }],
  answer: undefined,
});
const NOTHING: Plan<void> = { changes: [], answer: undefined };

const QUALITIES =
  "able,bold,brisk,calm,clever,deep,eager,fair,fleet,gentle,glad,keen,kind,lively,merry,mild,nimble,noble,proud,quick,quiet,sharp,smart,steady,swift,wise";
const THINGS =
  "badger,brook,cedar,crane,dale,dove,elm,falcon,finch,fox,glade,hare,heron,lark,lynx,marten,meadow,mill,otter,owl,pine,raven,reed,seal,stoat,wren";

function madeUpName(): string {
  const one = (words: string) => words.split(",")[randomInt(26)]!;
  return `${one(QUALITIES)}-${one(THINGS)}-${randomInt(1000)}`;
}
