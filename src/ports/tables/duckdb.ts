import { join } from "node:path";
import type { DuckDBConnection, DuckDBInstance, DuckDBResult, DuckDBValue } from "@duckdb/node-api";
import { MillError } from "../../base/index.ts";
import type { Row, Value } from "../../contract/index.ts";
import { asTablesError } from "./duckdb-errors.ts";
import { createFrameBuilder, frameProjection } from "./duckdb-frame.ts";
import type { Tables } from "./tables.ts";

export interface DuckDbOptions {
  readonly threads: number;
  /** What DuckDB may hold in memory before it spills to `tempFolder`; files and results outside of it come on top. */
  readonly memoryMb: number;
  /** Where it spills to; made when needed. */
  readonly tempFolder: string;
}

/** The engine's share of a step's memory; the rest is for Node, and for buffers that the engine does not count. */
const ENGINE_SHARE = 0.55;
/** More than this makes no query of ours faster: beyond it the engine spills to the scratch folder. */
const ENGINE_MB_MAX = 600;

/** The options of an engine inside a step. */
export function stepEngine(step: {
  readonly threads: number;
  readonly memoryMb: number;
  readonly scratch: string;
}): DuckDbOptions {
  const memoryMb = Math.min(ENGINE_MB_MAX, Math.max(128, Math.floor(step.memoryMb * ENGINE_SHARE)));
  return { threads: step.threads, memoryMb, tempFolder: join(step.scratch, "spill") };
}

/**
 * DuckDB in memory over files, one statement at a time. Nothing is downloaded: extensions that are not built in do not exist here.
 * Moments are read and shown in UTC. Results keep the order of their query. The library is loaded at the first statement.
 */
export function openDuckDb(options: DuckDbOptions): Tables {
  let opened: Promise<{ instance: DuckDBInstance; connection: DuckDBConnection }> | undefined;
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();

  // A result that is being streamed dies when its connection runs another statement: so they wait for each other.
  function oneAtATime<T>(sql: string, work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    if (closed) return Promise.reject(new MillError("tables.closed", "The tables were closed before this query."));
    const next = last.then(async () => {
      try {
        return await work((await (opened ??= open(options))).connection);
      } catch (thrown) {
        throw asTablesError(thrown, sql, options.memoryMb);
      }
    });
    last = next.catch(() => undefined);
    return next;
  }

  return {
    run: (sql) =>
      oneAtATime(sql, async (connection) => {
        await connection.run(sql);
      }),
    rows: (sql) => oneAtATime(sql, async (connection) => readRows(await connection.run(sql))),
    frame: (sql) =>
      oneAtATime(sql, async (connection) => {
        const columns = await columnsOf(connection, sql);
        const builder = createFrameBuilder(columns);
        const result = await connection.stream(frameProjection(columns, sql));
        for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk())
          builder.add(chunk);
        return builder.frame();
      }),
    describe: (sql) => oneAtATime(sql, (connection) => columnsOf(connection, sql)),
    interrupt() {
      void opened?.then(
        ({ connection }) => closed || connection.interrupt(),
        () => undefined,
      );
    },
    close() {
      if (closed) return;
      closed = true;
      void last.then(async () => {
        const live = await opened?.catch(() => undefined);
        live?.connection.closeSync();
        live?.instance.closeSync();
      });
    },
  };
}

async function open({ threads, memoryMb, tempFolder }: DuckDbOptions) {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:", {
    threads: String(threads),
    memory_limit: `${memoryMb}MiB`,
    temp_directory: tempFolder,
    autoload_known_extensions: "false",
    autoinstall_known_extensions: "false",
    allow_community_extensions: "false",
  });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run("SET enable_progress_bar = false");
  return { instance, connection };
}

async function columnsOf(connection: DuckDBConnection, sql: string) {
  const prepared = await connection.prepare(sql);
  try {
    return Array.from({ length: prepared.columnCount }, (_, index) => ({
      name: prepared.columnName(index),
      type: String(prepared.columnType(index)),
    }));
  } finally {
    prepared.destroySync();
  }
}

async function readRows(result: DuckDBResult): Promise<Row[]> {
  const names = result.columnNames();
  const rows = await result.getRows();
  return rows.map((row) => Object.fromEntries(row.map((value, index) => [names[index]!, asValue(value)])));
}

function asValue(value: DuckDBValue): Value {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isNaN(value) ? null : value;
  if (typeof value === "bigint") return small(value);
  if ("micros" in value) return small(value.micros as bigint);
  if ("seconds" in value) return small(value.seconds * 1_000_000n);
  if ("millis" in value) return small(value.millis * 1000n);
  if ("nanos" in value) return small(value.nanos / 1000n);
  if ("days" in value && !("months" in value)) return value.days * 86_400_000_000;
  if ("scale" in value) return value.toDouble();
  return String(value);
}

const small = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
