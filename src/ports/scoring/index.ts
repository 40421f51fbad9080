export type { Scoring, Session } from "./scoring.ts";
