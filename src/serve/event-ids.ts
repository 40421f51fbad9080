/**
 * The clients' own ids of events, so that a batch that is sent again is not fed again. In memory, the newest 100,000 to 200,000 of an endpoint: two
 * sets, the older of which goes when the younger is full. A row that is sent again later than that is fed again.
 */
export interface EventIds {
  /** Whether the id is taken; a promise where its row is still being written: it fails as the writing fails. */
  taken(id: string): boolean | Promise<void>;
  /** Takes ids while their rows are written, and for good once they are. */
  take(ids: readonly string[], written: Promise<void>): void;
}

export const IDS_KEPT = 100_000;

/** `known`: those on record, oldest first. */
export function createEventIds(known: Iterable<string> = [], kept = IDS_KEPT): EventIds {
  let [older, younger] = [new Set<string>(), new Set<string>()];
  const beingWritten = new Map<string, Promise<void>>();
  const remember = (id: string) => {
    if (younger.size >= kept) [older, younger] = [younger, new Set()];
    younger.add(id);
  };
  for (const id of known) remember(id);
  return {
    taken: (id) => beingWritten.get(id) ?? (younger.has(id) || older.has(id)),
    take(ids, written) {
      for (const id of ids) beingWritten.set(id, written);
      const end = (then: (id: string) => void) => {
        for (const id of ids) {
          beingWritten.delete(id);
          then(id);
        }
      };
      written.then(
        () => end(remember),
        () => end(() => undefined),
      );
    },
  };
}
