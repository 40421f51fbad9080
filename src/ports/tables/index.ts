export { type DuckDbOptions, openDuckDb } from "./duckdb.ts";
export type { Tables } from "./tables.ts";
