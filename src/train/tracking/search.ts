/**
 * The runs or experiments that a filter keeps, in an order, a page at a time: one pass over columns in memory that keeps the best of what it has seen.
 *
 * A page ends at a place in the order, which its token names, so that what is written in between moves nothing from one page to another.
 */
import { compileFilter, type Held } from "./evaluate.ts";
import { type Field, type Filter, type Order, parseFilter, parseOrder, type Vocabulary } from "./filter.ts";
import { type Place, pageLimit, readToken, writeToken } from "./page.ts";
import type { ExperimentState, RunState, TrackingState } from "./state.ts";
import type { RunSearch, Search } from "./tracking.ts";

const PAGE_MAX = 50_000;
const PAGE_DEFAULT = 1000;

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

export interface Found<T> {
  readonly items: T[];
  readonly nextPageToken: string | null;
}

/** Errors: `tracking.filter`, `tracking.order`, `tracking.page`. */
export function searchRuns(state: TrackingState, search: RunSearch): Found<RunState> {
  const asked = new Set(search.experimentIds);
  const experiments = [...asked].flatMap((id) => state.experiments.get(id) ?? []);
  const order = [...parseOrder(search.orderBy ?? [], RUN_FIELDS)];
  if (!order.some(({ field }) => field.key === "start_time" && field.entity === "attributes"))
    order.push({ field: number("start_time"), descending: true });
  order.push({ field: text("run_id"), descending: false });
  return find<RunState>({
    name: ["runs", [...asked].sort(), search.filter ?? "", search.view ?? "active", search.orderBy ?? []],
    groups: experiments.map((experiment) => ({
      items: experiment.runs.toReversed(), // those of the end often come first, and the others are then passed over
      read: runReader(experiment),
    })),
    filter: parseFilter(search.filter ?? "", RUN_FIELDS),
    ...{ order, search },
  });
}

/** Errors: `tracking.filter`, `tracking.order`, `tracking.page`. */
export function searchExperiments(state: TrackingState, search: Search): Found<ExperimentState> {
  const order = [...parseOrder(search.orderBy ?? [], EXPERIMENT_FIELDS)];
  const isDefault = order.length === 0;
  if (isDefault) order.push({ field: number("creation_time"), descending: true });
  if (!order.some(({ field }) => field.key === "experiment_id"))
    order.push({ field: { ...number("id"), entity: "own" }, descending: !isDefault });
  return find<ExperimentState>({
    name: ["experiments", search.filter ?? "", search.view ?? "active", search.orderBy ?? []],
    groups: [{ items: state.experiments.values(), read: readExperiment }],
    filter: parseFilter(search.filter ?? "", EXPERIMENT_FIELDS),
    ...{ order, search },
  });
}

type Read<T> = (field: Field) => (item: T) => Held;

export interface Query<T> {
  /** What a page token belongs to. */
  readonly name: readonly unknown[];
  readonly groups: readonly { readonly items: Iterable<T>; readonly read: Read<T> }[];
  readonly filter: Filter;
  /** Its last field tells any two items apart. */
  readonly order: readonly Order[];
  readonly search: Search;
  /** Default 50,000. */
  readonly limitMax?: number;
}

interface Candidate<T> {
  readonly item: T;
  readonly places: readonly Held[];
}

/** Errors: `tracking.page`. */
export function find<T extends { readonly deletedAt: number | null }>({
  name,
  groups,
  filter,
  order,
  search,
  limitMax = PAGE_MAX,
}: Query<T>): Found<T> {
  const { view = "active", pageToken } = search;
  const limit = pageLimit(search.limit ?? PAGE_DEFAULT, limitMax);
  const after = pageToken
    ? readToken(pageToken, name, order.length).map((place, index) => fromPlace(place, order[index]!.field))
    : null;
  const compare = (a: readonly Held[], b: readonly Held[]) => comparePlaces(a, b, order);
  const best = createBest<T>(limit + 1, (a, b) => compare(a.places, b.places));
  for (const { items, read } of groups) {
    const holds = compileFilter(filter, read);
    const readers = order.map(({ field }) => read(field));
    const first = readers[0]!;
    for (const item of items) {
      if (view !== "all" && (item.deletedAt !== null) !== (view === "deleted")) continue;
      if (!holds(item)) continue;
      const worst = best.worst();
      if (worst && compareOne(first(item), worst.places[0], order[0]!) > 0) continue;
      const places = readers.map((reader) => reader(item));
      if (after === null || compare(places, after) > 0) best.offer({ item, places });
    }
  }
  const found = best.sorted();
  const page = found.slice(0, limit);
  return {
    items: page.map(({ item }) => item),
    nextPageToken: found.length > limit ? writeToken(name, page.at(-1)!.places.map(toPlace)) : null,
  };
}

function comparePlaces(a: readonly Held[], b: readonly Held[], order: readonly Order[]): number {
  for (let at = 0; at < order.length; at++) {
    const difference = compareOne(a[at], b[at], order[at]!);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Nothing comes last, and NaN before it, whatever the direction. */
function compareOne(a: Held, b: Held, { descending }: Order): number {
  const classes = classOf(a) - classOf(b);
  if (classes !== 0 || classOf(a) > 0) return classes;
  const difference = a! < b! ? -1 : a! > b! ? 1 : 0;
  return descending ? -difference : difference;
}

const classOf = (held: Held) =>
  held === undefined || held === null ? 2 : typeof held === "number" && Number.isNaN(held) ? 1 : 0;

const toPlace = (held: Held): Place => (held === undefined || held === null ? null : String(held));
const fromPlace = (place: Place, { type }: Field): Held => (place !== null && type === "number" ? Number(place) : place);

interface Best<T> {
  /** The last of those that are kept, once there are as many as are wanted. */
  worst(): Candidate<T> | undefined;
  offer(candidate: Candidate<T>): void;
  sorted(): Candidate<T>[];
}

/** The first `count` in an order: a heap with the last of them on top. */
function createBest<T>(count: number, compare: (a: Candidate<T>, b: Candidate<T>) => number): Best<T> {
  const heap: Candidate<T>[] = [];
  return {
    worst: () => (heap.length === count ? heap[0] : undefined),
    offer(candidate) {
      if (heap.length < count) {
        heap.push(candidate);
        rise(heap.length - 1);
      } else if (compare(candidate, heap[0]!) < 0) {
        heap[0] = candidate;
        sink();
      }
    },
    sorted: () => heap.toSorted(compare),
  };

  function rise(at: number): void {
    for (let above = (at - 1) >> 1; at > 0 && compare(heap[above]!, heap[at]!) < 0; at = above, above = (at - 1) >> 1)
      [heap[above], heap[at]] = [heap[at]!, heap[above]!];
  }

  function sink(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= heap.length) return;
      const below = left + 1 < heap.length && compare(heap[left + 1]!, heap[left]!) > 0 ? left + 1 : left;
      if (compare(heap[below]!, heap[at]!) <= 0) return;
      [heap[below], heap[at]] = [heap[at]!, heap[below]!];
      at = below;
    }
  }
}

const runReader =
  ({ metrics, params, runTags }: ExperimentState): Read<RunState> =>
  ({ entity, key }) => {
    if (entity === "attributes") return RUN_ATTRIBUTES[key]!;
    if (entity === "datasets") return datasetReader(key);
    const column = (entity === "metrics" ? metrics : entity === "params" ? params : runTags).get(key);
    return column ? ({ row }) => column.value(row) : () => undefined;
  };

const RUN_ATTRIBUTES: Readonly<Record<string, (run: RunState) => Held>> = {
  run_id: ({ id }) => id,
  run_name: ({ name }) => name,
  status: ({ status }) => status,
  artifact_uri: (run) => run.artifactUri,
  user_id: ({ userId }) => userId,
  start_time: ({ startedAt }) => startedAt,
  end_time: ({ endedAt }) => endedAt,
};

const datasetReader =
  (key: string) =>
  ({ datasets }: RunState): Held =>
    datasets.flatMap(({ name, digest, tags }) =>
      key === "name" ? [name] : key === "digest" ? [digest] : tags.flatMap(([tag, value]) => (tag === CONTEXT ? [value] : [])),
    );

export const CONTEXT = "mlflow.data.context";

const readExperiment: Read<ExperimentState> = ({ entity, key }) => {
  if (entity === "tags") return ({ tags }) => tags.get(key);
  if (entity === "own") return ({ id }) => Number(id);
  return EXPERIMENT_ATTRIBUTES[key]!;
};

const EXPERIMENT_ATTRIBUTES: Readonly<Record<string, (experiment: ExperimentState) => Held>> = {
  name: ({ name }) => name,
  experiment_id: ({ id }) => id,
  creation_time: ({ createdAt }) => createdAt,
  last_update_time: ({ updatedAt }) => updatedAt,
};
