export { createBackfiller } from "./backfills/backfiller.ts";
export { createKeeper } from "./keeper.ts";
export { createLineageExporter } from "./openlineage/exporter.ts";
export { createScheduler } from "./schedules/scheduler.ts";
export { createSources, type Sources } from "./sources.ts";
export { STEP_KINDS } from "./step-kinds.ts";
export { type AccessVerb, platformVerbs } from "./verbs/index.ts";
export type { Workspace } from "./workspace.ts";
