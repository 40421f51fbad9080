export { type CanaryDecision, type CanaryEvidence, judgeRollout } from "./canary.ts";
export { lastDayOver } from "./days.ts";
export type { AlertKind, Finding } from "./finding.ts";
export { createMonitor, type Monitor, type MonitorResources } from "./monitor.ts";
export { createParity, type Mismatch, type Parity, type ParityReport, type ParityResources, type ParitySpan } from "./parity.ts";
export {
  type Band,
  createReferences,
  type Distribution,
  type FeedColumn,
  type GroupResiduals,
  type Reference,
  type References,
} from "./reference.ts";
export { type ReferenceInput, reference } from "./reference-step.ts";
export { dueRetraining, type TrainingFacts } from "./triggers.ts";
