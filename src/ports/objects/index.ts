export { DISK, type FileEffects } from "./disk.ts";
export { createFileObjects, type FileObjectsOptions } from "./files.ts";
export { readJson } from "./json.ts";
export type { Objects, StoredObject } from "./objects.ts";
export { configuredObjects, type ObjectsSecrets, type ObjectsSpec, openObjects } from "./open.ts";
export { pin, unpin } from "./pins.ts";
export { probeObjects } from "./probe.ts";
export { readWhole } from "./read-whole.ts";
export { readStoreMark, requireSameStore, type SameStore, type StoreMark } from "./same-store.ts";
