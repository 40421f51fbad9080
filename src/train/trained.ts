import type { Digest } from "../base/index.ts";
import { type Predictor, readPredictor } from "../learn/index.ts";
import type { Objects } from "../ports/objects/index.ts";

/** A trained model by the digest of its object. */
export async function readTrained(digest: Digest, objects: Objects): Promise<Predictor> {
  return readPredictor(JSON.parse(Buffer.from(await objects.get(digest)).toString("utf8")));
}
