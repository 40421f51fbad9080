/**
 * A version of a data set as the tree of a commit:
 *
 *     manifest.json   part-0.parquet   part-1.parquet   ...   quarantine.parquet (only with refused rows)
 *
 * The manifest says what the version is; the files are there for people and their tools. What else lies on the branch is left as it is.
 */
import type { Digest } from "../base/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import { decodeEntry } from "./repositories/encode-entry.ts";
import type { Change, Entry } from "./repositories/entry.ts";
import { PARQUET_TYPE, storedEntry } from "./stored-entry.ts";
import type { Tree } from "./tree/tree.ts";
import type { VersionManifest } from "./versions.ts";

export const MANIFEST = "manifest.json";
export const QUARANTINE = "quarantine.parquet";
const PART = /^part-(\d{1,9})\.parquet$/;

/** The files of a version that a tree has, by path. */
export async function readFiles(tree: Tree, root: Digest): Promise<Map<string, Entry>> {
  const files = new Map<string, Entry>();
  for (const prefix of [MANIFEST, "part-", QUARANTINE])
    for await (const batch of tree.scan(root, { prefix }))
      for (const { path, value } of batch)
        if (path === MANIFEST || path === QUARANTINE || PART.test(path)) files.set(path, decodeEntry(value));
  return files;
}

/** Digests of the parts, in the order of their numbers. */
export const partsOf = (files: ReadonlyMap<string, Entry>): Digest[] =>
  [...files]
    .flatMap(([path, { digest }]) => (PART.test(path) ? [{ digest, number: Number(PART.exec(path)![1]) }] : []))
    .sort((a, b) => a.number - b.number)
    .map(({ digest }) => digest);

/** What makes a version of the files that are there; a file that stays is not read. Errors: `object.missing`. */
export async function changesTo(
  before: ReadonlyMap<string, Entry>,
  manifest: Digest,
  { parts, quarantine }: VersionManifest,
  objects: Objects,
  nowMs: number,
): Promise<Change[]> {
  const wanted = new Map<string, { readonly digest: Digest; readonly type: string }>([
    [MANIFEST, { digest: manifest, type: "application/json" }],
    ...parts.map(({ digest }, index) => [`part-${index}.parquet`, { digest, type: PARQUET_TYPE }] as const),
    ...(quarantine ? [[QUARANTINE, { digest: quarantine, type: PARQUET_TYPE }] as const] : []),
  ]);
  const known = new Map([...before.values()].map((entry) => [entry.digest, entry]));
  const changes: Change[] = [...before.keys()].filter((path) => !wanted.has(path)).map((path) => ({ path, entry: null }));
  for (const [path, { digest, type }] of wanted) {
    if (before.get(path)?.digest === digest) continue;
    const same = known.get(digest);
    const entry = same ? { ...same, contentType: type, modifiedMs: nowMs } : await storedEntry(objects, digest, type, nowMs);
    changes.push({ path, entry });
  }
  return changes;
}
