export type { FileEffects } from "./disk.ts";
export { createFileObjects, type FileObjectsOptions } from "./files.ts";
export { readJson } from "./json.ts";
export type { Objects, StoredObject } from "./objects.ts";
export { type ObjectsSecrets, type ObjectsSpec, openObjects } from "./open.ts";
export { type Collected, type CollectOptions, collect, pin, unpin } from "./pins.ts";
