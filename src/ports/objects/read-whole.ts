import { createHash } from "node:crypto";
import type { Digest } from "../../base/index.ts";
import { corrupt } from "./disk.ts";
import type { Objects } from "./objects.ts";

/**
 * All bytes of an object of any length in chunks, checked as they pass: the last chunk comes only when all of them are what was stored. So who counts the
 * bytes never takes wrong ones for whole. Errors: `object.missing`, `object.corrupt`.
 */
export async function* readWhole(objects: Pick<Objects, "read">, digest: Digest): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let held: Uint8Array | null = null;
  for await (const chunk of objects.read(digest)) {
    hash.update(chunk);
    if (held) yield held;
    held = chunk;
  }
  if (`sha256:${hash.digest("hex")}` !== digest) throw corrupt(digest, digest);
  if (held) yield held;
}
