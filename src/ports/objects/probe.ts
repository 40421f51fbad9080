import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ObjectsSecrets, type ObjectsSpec, openObjects } from "./open.ts";

/**
 * Puts a small object, reads it and takes it away again. It is stored as it is, of random bytes, so no key is needed. Errors: those of the driver.
 */
export async function probeObjects(spec: ObjectsSpec, { credentials }: Pick<ObjectsSecrets, "credentials"> = {}): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "mill-probe-"));
  const place = spec.kind === "s3" ? { ...spec, cacheFolder: scratch } : spec;
  const objects = openObjects({ ...place, encrypted: false }, { credentials, segments: "read" });
  try {
    const digest = await objects.put(randomBytes(64));
    await objects.get(digest).finally(() => objects.remove(digest));
  } finally {
    await objects.close();
    await rm(scratch, { recursive: true, force: true });
  }
}
