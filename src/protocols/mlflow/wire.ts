/** Forms that several operations share. */
import type { Fields } from "./fields.ts";
import { MlflowError } from "./mlflow-error.ts";

type Tags = Readonly<Record<string, string>>;

/** A list of {key, value} as an object; of a key that stands there twice the last value counts. */
export const toTags = (items: readonly Fields[]): Tags =>
  Object.fromEntries(items.map((item) => [item.text("key"), item.optionalText("value") ?? ""]));

export const fromTags = (tags: Tags) => Object.entries(tags).map(([key, value]) => ({ key, value }));

export const toKeyValues = (items: readonly Fields[]) =>
  items.map((item) => ({ key: item.text("key"), value: item.optionalText("value") ?? "" }));

/** The list that a client keeps in a tag as JSON; anybody may have written something else there, which then is no list. */
export function listIn(tag = "[]"): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(tag);
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

const VIEWS: Readonly<Record<string, "active" | "deleted" | "all">> = {
  ACTIVE_ONLY: "active",
  DELETED_ONLY: "deleted",
  ALL: "all",
};
const RESULTS_MAX = 50_000;
const RESULTS_DEFAULT = 1000;

/** What searches have in common. A view that is not known is the default one, as the peer's enum has it. */
export function toSearch(asked: Fields, view: string | undefined) {
  const limit = asked.optionalWhole("max_results") ?? RESULTS_DEFAULT;
  if (limit <= 0) throw resultCount(limit, "It must be a positive integer");
  if (limit > RESULTS_MAX) throw resultCount(limit, `It must be at most ${RESULTS_MAX}`);
  return {
    filter: asked.optionalText("filter"),
    orderBy: asked.texts("order_by"),
    view: VIEWS[view ?? ""] ?? ("active" as const),
    limit,
    pageToken: asked.optionalText("page_token") || undefined,
  };
}

export const resultCount = (count: number, rule: string) =>
  new MlflowError("INVALID_PARAMETER_VALUE", `Invalid value ${count} for parameter 'max_results' supplied. ${rule}`);
