/** Short lists, paged as every list of the platform is. */

interface Asked {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** The items behind the cursor, which is the key of the last one before; none behind a key that is not there. */
export function pageBy<T>(all: readonly T[], keyOf: (item: T) => string, { limit = all.length, cursor }: Asked) {
  const before = cursor === undefined ? -1 : all.findIndex((item) => keyOf(item) === cursor);
  const from = cursor !== undefined && before === -1 ? all.length : before + 1;
  const items = all.slice(from, from + limit);
  return { items, next: from + items.length < all.length ? keyOf(items.at(-1)!) : null };
}

/** Milliseconds since 1970 as the wire has them. */
export const toInstant = <T extends number | null>(atMs: T) =>
  (atMs === null ? null : new Date(atMs).toISOString()) as T extends null ? null : string;
