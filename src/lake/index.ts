export type { Generation, JournalRows, NewGeneration } from "./generations.ts";
export type { JournalEffects, JournalRow } from "./journal.ts";
export { createLake, type DatasetRows, type Lake, type LakeResources } from "./lake.ts";
export type { Change, Entry } from "./repositories/entry.ts";
export type {
  Branch,
  Commit,
  CommitOptions,
  Condition,
  Conflict,
  Listing,
  ListOptions,
  MergeOptions,
  MergeOutcome,
  Page,
  PathDifference,
  Repositories,
  Repository,
  RepositoryInfo,
  Resolution,
  Resolved,
  Tag,
} from "./repositories/repository.ts";
export type { FrozenSplit } from "./splits.ts";
export {
  createUploads,
  PARTS_MAX,
  type Part,
  type Upload,
  type UploadList,
  type Uploads,
  type UploadsResources,
} from "./uploads.ts";
export type { DatasetVersion, NewVersion, VersionManifest } from "./versions.ts";
