export type { StepContext, StepKind, StepManifest } from "./kind.ts";
