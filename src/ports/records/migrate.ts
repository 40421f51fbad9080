import type { DatabaseSync } from "node:sqlite";
import { type Digest, digestOfJson, MillError } from "../../base/index.ts";
import type { Migration } from "./migrations.ts";

export interface Applied {
  readonly number: number;
  readonly digest: string;
}

/** What is still to run, in order. Errors: `records.newer`, `records.migration-edited`. */
export function pendingMigrations(applied: readonly Applied[], known: readonly Migration[], at: string): readonly Migration[] {
  const newest = Math.max(0, ...known.map(({ number }) => number));
  const beyond = applied.find(({ number }) => number > newest);
  if (beyond)
    throw new MillError("records.newer", "The database was made by a newer Millwright than this one.", {
      at,
      expected: `schema ${newest} or lower`,
      got: `schema ${Math.max(...applied.map(({ number }) => number))}`,
      fix: "Install the newer Millwright again, or restore a backup made by this version.",
    });
  const digests = new Map(applied.map(({ number, digest }) => [number, digest]));
  const edited = known.find(
    (migration) => digests.has(migration.number) && digests.get(migration.number) !== migrationDigest(migration),
  );
  if (edited)
    throw new MillError(
      "records.migration-edited",
      `Migration ${edited.number} (${edited.name}) is not the one that this database ran.`,
      {
        at,
        fix: "Use the Millwright that made this database, or start with an empty workspace.",
      },
    );
  return known.filter(({ number }) => !digests.has(number)).sort((a, b) => a.number - b.number);
}

export const migrationDigest = ({ sql }: Migration): Digest => digestOfJson(sql.map((text) => text.replace(/\s+/g, " ")));

/** Runs what is pending and records it, all in one transaction: two programs that open a database at once do it once. */
export function applyMigrations(database: DatabaseSync, known: readonly Migration[], path: string, nowMs = Date.now()): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    database.exec(
      "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, applied_at BIGINT NOT NULL)",
    );
    const applied = database.prepare("SELECT number, digest FROM migrations").all() as unknown as Applied[];
    const record = database.prepare("INSERT INTO migrations (number, name, digest, applied_at) VALUES (?, ?, ?, ?)");
    for (const migration of pendingMigrations(applied, known, path)) {
      for (const sql of migration.sql) database.exec(sql);
      record.run(migration.number, migration.name, migrationDigest(migration), nowMs);
    }
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
