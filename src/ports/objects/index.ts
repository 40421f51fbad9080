export { createFileObjects, type FileEffects } from "./files.ts";
export { readJson } from "./json.ts";
export type { Objects, StoredObject } from "./objects.ts";
export { type Collected, type CollectOptions, collect, pin, unpin } from "./pins.ts";
