export { type Migration, migrations } from "./migrations.ts";
export type { CommitOutcome, Param, Records, Statement } from "./records.ts";
export { openSqlite, type SqliteOptions } from "./sqlite.ts";
