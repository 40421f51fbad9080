/** Objects that JSON names: digests as whole texts. A field `key` names a step, and not an object. */
import { type Digest, isDigest, type Json } from "../../base/index.ts";

export interface Named {
  readonly digest: Digest;
  /** Field path, as in `champion.trained`. */
  readonly at: string;
}

export function namedObjects(value: unknown, at = ""): Named[] {
  if (typeof value === "string") return isDigest(value) ? [{ digest: value, at }] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === "key" ? [] : namedObjects(inner, at === "" ? name : `${at}.${name}`),
  );
}

/** The same with other objects in the place of some. */
export function withObjects(value: Json, others: ReadonlyMap<string, Digest>): Json {
  if (typeof value === "string") return others.get(value) ?? value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((inner) => withObjects(inner, others));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === "key" ? inner : withObjects(inner!, others)]),
  );
}
