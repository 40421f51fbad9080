/** Forms that several operations share. */
import type { ForeignReply } from "../route.ts";
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

/** What searches have in common. */
export const toSearch = (asked: Fields, sizes: PageSizes) => ({
  filter: asked.optionalText("filter"),
  orderBy: asked.texts("order_by"),
  limit: pageSize(asked, sizes),
  pageToken: asked.optionalText("page_token") || undefined,
});

/** Of what may be deleted. A view that is not known is the default one, as the peer's enum has it. */
export const toViewedSearch = (asked: Fields, view: string | undefined) => ({
  ...toSearch(asked, { byDefault: 1000, max: 50_000 }),
  view: VIEWS[view ?? ""] ?? ("active" as const),
});

export interface PageSizes {
  readonly byDefault: number;
  readonly max: number;
  /** 0 is the default as well. */
  readonly zeroIsDefault?: true;
}

export function pageSize(asked: Fields, { byDefault, max, zeroIsDefault }: PageSizes): number {
  const said = asked.optionalWhole("max_results") ?? byDefault;
  const size = said === 0 && zeroIsDefault ? byDefault : said;
  if (size >= 1 && size <= max) return size;
  throw resultCount(size, size < 1 ? "It must be a positive integer" : `It must be at most ${max}`);
}

export const resultCount = (count: number, rule: string) =>
  new MlflowError("INVALID_PARAMETER_VALUE", `Invalid value ${count} for parameter 'max_results' supplied. ${rule}`);

/** A list that is empty is left out. */
export const some = <T>(name: string, items: readonly T[]) => (items.length === 0 ? {} : { [name]: items });
export const next = (token: string | null) => (token === null ? {} : { next_page_token: token });
export const someTags = (tags: Tags, name = "tags") => some(name, fromTags(tags));

export const json = (body: object): ForeignReply => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
