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

export const outcomeOf = (isNew: boolean, changes: boolean, before: Fields | undefined, after: Fields): Outcome =>
  isNew ? "new" : changes || before === undefined || !sameFields(before, after) ? "changed" : "same";

/** Those that are kept; the others are told. */
export function kept(entries: readonly KeyValue[], what: string, refusal: (entry: KeyValue) => string | null, left: Left[]) {
  return entries.filter((entry) => {
    const why = refusal(entry);
    if (why !== null) left.push({ what: `${what} ${entry.key.slice(0, 100)}`, why });
    return why === null;
  });
}
