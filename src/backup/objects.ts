/** The objects that the rows name: listed, copied, and looked for. */
import type { Digest } from "../base/index.ts";
import { MillError } from "../base/index.ts";
import { namedObjects } from "../lake/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Snapshot } from "../ports/records/index.ts";
import { damaged, type Part } from "./manifest.ts";
import { readLines, writePart } from "./parts.ts";

export const OBJECTS_FOLDER = "objects";
const LIST = "objects.txt";
/** Objects up to this size are moved as a whole, so many at once; longer ones stream, one by one. */
const WHOLE_BYTES = 1 << 20;
const AT_ONCE = 32;

export interface ListedObject {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Writes the list of what the snapshot names. Errors: `backup.object-missing`, `object.missing` for a node of a tree. */
export async function listObjects(
  folder: string,
  snapshot: Snapshot,
  store: Objects,
  progress: (objects: number) => void,
): Promise<Part & { readonly count: number; readonly contentBytes: number }> {
  let [count, contentBytes] = [0, 0];
  const lines = async function* () {
    for await (const digests of namedObjects(snapshot, store))
      for (let start = 0; start < digests.length; start += AT_ONCE) {
        const some = digests.slice(start, start + AT_ONCE);
        const sizes = await Promise.all(some.map((digest) => store.sizeOf(digest)));
        yield some.map((digest, index) => lineOf(digest, sizes[index]!)).join("");
        progress(some.length);
      }
  };
  const lineOf = (digest: Digest, sizeBytes: number | null) => {
    if (sizeBytes === null) throw lost(digest);
    count++;
    contentBytes += sizeBytes;
    return `${digest.slice(7)} ${sizeBytes}\n`;
  };
  const part = await writePart(folder, LIST, lines());
  return { ...part, count, contentBytes };
}

/** Errors: `backup.damaged`. */
export async function* listed(folder: string, part: Part): AsyncGenerator<ListedObject[]> {
  for await (const lines of readLines(folder, part))
    yield lines.map((line) => {
      const [, digest, size] = /^([0-9a-f]{64}) (\d{1,15})$/.exec(line) ?? [];
      if (digest === undefined) throw damaged(`${folder}/${part.file}`, "a digest and a size", line.slice(0, 80));
      return { digest: `sha256:${digest}`, sizeBytes: Number(size) };
    });
}

/** Does so for every object of the batches: many small ones at once, long ones alone. */
export async function eachObject(
  batches: AsyncIterable<readonly ListedObject[]>,
  work: (object: ListedObject) => Promise<void>,
): Promise<void> {
  for await (const batch of batches) {
    const small = batch.filter(({ sizeBytes }) => sizeBytes <= WHOLE_BYTES);
    for (let start = 0; start < small.length; start += AT_ONCE) await Promise.all(small.slice(start, start + AT_ONCE).map(work));
    for (const object of batch) if (object.sizeBytes > WHOLE_BYTES) await work(object);
  }
}

/** Moves the bytes on, and compares them with the digest. `fail` makes the error of a source that does not have them as they were. */
export async function copyObject(
  { digest, sizeBytes }: ListedObject,
  from: Objects,
  to: Objects,
  fail: (digest: Digest, got: string, cause?: unknown) => MillError,
): Promise<void> {
  try {
    const copied =
      sizeBytes <= WHOLE_BYTES ? await to.put(await from.get(digest)) : (await to.putStream(from.read(digest))).digest;
    if (copied !== digest) throw fail(digest, `bytes whose digest is ${copied}`);
  } catch (thrown) {
    throw thrown instanceof MillError && UNFIT.has(thrown.code) ? fail(digest, thrown.message, thrown) : thrown;
  }
}

const UNFIT = new Set(["object.missing", "object.corrupt"]);

export const lost = (digest: Digest, cause?: unknown): MillError =>
  new MillError("backup.object-missing", "The records name an object that the store does not have as it was.", {
    at: digest,
    fix: "`mill lake verify --content` tells what it belongs to; restore it from an earlier backup, or give up what names it.",
    cause,
  });
