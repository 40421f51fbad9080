export { type Artifact, type Artifacts, createArtifacts } from "./artifacts/artifacts.ts";
export { type ArtifactVerb, artifactVerbs } from "./artifacts/verbs.ts";
export { createEntries, type Entry, entryStatement, NOTHING_KNOWN } from "./imports/entries.ts";
export { createImports, type Imports, type Taken } from "./imports/imports.ts";
export { type Fields, mergeFields } from "./imports/merge.ts";
export { changesOf, isWritten, kept, leftOf, outcomeOf, TAKEN_AWAY, tagChanges, tagFields } from "./imports/told.ts";
export { type ImportVerb, importVerbs } from "./imports/verbs.ts";
export { createLoggedModels, type LoggedModel, type LoggedModels } from "./logged-models/logged-models.ts";
export { type LoggedModelVerb, loggedModelVerbs } from "./logged-models/verbs.ts";
export { type Named, type PurgeResources, purgeVerbs } from "./purge.ts";
export { convert } from "./python/convert.ts";
export { environment } from "./python/environment.ts";
export { type FitInput, fit } from "./python/fit.ts";
export { createTrackedAttempts, SCRIPT_VERBS, type TrackedAttempts } from "./python/tracked-attempts.ts";
export { type RowTimes, rowTimesOf } from "./row-times.ts";
export {
  createTracking,
  type Field,
  type Filter,
  find as findPage,
  type Held,
  type Order,
  type Page,
  type PageAsked,
  parseFilter,
  parseOrder,
  type Tags,
  type Tracking,
  type Vocabulary,
} from "./tracking/index.ts";
export { type TrackingVerb, trackingVerbs } from "./tracking/verbs.ts";
export { type TrainInput, train } from "./train.ts";
export {
  type ForeignModel,
  openTrained,
  readTrained,
  type Trained,
  type TrainedForm,
} from "./trained.ts";
export { bestTrial, type SearchStory, type TrialResult, type TuneInput, tune, type Warm } from "./tuning/choose.ts";
export type { SplitRule } from "./tuning/folds.ts";
export { type Found, type Job, nextJobs } from "./tuning/search.ts";
export { type TrialFacts, type TrialInput, trial } from "./tuning/trial.ts";
export { type WarmStart, warmStart } from "./tuning/warm-start.ts";
