import type { Digest } from "../../base/index.ts";
import type { Objects } from "./objects.ts";

/** An object that holds JSON, as a value; the caller says what it is. Errors: as `Objects.get`. */
export async function readJson<T>(objects: Pick<Objects, "get">, digest: Digest): Promise<T> {
  return JSON.parse(Buffer.from(await objects.get(digest)).toString("utf8"));
}
