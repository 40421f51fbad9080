import type { KeyValue } from "../tracking/index.ts";
import type { Left, Outcome } from "./imports.ts";
import { type Fields, type Merged, sameFields } from "./merge.ts";

/** How a tag is named among fields. */
export const tagField = (key: string): string => `tag ${key}`;

/** The tags among fields that change; null takes one away. */
export const tagChanges = ({ set, without }: Pick<Merged, "set" | "without">): [string, string | null][] => [
  ...[...set].flatMap(([field, value]): [string, string][] => (field.startsWith("tag ") ? [[field.slice(4), value]] : [])),
  ...without.flatMap((field): [string, null][] => (field.startsWith("tag ") ? [[field.slice(4), null]] : [])),
];

export const tagFields = (tags: readonly KeyValue[]): [string, string][] => tags.map(({ key, value }) => [tagField(key), value]);

export const leftOf = ({ left }: Merged): Left[] =>
  left.map((what) => ({ what, why: "it is different here, and was not so when it was last taken over" }));

export const outcomeOf = (isNew: boolean, changes: number): Outcome => (isNew ? "new" : changes > 0 ? "changed" : "same");

/** Whether there is something to write: also what is remembered of something that stays as it is. */
export const isWritten = (outcome: Outcome, before: Fields | undefined, after: Fields): boolean =>
  outcome !== "same" || before === undefined || !sameFields(before, after);

export const changesOf = ({ set, without }: Merged): number => set.size + without.length;

/** Those that are kept; the others are told. */
export function kept(entries: readonly KeyValue[], what: string, refusal: (entry: KeyValue) => string | null, left: Left[]) {
  return entries.filter((entry) => {
    const why = refusal(entry);
    if (why !== null) left.push({ what: `${what} ${entry.key.slice(0, 100)}`, why });
    return why === null;
  });
}

/** Of a thing that was taken over and is gone: nothing brings it back but somebody here. */
export const TAKEN_AWAY: Left = { what: "all", why: "it was taken away here" };
