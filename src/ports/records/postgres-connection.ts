/** Connections by pg: the session's settings, the types of results, and statements that are parsed once. */
import type { Socket } from "node:net";
import pg from "pg";
import type { PostgresAddress } from "./postgres-address.ts";
import type { Query } from "./postgres-sql.ts";

export interface ConnectionOptions {
  /** As `pg_stat_activity` shows it. */
  readonly name: string;
  readonly readOnly?: boolean;
  readonly pipeline?: boolean;
  readonly lockTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
}

/**
 * What pg is told. Texts are compared in the schema's own order, moments are UTC; a transaction whose client fell silent is ended by the server
 * within half a minute, so that what it holds does not outlive it.
 */
export function sessionConfig({ url, schema }: PostgresAddress, options: ConnectionOptions): pg.ClientConfig {
  const { name, readOnly = false, pipeline = false, lockTimeoutMs = 30_000, connectTimeoutMs = 5000 } = options;
  const settings: Record<string, string | number> = {
    search_path: schema,
    timezone: "UTC",
    jit: "off",
    default_transaction_read_only: readOnly ? "on" : "off",
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: 15_000,
    tcp_keepalives_idle: 10,
    tcp_keepalives_interval: 5,
    tcp_keepalives_count: 3,
  };
  const own = Object.entries(settings).map(([key, value]) => `-c ${key}=${value}`);
  const address = new URL(url);
  address.searchParams.set("options", [...own, address.searchParams.get("options") ?? ""].join(" ").trim());
  address.searchParams.set("application_name", name);
  return {
    connectionString: address.href,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: resultTypes,
    pipeline,
  } as pg.ClientConfig;
}

/** So many statements are parsed once for each connection, the long ones (lists of many rows) each time. */
const STATEMENTS_MAX = 512;
const NAMED_LENGTH_MAX = 2000;

/**
 * One connection on which everything asked for in one turn goes out in one write, and whose answers come in order. A statement is parsed
 * before the transaction that uses it first, because in a transaction that failed nothing can be parsed.
 */
export class Pipeline {
  readonly client: pg.Client;
  lost = false;
  #names = new Map<string, { readonly name: string; failed: unknown }>();
  #counter = 0;

  constructor(config: pg.ClientConfig) {
    this.client = new pg.Client(config);
    this.client.on("error", () => {
      this.lost = true;
    });
    this.client.on("end", () => {
      this.lost = true;
    });
  }

  /** Everything that `work` asks for goes out as one write. */
  together<T>(work: (to: Pipeline) => T): T {
    const { stream } = this.client.connection;
    stream.cork();
    try {
      return work(this);
    } finally {
      stream.uncork();
    }
  }

  /** To be asked for outside of a transaction, before `run`. */
  prepare(text: string): void {
    if (this.#names.has(text) || text.length > NAMED_LENGTH_MAX) return;
    if (this.#names.size >= STATEMENTS_MAX) {
      this.#names.clear();
      this.simple("DEALLOCATE ALL").catch(() => undefined);
    }
    const statement = { name: `m${this.#counter++}`, failed: undefined as unknown };
    this.#names.set(text, statement);
    this.client.query(
      new ParseOnly({ name: statement.name, text, values: [] }, (error) => {
        if (!error) return;
        statement.failed = error;
        if (this.#names.get(text) === statement) this.#names.delete(text);
      }),
    );
  }

  async run({ text, values }: Query): Promise<pg.QueryResult> {
    const statement = this.#names.get(text);
    try {
      return await this.client.query({ ...(statement && { name: statement.name }), text, values: values as unknown[] });
    } catch (error) {
      throw statement?.failed ?? error;
    }
  }

  simple(text: string): Promise<pg.QueryResult> {
    return this.client.query(text);
  }

  /** Whether it keeps the process alive. */
  hold(on: boolean): void {
    const socket = this.client.connection.stream as Socket;
    if (on) socket.ref();
    else socket.unref();
  }

  async end(): Promise<void> {
    if (this.lost) return this.destroy();
    await this.client.end().catch(() => undefined);
  }

  destroy(): void {
    this.lost = true;
    this.client.connection.stream.destroy();
  }
}

/** Parse and Sync, and nothing run: pg's own `Query` parses and runs. What pg keeps of its connection and its types do not name: */
interface Wire extends pg.Connection {
  readonly submittedNamedStatements: Record<string, string>;
  sync(): void;
}

class ParseOnly extends pg.Query {
  prepare(connection: Wire): void {
    const { name, text } = this as unknown as { readonly name: string; readonly text: string };
    connection.parse({ name, text, types: [] }, true);
    connection.sync();
    connection.submittedNamedStatements[name] = text; // what comes next in the same write binds to it
  }
}

/** Object identifiers of types (pg_type.dat). */
const BOOL = 16;
const BYTEA = 17;
const INTEGERS: readonly number[] = [20, 21, 23, 26];
const FLOATS: readonly number[] = [700, 701];
const NUMERIC = 1700;

/** Results as SQLite gives them: a comparison is 1 or 0, an integer beyond 2^53 a bigint (so are the sums of integers), anything else text. */
const resultTypes = {
  getTypeParser(type: number) {
    if (type === BOOL) return (text: string) => (text === "t" ? 1 : 0);
    if (type === BYTEA) return (text: string) => new Uint8Array(Buffer.from(text.slice(2), "hex"));
    if (INTEGERS.includes(type)) return integer;
    if (FLOATS.includes(type)) return Number;
    if (type === NUMERIC) return (text: string) => (/^-?\d+$/.test(text) ? integer(text) : Number(text));
    return (text: string) => text;
  },
};

const integer = (text: string): number | bigint => {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
};
