import type { Applied } from "./migrate.ts";
import { isPostgresAddress } from "./postgres-address.ts";
import type { Param, Records } from "./records.ts";
import { openSqliteSnapshot } from "./sqlite-snapshot.ts";

export interface SnapshotTable {
  readonly name: string;
  readonly columns: readonly string[];
}

/** Everything as it was at one moment, whatever is committed meanwhile. */
export interface Snapshot extends Pick<Records, "query" | "close"> {
  /** What the schema is, in the order of the numbers; empty: there is none yet. */
  readonly migrations: readonly Applied[];
  /** Millwright's tables by name, without the driver's own. */
  readonly tables: readonly SnapshotTable[];
  /** The rows of a table in pages, in bounded memory; values in the order of its columns. */
  rows(table: SnapshotTable): AsyncIterable<readonly (readonly Param[])[]>;
}

/**
 * The records at an address, beside whoever owns them: nothing is made, migrated or waited for, and writers go on. To be closed soon: SQLite's log
 * grows meanwhile, and PostgreSQL keeps what was deleted. Errors: `records.address`, `records.away`, `records.not-openable`, `records.corrupt`.
 */
export const openSnapshot = async (address: string): Promise<Snapshot> =>
  isPostgresAddress(address)
    ? (await import("./postgres-snapshot.ts")).openPostgresSnapshot(address) // pg is loaded by those who use it
    : openSqliteSnapshot(address);

/** Of the drivers: which migrations ran, and where others count. */
export const OWN_TABLES: readonly string[] = ["migrations", "writers"];
export const SNAPSHOT_PAGE = 1000;
