export type { AlertKind, Finding } from "./finding.ts";
export type { Band, Distribution, FeedColumn, Reference } from "./reference.ts";
