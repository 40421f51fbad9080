import type { Digest, Json } from "../base/index.ts";
import { type Predictor, readPredictor } from "../learn/index.ts";
import { type Objects, readJson } from "../ports/objects/index.ts";

/** A trained model by the digest of its object. */
export async function readTrained(digest: Digest, objects: Objects): Promise<Predictor> {
  return readPredictor(await readJson<Json>(objects, digest));
}
