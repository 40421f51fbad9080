/**
 * The items that a filter keeps, in an order, a page at a time: one pass over all of them that keeps the first of what it has seen.
 *
 * A page ends at a place in the order, which its token names, so that what is written in between moves nothing from one page to another.
 */
import { compileFilter, type Held } from "./evaluate.ts";
import type { Field, Filter, Order } from "./filter.ts";
import { type Place, pageLimit, readToken, writeToken } from "./page.ts";
import type { Search } from "./tracking.ts";

const PAGE_MAX = 50_000;
const PAGE_DEFAULT = 1000;

/** What the item in a place of its group has in a field: a number for a place, so that columns are read without a look at the item. */
export type ReadAt = (field: Field) => (at: number) => Held;

interface QueryOf<Group> {
  /** What a page token belongs to. */
  readonly name: readonly unknown[];
  readonly groups: readonly Group[];
  readonly filter: Filter;
  /** Its last field tells any two items apart. */
  readonly order: readonly Order[];
  readonly search: Search;
  /** Entries of a page; default 50,000. */
  readonly limitMax?: number;
}

export type Query<T> = QueryOf<{ readonly items: readonly T[]; readonly read: (field: Field) => (item: T) => Held }>;

export interface Found<T> {
  readonly items: T[];
  readonly nextPageToken: string | null;
}

/** Errors: `tracking.page`. */
export const find = <T extends object>({ groups, ...query }: Query<T>): Found<T> =>
  findAt({
    ...query,
    groups: groups.map(({ items, read }) => ({
      items,
      readAt: (field) => {
        const held = read(field);
        return (at) => held(items[at]!);
      },
    })),
  });

/** What says neither is there. */
interface Deletable {
  readonly deletedAt?: number | null;
  /** Gone for good: in no view. */
  readonly purged?: boolean;
}

interface Candidate<T> {
  readonly item: T;
  readonly places: readonly Held[];
}

export function findAt<T extends object>(query: QueryOf<{ readonly items: readonly T[]; readonly readAt: ReadAt }>): Found<T> {
  const { name, groups, filter, order, search, limitMax = PAGE_MAX } = query;
  const { view = "active", pageToken } = search;
  const limit = pageLimit(search.limit ?? PAGE_DEFAULT, limitMax);
  const after = pageToken
    ? readToken(pageToken, name, order.length).map((place, index) => fromPlace(place, order[index]!.field))
    : null;
  const compare = (a: readonly Held[], b: readonly Held[]) => comparePlaces(a, b, order);
  const best = createBest<T>(limit + 1, (a, b) => compare(a.places, b.places));
  for (const { items, readAt } of groups) {
    const holds = compileFilter(filter, readAt);
    const readers = order.map(({ field }) => readAt(field));
    const first = readers[0]!;
    // From the end, because those made last often come first, and the others are then passed over quickly.
    for (let at = items.length - 1; at >= 0; at--) {
      if (!holds(at)) continue;
      const worst = best.worst();
      if (worst && compareOne(first(at), worst.places[0], order[0]!) > 0) continue;
      const item = items[at]!;
      const { deletedAt = null, purged = false }: Deletable = item;
      if (purged || (view !== "all" && (deletedAt !== null) !== (view === "deleted"))) continue;
      const places = readers.map((reader) => reader(at));
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
  if (typeof a === "number" && typeof b === "number") {
    const difference = a - b;
    if (difference < 0 || difference > 0) return descending ? -difference : difference;
  }
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
