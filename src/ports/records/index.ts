export { type Migration, migrations } from "./migrations.ts";
export { openRecords } from "./open.ts";
export { openPostgres, type PostgresOptions } from "./postgres.ts";
export { probeRecords } from "./probe.ts";
export type { CommitOutcome, Param, Records, Statement } from "./records.ts";
export { openSqlite, type SqliteOptions } from "./sqlite.ts";
