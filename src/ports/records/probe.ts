import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { isPostgresAddress, parsePostgresAddress } from "./postgres-address.ts";
import { recordsError } from "./sqlite-errors.ts";

/**
 * Which database answers at an address, in words; null: a file that is not there yet. Reads, and changes nothing: no schema is made, nobody's
 * ownership is disturbed. Errors: `records.address`, `records.away`, `records.not-openable`, `records.corrupt`.
 */
export const probeRecords = async (address: string): Promise<string | null> =>
  isPostgresAddress(address) ? probePostgres(address) : probeSqlite(address);

async function probePostgres(address: string): Promise<string> {
  const where = parsePostgresAddress(address);
  const [{ default: pg }, { sessionConfig }, { postgresError }] = await Promise.all([
    import("pg"),
    import("./postgres-connection.ts"),
    import("./postgres-errors.ts"),
  ]);
  const client = new pg.Client(sessionConfig(where, { name: "millwright doctor", readOnly: true }));
  client.on("error", () => undefined); // the query that is under way fails too
  try {
    await client.connect();
    const { rows } = await client.query("SELECT current_setting('server_version') AS version");
    return `PostgreSQL ${rows[0].version}, schema ${where.schema}`;
  } catch (thrown) {
    throw postgresError(thrown, where.shown);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function probeSqlite(path: string): Promise<string | null> {
  if (!existsSync(path)) return null;
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      database.prepare("SELECT count(*) FROM sqlite_schema").get();
    } finally {
      database.close();
    }
    return `SQLite ${process.versions.sqlite}, ${path}`;
  } catch (thrown) {
    throw recordsError(thrown, path);
  }
}
