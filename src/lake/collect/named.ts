import type { Digest } from "../../base/index.ts";
import type { Objects } from "../../ports/objects/index.ts";
import type { Records } from "../../ports/records/index.ts";
import { createTree } from "../tree/create-tree.ts";
import { DigestSet } from "./digest-set.ts";
import { mark } from "./mark.ts";

/**
 * Every object that the records name, each once: what a collection would keep whatever its age. Stops with the first tree that cannot be read
 * (`object.missing`). `records` may be a snapshot, as long as no collection runs.
 */
export async function* namedObjects(records: Pick<Records, "query">, objects: Objects): AsyncGenerator<readonly Digest[]> {
  const named = new ListedSet();
  for await (const _ of mark(named, { records, tree: createTree(objects), ended: new Set(), freed: new Set() }))
    if (named.fresh.length > 0) yield named.fresh.splice(0);
  if (named.fresh.length > 0) yield named.fresh;
}

class ListedSet extends DigestSet {
  readonly fresh: Digest[] = [];

  override add(digest: Digest): boolean {
    const isNew = super.add(digest);
    if (isNew) this.fresh.push(digest);
    return isNew;
  }
}
