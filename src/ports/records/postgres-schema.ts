import pg from "pg";
import { MillError } from "../../base/index.ts";
import { type Applied, migrationDigest, pendingMigrations } from "./migrate.ts";
import type { Migration } from "./migrations.ts";
import type { PostgresAddress } from "./postgres-address.ts";
import { sessionConfig } from "./postgres-connection.ts";
import { postgresError } from "./postgres-errors.ts";
import { lockKey } from "./postgres-locks.ts";
import { REQUIRE_ROWS, toDdl } from "./postgres-sql.ts";

/** What the driver itself needs: `turn` tells after a lost connection whether the commit that was under way happened (postgres-writer.ts). */
const OWN = [
  REQUIRE_ROWS,
  "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, applied_at BIGINT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS writers (id TEXT PRIMARY KEY, exclusive INTEGER NOT NULL, epoch BIGINT NOT NULL, turn BIGINT NOT NULL, opened_at BIGINT NOT NULL)",
];

/** Makes the schema and brings it to the newest migration, all in one transaction: two programs that open it at once do it once. */
export async function migratePostgres(address: PostgresAddress, known: readonly Migration[], nowMs = Date.now()): Promise<void> {
  const client = new pg.Client(sessionConfig(address, { name: "millwright-migrations" }));
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${lockKey("migrate", address.schema)})`);
    await requireUtf8(client, address);
    const { rowCount } = await client.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", [address.schema]);
    if (rowCount === 0) await client.query(`CREATE SCHEMA "${address.schema}"`);
    for (const sql of OWN) await client.query(toDdl(sql));
    const { rows } = await client.query<Applied>("SELECT number, digest FROM migrations");
    for (const migration of pendingMigrations(rows, known, address.shown)) {
      for (const sql of migration.sql) await client.query(toDdl(sql));
      await client.query("INSERT INTO migrations (number, name, digest, applied_at) VALUES ($1, $2, $3, $4)", [
        migration.number,
        migration.name,
        migrationDigest(migration),
        nowMs,
      ]);
    }
    await client.query("COMMIT");
  } catch (thrown) {
    throw postgresError(thrown, address.shown);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function requireUtf8(client: pg.Client, { shown }: PostgresAddress): Promise<void> {
  const { rows } = await client.query<{ encoding: string }>("SELECT current_setting('server_encoding') AS encoding");
  if (rows[0]!.encoding === "UTF8") return;
  throw new MillError("records.not-openable", "The database keeps texts in an encoding that cannot hold every character.", {
    at: shown,
    expected: "UTF8",
    got: rows[0]!.encoding,
    fix: "Make a database for Millwright: CREATE DATABASE millwright ENCODING 'UTF8' TEMPLATE template0.",
  });
}
