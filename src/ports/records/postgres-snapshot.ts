import pg from "pg";
import type { Applied } from "./migrate.ts";
import { parsePostgresAddress } from "./postgres-address.ts";
import { sessionConfig } from "./postgres-connection.ts";
import { postgresError } from "./postgres-errors.ts";
import { toQuery } from "./postgres-sql.ts";
import type { Param } from "./records.ts";
import { OWN_TABLES, SNAPSHOT_PAGE, type Snapshot, type SnapshotTable } from "./snapshot.ts";

/** One transaction of a connection that can only read, REPEATABLE READ: it sees what was committed when it began. */
export async function openPostgresSnapshot(address: string): Promise<Snapshot> {
  const where = parsePostgresAddress(address);
  const client = new pg.Client(sessionConfig(where, { name: "millwright-snapshot", readOnly: true }));
  client.on("error", () => undefined); // the query that is under way fails too
  const ask = async <T>(sql: string, params: readonly Param[] = []): Promise<T[]> => {
    const { text, values } = toQuery(sql, params);
    return (
      await client.query({ text, values: values as unknown[] }).catch((thrown) => {
        throw postgresError(thrown, where.shown);
      })
    ).rows as T[];
  };
  try {
    await client.connect().catch((thrown) => {
      throw postgresError(thrown, where.shown);
    });
    await ask("SET idle_in_transaction_session_timeout = 0"); // whoever reads may be slow
    await ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const tables = await tablesOf(ask, where.schema);
    const hasSchema = tables.some(({ name }) => name === "migrations");
    return {
      migrations: hasSchema ? await ask<Applied>("SELECT number, digest FROM migrations ORDER BY number") : [],
      tables: tables.filter(({ name }) => !OWN_TABLES.includes(name)),
      query: ask,
      async *rows({ name, columns }) {
        await ask(`DECLARE page NO SCROLL CURSOR FOR SELECT ${columns.map((column) => `"${column}"`).join(", ")} FROM "${name}"`);
        try {
          for (;;) {
            const page = (await ask<Record<string, Param>>(`FETCH ${SNAPSHOT_PAGE} FROM page`)).map((row) => Object.values(row));
            if (page.length > 0) yield page;
            if (page.length < SNAPSHOT_PAGE) return;
          }
        } finally {
          await ask("CLOSE page");
        }
      },
      close: () => client.end().catch(() => undefined),
    };
  } catch (thrown) {
    await client.end().catch(() => undefined);
    throw thrown;
  }
}

async function tablesOf(ask: Snapshot["query"], schema: string): Promise<SnapshotTable[]> {
  const found = await ask<{ name: string; column: string }>(
    `SELECT table_name AS name, column_name AS "column" FROM information_schema.columns NATURAL JOIN information_schema.tables
      WHERE table_schema = ? AND table_type = 'BASE TABLE' ORDER BY table_name, ordinal_position`,
    [schema],
  );
  const columns = new Map<string, string[]>();
  for (const { name, column } of found) columns.set(name, [...(columns.get(name) ?? []), column]);
  return [...columns].map(([name, columns]) => ({ name, columns }));
}
