export type { Outcome } from "./attempt.ts";
export type { Meters, Progress } from "./attempt-folder.ts";
export type { Attend, Attended } from "./attending.ts";
export { type Checkpoint, noCheckpoint } from "./checkpoint.ts";
export type {
  AttemptRecord,
  Page,
  PageRequest,
  RunFilter,
  RunRecord,
  RunState,
  StepDetail,
  StepFilter,
  StepRecord,
  StepState,
} from "./history.ts";
export { createInlineEngine } from "./inline-engine.ts";
export { type Environment, keyOf, type StepIdentity } from "./key.ts";
export type { StepContext, StepKind, StepManifest } from "./kind.ts";
export { createLedger, type Ledger, type LedgerOptions, type StepRequest } from "./ledger.ts";
export type { LogPart } from "./log.ts";
export type { Recovered } from "./recover.ts";
export { letGoStatements } from "./restored.ts";
export type { RetryPolicy } from "./retry.ts";
export { performStep, type StepResources } from "./run-step.ts";
export { readingStatements } from "./sealed.ts";
export { runStep } from "./step-process.ts";
export type { Owner } from "./surroundings.ts";
export { type Taken, takenBy } from "./taken.ts";
export type { Timeouts } from "./timeouts.ts";
export type { Pausable, Pause, Wishes } from "./wishes.ts";
