import { type Migration, migrations as ownMigrations } from "./migrations.ts";
import { parsePostgresAddress } from "./postgres-address.ts";
import { closedError, type Param, type Records } from "./records.ts";
import { requireStorable } from "./values.ts";

export interface PostgresOptions {
  /** The schema to bring the database to; default: Millwright's own. */
  readonly migrations?: readonly Migration[];
  /** Whether this store owns its schema, so that another that wants to own it is refused; default false. Commits of others are safe beside it. */
  readonly exclusive?: boolean;
  /** How long to wait for another program's commit; default 30,000. */
  readonly lockTimeoutMs?: number;
  /** How long a commit or query waits for a server that went away; default 5000. */
  readonly patienceMs?: number;
  /** Connections for queries; default 4. Commits have one of their own. */
  readonly readers?: number;
}

/**
 * Records in one schema of a PostgreSQL database (13 or newer, UTF8), by `postgres://USER:PASSWORD@HOST/DATABASE?schema=NAME`; the schema is made
 * when it is not there. Commits go out over one connection, several in one transaction and one round trip; queries over others that can only read.
 * A broken connection is made again: what was asked for waits `patienceMs`, and a commit that was under way is looked up, so that it happens once.
 * `records.away` with "in the middle of a commit" means that its outcome could not be learned. Connect to the server itself, or to a pooler by
 * session: settings and locks belong to the connection.
 * Errors: `records.address`, `records.away`, `records.locked`, `records.newer`, `records.corrupt`, `records.not-openable`, `records.disk-full`,
 * `records.constraint`, `records.statement`, `records.value`, `records.closed`.
 */
export async function openPostgres(address: string, options: PostgresOptions = {}): Promise<Records> {
  const {
    migrations = ownMigrations,
    exclusive = false,
    lockTimeoutMs = 30_000,
    patienceMs = 5000,
    readers: count = 4,
  } = options;
  const where = parsePostgresAddress(address);
  const [{ migratePostgres }, { openWriter }, { openReaders }, { postgresError }] = await Promise.all([
    import("./postgres-schema.ts"),
    import("./postgres-writer.ts"),
    import("./postgres-readers.ts"),
    import("./postgres-errors.ts"),
  ]); // pg is loaded by those who use it
  await migratePostgres(where, migrations);
  const writer = await openWriter({ address: where, exclusive, lockTimeoutMs, patienceMs }).catch((thrown) =>
    Promise.reject(postgresError(thrown, where.shown)),
  );
  const readers = openReaders({ address: where, count, patienceMs });
  let closed: Promise<void> | null = null;

  return {
    commit: async (statements, { lazy = false } = {}) => {
      if (closed) throw closedError();
      requireStorable(statements);
      return writer.commit(statements, lazy);
    },
    query: async <T>(sql: string, params: readonly Param[] = []) => {
      if (closed) throw closedError();
      requireStorable([{ sql, params }]);
      return readers.query(sql, params) as Promise<T[]>;
    },
    close: () => (closed ??= writer.close(() => readers.close())),
  };
}
