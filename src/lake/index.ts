export {
  type CollectOptions,
  type Collector,
  type CollectorResources,
  type CollectProgress,
  createCollector,
} from "./collect/collect.ts";
export type { Collection } from "./collect/collections.ts";
export { namedObjects } from "./collect/named.ts";
export type { Gone } from "./collect/proof.ts";
export type { Retention } from "./collect/retention.ts";
export type { BroughtOver, PreparedVersion } from "./datasets.ts";
export type { Generation, JournalRows, NewGeneration } from "./generations.ts";
export type { Hook, HookRun, NewHook } from "./hooks/hook.ts";
export type { Hooks } from "./hooks/hooks.ts";
export type { JournalEffects, JournalRow } from "./journal.ts";
export { createLake, type DatasetRows, type Lake, type LakeResources } from "./lake.ts";
export type { Lock, Locks } from "./locks/locks.ts";
export { createRepositories, type OpenRepositories, type RepositoriesResources } from "./repositories/create-repositories.ts";
export { decodeEntry } from "./repositories/encode-entry.ts";
export type { Change, Entry } from "./repositories/entry.ts";
export type { MoveEvent, RepositoryEvent, RepositoryGuards, StageEvent } from "./repositories/guards.ts";
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
  PreparedCommit,
  Repositories,
  Repository,
  RepositoryInfo,
  Resolution,
  Resolved,
  Tag,
} from "./repositories/repository.ts";
export type { FrozenSplit } from "./splits.ts";
export { storedEntry } from "./stored-entry.ts";
export type { ChangedTable } from "./tables/changed-tables.ts";
export type { RowDifference, TableDifference } from "./tables/diff.ts";
export type { TableMerge } from "./tables/merge-tables.ts";
export type { TableDescriptor } from "./tables/table.ts";
export type { RowMergeOptions, RowMergeOutcome, TableRows } from "./tables/table-rows.ts";
export { createTree } from "./tree/create-tree.ts";
export type { NodeStore, Tree } from "./tree/tree.ts";
export {
  createUploads,
  PARTS_MAX,
  type Part,
  type Upload,
  type UploadList,
  type Uploads,
  type UploadsResources,
} from "./uploads.ts";
export { type LakeVerb, lakeVerbs } from "./verbs/index.ts";
export { type VerifyLine, type VerifyOptions, verify } from "./verify.ts";
export type { DatasetVersion, NewVersion, VersionManifest } from "./versions.ts";
