/** Which registered models and versions a filter keeps, in which order. */
import {
  type Field,
  type Filter,
  findPage,
  type Held,
  type Order,
  type Page,
  parseFilter,
  parseOrder,
  type Vocabulary,
} from "../../train/index.ts";
import type { RegisteredModel, RegisteredVersion, RegistrySearch } from "./registered.ts";

const number = (key: string): Field => ({ entity: "attributes", key, type: "number" });
const text = (key: string): Field => ({ entity: "attributes", key, type: "text" });
const TAGS = { entity: "tags", type: "numeric-text" } as const;
const entities = { tags: TAGS, tag: TAGS };

/** A prompt is a model with this tag: who asks for models is not shown those. */
const PROMPT = "mlflow.prompt.is_prompt";

const [NAME, VERSION, CREATED, UPDATED] = [
  text("name"),
  number("version_number"),
  number("creation_timestamp"),
  number("last_updated_timestamp"),
];
const times = { creation_timestamp: CREATED, last_updated_timestamp: UPDATED, timestamp: UPDATED };
const MODEL_FIELDS: Vocabulary = { entities, attributes: { name: NAME, ...times } };
const VERSION_FIELDS: Vocabulary = {
  entities,
  attributes: { name: NAME, version_number: VERSION, run_id: text("run_id"), source_path: text("source_path"), ...times },
};

/** Errors: `tracking.filter`, `tracking.order`, `tracking.page`. */
export function searchModels(models: readonly RegisteredModel[], search: RegistrySearch): Page<RegisteredModel> {
  const order = parseOrder(search.orderBy ?? [], MODEL_FIELDS);
  return searched("models", models, search, MODEL_FIELDS, completed(order, [{ field: NAME, descending: false }]), modelReader);
}

/** Errors: `tracking.filter`, `tracking.order`, `tracking.page`. */
export function searchVersions(versions: readonly RegisteredVersion[], search: RegistrySearch): Page<RegisteredVersion> {
  const given = parseOrder(search.orderBy ?? [], VERSION_FIELDS);
  const order = given.length > 0 ? given : [{ field: UPDATED, descending: true }];
  const ties = [
    { field: NAME, descending: false },
    { field: VERSION, descending: true },
  ];
  return searched("versions", versions, search, VERSION_FIELDS, completed(order, ties), versionReader);
}

const completed = (order: readonly Order[], ties: readonly Order[]): Order[] => [
  ...order,
  ...ties.filter(({ field }) => !order.some((one) => one.field === field)),
];

type Read<T> = (field: Field) => (item: T) => Held;

function searched<T extends { readonly tags: RegisteredModel["tags"] }>(
  what: string,
  items: readonly T[],
  { filter: text = "", orderBy = [], limit = 100, pageToken }: RegistrySearch,
  fields: Vocabulary,
  order: readonly Order[],
  read: Read<T>,
): Page<T> {
  const filter = parseFilter(text, fields);
  const shown = asksFor(filter, PROMPT) ? items : items.filter(({ tags }) => !isPrompt(tags));
  return findPage({
    name: [what, text, orderBy],
    groups: [{ items: shown, read }],
    ...{ filter, order, limitMax: 200_000 },
    search: { limit, pageToken },
  });
}

const asksFor = (filter: Filter, key: string): boolean =>
  filter.kind === "test"
    ? filter.field.entity === "tags" && filter.field.key === key
    : [filter.of].flat().some((one) => asksFor(one as Filter, key));

const isPrompt = (tags: RegisteredModel["tags"]): boolean => tags[PROMPT]?.toLowerCase() === "true";

/** What does not say that it is a prompt is none. */
const tagReader =
  (key: string) =>
  ({ tags }: { readonly tags: RegisteredModel["tags"] }): Held =>
    tags[key] ?? (key === PROMPT ? "false" : undefined);

const modelReader: Read<RegisteredModel> = ({ entity, key }) => {
  if (entity === "tags") return tagReader(key);
  if (key === "name") return ({ name }) => name;
  return key === "creation_timestamp" ? ({ createdAt }) => createdAt : ({ updatedAt }) => updatedAt;
};

const versionReader: Read<RegisteredVersion> = ({ entity, key }) =>
  entity === "tags" ? tagReader(key) : VERSION_ATTRIBUTES[key]!;

const VERSION_ATTRIBUTES: Readonly<Record<string, (version: RegisteredVersion) => Held>> = {
  name: ({ name }) => name,
  version_number: ({ version }) => version,
  run_id: ({ runId }) => runId,
  source_path: ({ source }) => source,
  creation_timestamp: ({ createdAt }) => createdAt,
  last_updated_timestamp: ({ updatedAt }) => updatedAt,
};
