export type { Generation, JournalRows, NewGeneration } from "./generations.ts";
export type { JournalEffects, JournalRow } from "./journal.ts";
export { createLake, type DatasetRows, type Lake, type LakeResources } from "./lake.ts";
export type { FrozenSplit } from "./splits.ts";
export type { DatasetVersion, NewVersion, VersionManifest } from "./versions.ts";
