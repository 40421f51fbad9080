/** Which logged models a filter keeps, in which order. Where data sets are named, a metric counts only where it was measured on one of them. */
import {
  type Field,
  find,
  type Held,
  type Order,
  type Page,
  type PageAsked,
  parseFilter,
  parseOrder,
  type Vocabulary,
} from "../tracking/index.ts";
import type { LoggedModel } from "./logged-models.ts";

export interface MeasuredOn {
  readonly name: string;
  /** Default: any. */
  readonly digest?: string | undefined;
}

export interface LoggedModelSearch extends PageAsked {
  readonly experimentIds: readonly string[];
  /** MLflow's grammar and more, as for runs: attributes, `metrics.`, `params.`, `tags.`. */
  readonly filter?: string | undefined;
  readonly datasets?: readonly MeasuredOn[] | undefined;
  readonly orderBy?: readonly LoggedModelOrder[] | undefined;
}

export interface LoggedModelOrder {
  /** `metrics.auc`, `name`, `creation_timestamp`, ... */
  readonly field: string;
  readonly descending?: boolean | undefined;
  /** Of a metric: on what it was measured; default: the latest of any. */
  readonly dataset?: MeasuredOn | undefined;
}

const number = (key: string): Field => ({ entity: "attributes", key, type: "number" });
const text = (key: string): Field => ({ entity: "attributes", key, type: "text" });
const TEXTS = ["name", "model_id", "model_type", "status", "source_run_id", "experiment_id", "artifact_location"];
const CREATED = number("creation_timestamp");
const UPDATED = number("last_updated_timestamp");

const FIELDS: Vocabulary = {
  entities: {
    metrics: { entity: "metrics", type: "number" },
    params: { entity: "params", type: "numeric-text" },
    tags: { entity: "tags", type: "numeric-text" },
  },
  attributes: {
    ...Object.fromEntries(TEXTS.map((key) => [key, text(key)])),
    ...{ creation_timestamp: CREATED, creation_time: CREATED, creation_timestamp_ms: CREATED },
    ...{ last_updated_timestamp: UPDATED, last_updated_timestamp_ms: UPDATED },
  },
};

/** Errors: `tracking.filter`, `tracking.order`, `tracking.page`. */
export function searchModels(models: readonly LoggedModel[], search: LoggedModelSearch): Page<LoggedModel> {
  const { experimentIds, filter = "", datasets = [], orderBy = [] } = search;
  const order: Order[] = orderBy.map((one, index) => {
    const [{ field }] = parseOrder([one.field], FIELDS) as [Order];
    const isMeasured = field.entity === "metrics";
    return { field: isMeasured ? { ...field, entity: `order ${index}` } : field, descending: one.descending ?? false };
  });
  if (!order.some(({ field }) => field === CREATED)) order.push({ field: CREATED, descending: true });
  order.push({ field: text("model_id"), descending: false });
  return find<LoggedModel>({
    name: ["logged models", [...new Set(experimentIds)].sort(), filter, datasets, orderBy],
    groups: [{ items: models, read: reader(datasets, orderBy) }],
    filter: parseFilter(filter, FIELDS),
    order,
    search: { limit: search.limit ?? 100, pageToken: search.pageToken },
  });
}

/** For an order a metric is one value: its latest on the data set. */
const reader =
  (datasets: readonly MeasuredOn[], orderBy: readonly LoggedModelOrder[]) =>
  ({ entity, key }: Field): ((model: LoggedModel) => Held) => {
    if (entity === "attributes") return ATTRIBUTES[key]!;
    if (entity === "params") return ({ params }) => params[key];
    if (entity === "tags") return ({ tags }) => tags[key];
    if (entity === "metrics") return (model) => measured(model, key, datasets).map(({ value }) => value);
    const { dataset } = orderBy[Number(entity.slice("order ".length))]!;
    return (model) => measured(model, key, dataset ? [dataset] : []).reduce(later, undefined)?.value;
  };

type Metric = LoggedModel["metrics"][number];

const measured = ({ metrics }: LoggedModel, key: string, datasets: readonly MeasuredOn[]): Metric[] =>
  metrics.filter(
    (metric) =>
      metric.key === key &&
      (datasets.length === 0 ||
        datasets.some(
          ({ name, digest }) => metric.dataset?.name === name && (digest === undefined || metric.dataset.digest === digest),
        )),
  );

const later = (before: Metric | undefined, metric: Metric): Metric =>
  before !== undefined && before.timestamp > metric.timestamp ? before : metric;

const ATTRIBUTES: Readonly<Record<string, (model: LoggedModel) => Held>> = {
  name: ({ name }) => name,
  model_id: ({ id }) => id,
  model_type: ({ modelType }) => modelType,
  status: ({ status }) => status,
  source_run_id: ({ sourceRunId }) => sourceRunId,
  experiment_id: ({ experimentId }) => experimentId,
  artifact_location: ({ artifactUri }) => artifactUri,
  creation_timestamp: ({ createdAt }) => createdAt,
  last_updated_timestamp: ({ updatedAt }) => updatedAt,
};
