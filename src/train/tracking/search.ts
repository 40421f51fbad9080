/** Searches for runs and experiments: their fields, and where each lies in the state. */

import type { Held } from "./evaluate.ts";
import { type Field, parseFilter, parseOrder, type Vocabulary } from "./filter.ts";
import { type Found, findAt, type ReadAt } from "./find.ts";
import type { ExperimentState, RunState, TrackingState } from "./state.ts";
import type { RunSearch, Search } from "./tracking.ts";

const number = (key: string): Field => ({ entity: "attributes", key, type: "number" });
const text = (key: string): Field => ({ entity: "attributes", key, type: "text" });

const METRICS = { entity: "metrics", type: "number" } as const;
const PARAMS = { entity: "params", type: "numeric-text" } as const;
const TAGS = { entity: "tags", type: "numeric-text" } as const;
const DATASETS = { entity: "datasets", type: "text", keys: ["name", "digest", "context"] } as const;

const RUN_FIELDS: Vocabulary = {
  entities: {
    ...{ metrics: METRICS, metric: METRICS },
    ...{ params: PARAMS, param: PARAMS, parameters: PARAMS, parameter: PARAMS },
    ...{ tags: TAGS, tag: TAGS, datasets: DATASETS, dataset: DATASETS },
  },
  attributes: {
    ...{ run_id: text("run_id"), status: text("status"), artifact_uri: text("artifact_uri"), user_id: text("user_id") },
    ...{ run_name: text("run_name"), "run name": text("run_name"), "Run name": text("run_name"), "Run Name": text("run_name") },
    ...{ start_time: number("start_time"), created: number("start_time"), Created: number("start_time") },
    end_time: number("end_time"),
  },
};

const EXPERIMENT_FIELDS: Vocabulary = {
  entities: { tags: TAGS, tag: TAGS },
  attributes: {
    name: text("name"),
    experiment_id: text("experiment_id"),
    creation_time: number("creation_time"),
    last_update_time: number("last_update_time"),
  },
};

/** Errors: `tracking.filter`, `tracking.order`, `tracking.page`. */
export function searchRuns(state: TrackingState, search: RunSearch): Found<RunState> {
  const asked = new Set(search.experimentIds);
  const experiments = [...asked].flatMap((id) => state.experiments.get(id) ?? []);
  const order = [...parseOrder(search.orderBy ?? [], RUN_FIELDS)];
  if (!order.some(({ field }) => field.key === "start_time" && field.entity === "attributes"))
    order.push({ field: number("start_time"), descending: true });
  order.push({ field: text("run_id"), descending: false });
  return findAt<RunState>({
    name: ["runs", [...asked].sort(), search.filter ?? "", search.view ?? "active", search.orderBy ?? []],
    groups: experiments.map((experiment) => ({ items: experiment.runs, readAt: runReader(experiment) })),
    filter: parseFilter(search.filter ?? "", RUN_FIELDS),
    ...{ order, search },
  });
}

/** Errors: `tracking.filter`, `tracking.order`, `tracking.page`. */
export function searchExperiments(state: TrackingState, search: Search): Found<ExperimentState> {
  const experiments = [...state.experiments.values()];
  const order = [...parseOrder(search.orderBy ?? [], EXPERIMENT_FIELDS)];
  const isDefault = order.length === 0;
  if (isDefault) order.push({ field: number("creation_time"), descending: true });
  if (!order.some(({ field }) => field.key === "experiment_id"))
    order.push({ field: { ...number("id"), entity: "own" }, descending: !isDefault });
  return findAt<ExperimentState>({
    name: ["experiments", search.filter ?? "", search.view ?? "active", search.orderBy ?? []],
    groups: [{ items: experiments, readAt: experimentReader(experiments) }],
    filter: parseFilter(search.filter ?? "", EXPERIMENT_FIELDS),
    ...{ order, search },
  });
}

const runReader =
  ({ runs, startedAt, metrics, params, runTags }: ExperimentState): ReadAt =>
  ({ entity, key }) => {
    if (entity === "attributes") {
      if (key === "start_time") return (at) => startedAt[at]!;
      const attribute = RUN_ATTRIBUTES[key]!;
      return (at) => attribute(runs[at]!);
    }
    if (entity === "datasets") return (at) => datasetValues(runs[at]!, key);
    const column = (entity === "metrics" ? metrics : entity === "params" ? params : runTags).get(key);
    return column ? (at) => column.value(at) : () => undefined;
  };

const RUN_ATTRIBUTES: Readonly<Record<string, (run: RunState) => Held>> = {
  run_id: ({ id }) => id,
  run_name: ({ name }) => name,
  status: ({ status }) => status,
  artifact_uri: (run) => run.artifactUri,
  user_id: ({ userId }) => userId,
  end_time: ({ endedAt }) => endedAt,
};

const datasetValues = ({ datasets }: RunState, key: string): Held =>
  datasets.flatMap(({ name, digest, tags }) =>
    key === "name" ? [name] : key === "digest" ? [digest] : tags.flatMap(([tag, value]) => (tag === CONTEXT ? [value] : [])),
  );

export const CONTEXT = "mlflow.data.context";

const experimentReader =
  (experiments: readonly ExperimentState[]): ReadAt =>
  ({ entity, key }) => {
    if (entity === "tags") return (at) => experiments[at]!.tags.get(key);
    if (entity === "own") return (at) => Number(experiments[at]!.id);
    const attribute = EXPERIMENT_ATTRIBUTES[key]!;
    return (at) => attribute(experiments[at]!);
  };

const EXPERIMENT_ATTRIBUTES: Readonly<Record<string, (experiment: ExperimentState) => Held>> = {
  name: ({ name }) => name,
  experiment_id: ({ id }) => id,
  creation_time: ({ createdAt }) => createdAt,
  last_update_time: ({ updatedAt }) => updatedAt,
};
