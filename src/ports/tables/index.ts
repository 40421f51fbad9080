export { type DuckDbOptions, openDuckDb, stepEngine } from "./duckdb.ts";
export type { Tables } from "./tables.ts";
