import pg from "pg";
import type { PostgresAddress } from "./postgres-address.ts";
import { sessionConfig } from "./postgres-connection.ts";
import { isAway, postgresError } from "./postgres-errors.ts";
import { toQuery } from "./postgres-sql.ts";
import { patiently } from "./postgres-writer.ts";
import type { Param } from "./records.ts";

export interface ReadersOptions {
  readonly address: PostgresAddress;
  readonly count: number;
  readonly patienceMs: number;
}

export interface Readers {
  query(sql: string, params: readonly Param[]): Promise<unknown[]>;
  close(): Promise<void>;
}

/** So many texts are parsed once for each connection; those beyond, and long ones, each time. */
const NAMED_MAX = 512;
const NAMED_LENGTH_MAX = 2000;

/** Connections that can only read, made when they are needed; an idle one does not keep the process alive. */
export function openReaders({ address, count, patienceMs }: ReadersOptions): Readers {
  const pool = new pg.Pool({
    ...sessionConfig(address, { name: "millwright-reader", readOnly: true }),
    max: count,
    idleTimeoutMillis: 60_000,
    allowExitOnIdle: true,
  });
  pool.on("error", () => undefined); // an idle connection broke: the pool makes another
  const names = new Map<string, string>();

  return {
    query: async (sql, params) => {
      const { text, values } = toQuery(sql, params);
      const name = nameOf(text);
      try {
        const ask = () => pool.query({ ...(name && { name }), text, values: values as unknown[] });
        return (await patiently(patienceMs, ask)).rows;
      } catch (thrown) {
        throw postgresError(thrown, address.shown, isAway(thrown) ? undefined : sql);
      }
    },
    close: () => pool.end(),
  };

  function nameOf(text: string): string | undefined {
    const known = names.get(text);
    if (known || names.size >= NAMED_MAX || text.length > NAMED_LENGTH_MAX) return known;
    names.set(text, `r${names.size}`);
    return names.get(text);
  }
}
