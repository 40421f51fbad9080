/**
 * What a source says now, what it said when it was last taken over, and what is here: which of the changes there are made here. A field that only the source
 * changed is changed; one that was changed here is left, and told each time until both agree.
 */
import { createHash } from "node:crypto";

/** Texts by the name of a field, as in `name` or `tag team`; a field that is absent there is absent here. */
export type Fields = ReadonlyMap<string, string>;

export interface Merged {
  readonly set: ReadonlyMap<string, string>;
  readonly without: readonly string[];
  /** Fields that differ, and were changed here. */
  readonly left: readonly string[];
  /** What is to be remembered: digests of what the source said where that is here. */
  readonly base: Fields;
}

export function mergeFields(base: Fields, theirs: Fields, ours: Fields): Merged {
  const set = new Map<string, string>();
  const without: string[] = [];
  const left: string[] = [];
  const next = new Map<string, string>();
  for (const field of new Set([...base.keys(), ...theirs.keys()])) {
    const [before, there, here] = [base.get(field), theirs.get(field), ours.get(field)];
    const [thereDigest, hereDigest] = [digestOf(there), digestOf(here)];
    const isLeft = thereDigest !== before && thereDigest !== hereDigest && hereDigest !== before;
    if (isLeft) left.push(field);
    else if (thereDigest !== before && thereDigest !== hereDigest) {
      if (there === undefined) without.push(field);
      else set.set(field, there);
    }
    const remembered = isLeft ? before : thereDigest;
    if (remembered !== undefined) next.set(field, remembered);
  }
  return { set, without, left, base: next };
}

const digestOf = (text: string | undefined): string | undefined => (text === undefined ? undefined : shortDigest(text));

/** 64 bits: enough to tell two values of one field apart. */
export const shortDigest = (text: string): string => createHash("sha256").update(text).digest("base64url").slice(0, 11);

export const sameFields = (one: Fields, other: Fields): boolean =>
  one.size === other.size && [...one].every(([field, value]) => other.get(field) === value);
