import { DatabaseSync } from "node:sqlite";
import type { Applied } from "./migrate.ts";
import type { Param } from "./records.ts";
import { OWN_TABLES, SNAPSHOT_PAGE, type Snapshot, type SnapshotTable } from "./snapshot.ts";
import { recordsError } from "./sqlite-errors.ts";

/** A read transaction on a connection of this thread: in WAL mode it sees what was committed when it began. */
export async function openSqliteSnapshot(path: string): Promise<Snapshot> {
  const told = <T>(work: () => T): T => {
    try {
      return work();
    } catch (thrown) {
      throw recordsError(thrown, path);
    }
  };
  const database = told(() => new DatabaseSync(path, { readOnly: true, timeout: 5000 }));
  const all = <T>(sql: string, params: readonly Param[] = []): T[] => {
    const statement = database.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all(...params).map((row) => mapped(row)) as T[];
  };
  try {
    const tables = told(() => {
      database.exec("BEGIN");
      const names = all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
      return names
        .filter(({ name }) => !name.startsWith("sqlite_"))
        .map(({ name }) => ({
          name,
          columns: all<{ name: string }>("SELECT name FROM pragma_table_info(?) ORDER BY cid", [name]).map(
            (column) => column.name,
          ),
        }));
    });
    const hasSchema = tables.some(({ name }) => name === "migrations");
    return {
      migrations: hasSchema ? told(() => all<Applied>("SELECT number, digest FROM migrations ORDER BY number")) : [],
      tables: tables.filter(({ name }) => !OWN_TABLES.includes(name)),
      query: async <T>(sql: string, params: readonly Param[] = []) => told(() => all<T>(sql, params)),
      async *rows({ name, columns }: SnapshotTable) {
        const statement = told(() =>
          database.prepare(`SELECT ${columns.map((column) => `"${column}"`).join(", ")} FROM "${name}"`),
        );
        statement.setReadBigInts(true);
        statement.setReturnArrays(true);
        const iterator = statement.iterate() as unknown as Iterator<Param[]>;
        for (;;) {
          const page: Param[][] = [];
          told(() => {
            while (page.length < SNAPSHOT_PAGE) {
              const next = iterator.next();
              if (next.done) break;
              page.push(next.value.map(narrow));
            }
          });
          if (page.length > 0) yield page;
          if (page.length < SNAPSHOT_PAGE) return;
        }
      },
      close: async () => database.close(),
    };
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

const narrow = (value: Param): Param =>
  typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;

const mapped = (row: object) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, narrow(value)]));
