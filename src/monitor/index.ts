export { type CanaryEvidence, judgeRollout } from "./canary.ts";
export { lastDayOver } from "./days.ts";
export { createMonitor, type Monitor } from "./monitor.ts";
export type { Reference } from "./reference.ts";
export { reference } from "./reference-step.ts";
export { dueRetraining, type TrainingFacts } from "./triggers.ts";
