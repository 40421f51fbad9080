export type { CommitOutcome, Param, Records, Statement } from "./records.ts";
