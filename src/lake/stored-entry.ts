import { createHash } from "node:crypto";
import { type Digest, MillError } from "../base/index.ts";
import { type Objects, readWhole } from "../ports/objects/index.ts";
import type { Entry } from "./repositories/entry.ts";

/** The entry of an object that is stored already: it is read once, for its MD5. Errors: `object.missing`, `object.corrupt`. */
export async function storedEntry(objects: Objects, digest: Digest, contentType: string, modifiedMs: number): Promise<Entry> {
  const sizeBytes = await objects.sizeOf(digest);
  if (sizeBytes === null)
    throw new MillError("object.missing", "What is to be committed is not stored here.", {
      at: digest,
      fix: "Store the object first.",
    });
  const md5 = createHash("md5");
  for await (const chunk of readWhole(objects, digest)) md5.update(chunk);
  return { digest, sizeBytes, etag: md5.digest("hex"), modifiedMs, contentType };
}

export const PARQUET_TYPE = "application/vnd.apache.parquet";
