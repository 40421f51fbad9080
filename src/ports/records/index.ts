export { becomesCopy, type Copy, copyStanding, takesOver } from "./copy.ts";
export { type Applied, migrationDigest, pendingMigrations } from "./migrate.ts";
export { type Migration, migrations } from "./migrations.ts";
export { openRecords } from "./open.ts";
export { openPostgres, type PostgresOptions } from "./postgres.ts";
export { probeRecords } from "./probe.ts";
export type { CommitOptions, CommitOutcome, Param, Records, Statement } from "./records.ts";
export { openSnapshot, type Snapshot, type SnapshotTable } from "./snapshot.ts";
export { openSqlite, type SqliteOptions } from "./sqlite.ts";
