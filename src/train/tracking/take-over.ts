/** What was elsewhere, as it was there: ids, times and states are given, and what is deleted is changed all the same. Rules of names and texts hold as ever. */
import type { Statement } from "../../ports/records/index.ts";
import type { ExperimentChange, RunPatch, TagChange } from "./change.ts";
import { datasetStatement } from "./datasets.ts";
import { requireFree } from "./experiments.ts";
import { batchOf } from "./rows.ts";
import {
  checkDataset,
  checkExperimentName,
  checkExperimentTag,
  checkedParams,
  checkedTags,
  checkMetrics,
  checkRun,
} from "./rules.ts";
import type { DatasetInput, KeyValue, ModelLink, Point, RunStatus } from "./tracking.ts";
import type { Planner } from "./writer.ts";

/** Of a new one the id that it should have, else that which it has. What is absent stays as it is. */
export interface ExperimentTaken {
  readonly id: string;
  readonly isNew: boolean;
  readonly name?: string | undefined;
  readonly createdAt?: number | undefined;
  readonly updatedAt?: number | undefined;
  readonly deletedAt?: number | null | undefined;
  readonly tags?: readonly TagChange[] | undefined;
}

export interface RunTaken {
  readonly id: string;
  /** Of a new one. */
  readonly experimentId?: string | undefined;
  readonly name?: string | undefined;
  readonly userId?: string | undefined;
  readonly status?: RunStatus | undefined;
  readonly startedAt?: number | undefined;
  readonly endedAt?: number | undefined;
  readonly deletedAt?: number | null | undefined;
  readonly params?: readonly KeyValue[] | undefined;
  readonly tags?: readonly TagChange[] | undefined;
  readonly datasets?: readonly DatasetInput[] | undefined;
  readonly modelInputs?: readonly ModelLink[] | undefined;
  readonly modelOutputs?: readonly ModelLink[] | undefined;
  readonly points?: ReadonlyMap<string, readonly Point[]> | undefined;
}

/** Its id: that which was wanted, where it was free. */
export function takeExperiment(
  taken: ExperimentTaken,
  artifactRoot: string,
  also: (id: string) => readonly Statement[],
): Planner<string> {
  const { isNew, id: wanted, ...change } = taken;
  if (taken.name !== undefined) checkExperimentName(taken.name);
  for (const [key, value] of taken.tags ?? []) checkExperimentTag(key, value ?? "");
  return (draft) => {
    if (taken.name !== undefined && draft.experiment(wanted)?.name !== taken.name) requireFree(draft, taken.name);
    const isFree = /^[1-9]\d{0,31}$/.test(wanted) && !draft.experiment(wanted);
    const id = !isNew || isFree ? wanted : draft.nextExperimentId;
    const made: ExperimentChange = {
      experiment: id,
      ...given(change),
      ...(isNew && { artifactLocation: `${artifactRoot}/${id}` }),
    };
    return { changes: [{ change: made, batch: null }], statements: also(id), answer: id };
  };
}

export function takeRuns(runs: readonly RunTaken[], also: readonly Statement[]): Planner<void> {
  const changes = runs.map(toChange);
  const statements = [...changes.flatMap(({ statements }) => statements), ...also];
  return () => ({ changes, statements, answer: undefined });
}

function toChange({ id, points, datasets = [], params = [], tags = [], ...rest }: RunTaken) {
  checkRun({ id, experimentId: rest.experimentId ?? "", startedAt: rest.startedAt });
  checkedTags(tags.map(([key, value]) => ({ key, value: value ?? "" })));
  for (const [index, dataset] of datasets.entries()) checkDataset(dataset, index);
  const metrics = [...(points ?? [])].flatMap(([key, all]) => all.map((point) => ({ key, ...point })));
  checkMetrics(metrics, () => false);
  const batch = metrics.length > 0 ? batchOf(metrics) : null;
  const change: RunPatch = {
    run: id,
    ...given(rest),
    ...(params.length > 0 && { params: checkedParams(params) }),
    ...(tags.length > 0 && { tags }),
    ...(datasets.length > 0 && {
      datasets: datasets.map(({ name, digest, tags }) => ({ name, digest, tags: Object.entries(tags) })),
    }),
    ...(batch && { metrics: batch.keys }),
  };
  const statements = datasets.map((dataset) => datasetStatement(rest.experimentId!, dataset));
  return { change, batch, statements };
}

const given = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
