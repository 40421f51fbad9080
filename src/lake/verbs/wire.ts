import type { OutputOf } from "../../contract/index.ts";
import type { Entry } from "../repositories/entry.ts";
import type { Page } from "../repositories/repository.ts";

type EntryOnWire = NonNullable<OutputOf<"listObjects">["items"][number]["entry"]>;

export const entryOnWire = ({ digest, sizeBytes, etag, modifiedMs, contentType, metadata }: Entry): EntryOnWire => ({
  digest,
  sizeBytes,
  etag,
  modifiedAt: instant(modifiedMs),
  ...(contentType !== undefined && { contentType }),
  ...(metadata !== undefined && { metadata }),
});

export const instant = (ms: number): string => new Date(ms).toISOString();

/** A page as it was asked for; one more is read, to know whether more follow. */
export interface AskedPage {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export const toPage = ({ limit, cursor }: AskedPage): Page => ({
  limit: limit! + 1,
  ...(cursor !== undefined && { after: cursor }),
});

/** `found` was read with `toPage`. */
export function pageOf<T>(found: readonly T[], { limit }: AskedPage, cursorOf: (item: T) => string) {
  const items = found.slice(0, limit!);
  return { items, next: found.length > limit! ? cursorOf(items.at(-1)!) : null };
}
