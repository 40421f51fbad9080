export { type Boundary, beforeSql, type Partitioned, partitionSql } from "./boundary.ts";
export { type HeldBack, type HeldBackAsked, type HeldBackRow, readHeldBack } from "./held-back.ts";
export { type IngestInput, type IngestSource, ingest } from "./ingest.ts";
export type { IngestJournal } from "./journal-rows.ts";
export { type Counted, type FoundColumn, type Look, lookAt } from "./look.ts";
export { type ResolvedSource, resolveSources, type SourceFormat } from "./sources.ts";
export { type OlderParts, type SplitInput, split } from "./split.ts";
export type { RowCheck } from "./stage.ts";
