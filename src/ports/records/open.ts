import type { Migration } from "./migrations.ts";
import { openPostgres } from "./postgres.ts";
import { isPostgresAddress } from "./postgres-address.ts";
import type { Records } from "./records.ts";
import { openSqlite } from "./sqlite.ts";

/**
 * The records at an address: `postgres://...` is a schema of a PostgreSQL database, which this process then owns (`records.locked` where another
 * does); anything else is the path of a SQLite file, whose owner holds the workspace's lock. `migrations`: the schema to bring it to, the newest by default.
 */
export const openRecords = (address: string, options: { readonly migrations?: readonly Migration[] } = {}): Promise<Records> =>
  isPostgresAddress(address) ? openPostgres(address, { ...options, exclusive: true }) : openSqlite(address, options);
