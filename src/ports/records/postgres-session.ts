/**
 * The writer's connection, which comes again after it broke, and what is known then. A row of `writers` belongs to each store that is open:
 * each of its transactions raises `turn`, each new connection `epoch`, and a transaction of an older epoch fails. So after a broken connection the
 * row tells for sure whether the last transaction happened: if it has not by then, it never will.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { MillError } from "../../base/index.ts";
import type { PostgresAddress } from "./postgres-address.ts";
import { Pipeline, sessionConfig } from "./postgres-connection.ts";
import { lockKey } from "./postgres-locks.ts";

export interface SessionOptions {
  readonly address: PostgresAddress;
  /** Whether the store owns its schema: another owner is refused while this one is connected, and this one for good once there was another. */
  readonly exclusive: boolean;
  /** How long to wait for another program's commit. */
  readonly lockTimeoutMs: number;
}

export interface Session {
  readonly pipeline: () => Pipeline;
  /** Connects, unless it is connected. Errors: `records.locked`, and what pg throws. */
  readonly open: () => Promise<void>;
  /** The SQL that begins the next transaction: when its turn comes, it raises `turn`. A lazy one does not wait for the disk. */
  readonly beginning: (lazy: boolean) => string;
  /** To be told when a transaction was committed. */
  readonly turned: () => void;
  /** After the connection broke: whether the transaction that was under way was committed. */
  readonly happened: () => Promise<boolean>;
  /** Whether the connection keeps the process alive. */
  readonly hold: (on: boolean) => void;
  readonly close: () => Promise<void>;
}

/** How long the former owner of a schema, whom the server may not yet have missed, is waited for. */
const OWNER_WAIT_MS = 3000;

export function createSession({ address, exclusive, lockTimeoutMs }: SessionOptions): Session {
  const id = randomBytes(12).toString("hex");
  const config = sessionConfig(address, { name: `millwright-${id}`, pipeline: true, lockTimeoutMs });
  const owner = lockKey("owner", address.schema);
  let current: Pipeline | null = null;
  let known: { readonly epoch: number; readonly turn: number } | null = null;

  return {
    pipeline: () => current!,
    open,
    beginning: (lazy) => `BEGIN ISOLATION LEVEL READ COMMITTED;${lazy ? " SET LOCAL synchronous_commit = off;" : ""}
      SELECT pg_advisory_xact_lock(${lockKey("writer", address.schema)});
      WITH changed AS (UPDATE writers SET turn = turn + 1 WHERE id = '${id}' AND epoch = ${known!.epoch} AND turn = ${known!.turn} RETURNING 1)
      SELECT require_rows(count(*), 1) FROM changed`,
    turned: () => {
      known = { epoch: known!.epoch, turn: known!.turn + 1 };
    },
    happened: async () => {
      current?.destroy();
      const { turn } = known!;
      await open();
      return known!.turn === turn + 1;
    },
    hold: (on) => current?.hold(on),
    close: async () => {
      if (current?.lost === false) await current.simple(`DELETE FROM writers WHERE id = '${id}'`).catch(() => undefined);
      await current?.end();
    },
  };

  async function open(): Promise<void> {
    if (current && !current.lost) return;
    const pipeline = new Pipeline(config);
    try {
      await pipeline.client.connect();
      if (known) await endForerunners(pipeline, id);
      if (exclusive) await own(pipeline);
      const found = known ? await comeBack(pipeline) : await register(pipeline);
      await pipeline.simple(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
      );
      known = found; // last: a connection that breaks before leaves what is known as it was
    } catch (thrown) {
      pipeline.destroy();
      throw thrown;
    }
    current = pipeline;
  }

  async function own(pipeline: Pipeline): Promise<void> {
    for (const untilMs = performance.now() + OWNER_WAIT_MS; ; await delay(50)) {
      const { rows } = await pipeline.simple(`SELECT pg_try_advisory_lock(${owner}) AS got`);
      if (rows[0].got === 1) return;
      if (performance.now() > untilMs) throw await heldByAnother(pipeline);
    }
  }

  async function heldByAnother(pipeline: Pipeline): Promise<MillError> {
    const { rows } = await pipeline.simple(
      `SELECT coalesce(host(a.client_addr), 'a local socket') AS host, to_char(a.backend_start, 'YYYY-MM-DD HH24:MI') AS since FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
       WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = ${BigInt.asUintN(64, owner) >> 32n} AND l.objid::bigint = ${BigInt.asUintN(32, owner)}`,
    );
    return new MillError("records.locked", "Another Millwright owns this schema.", {
      at: address.shown,
      ...(rows[0] && { got: `a connection from ${rows[0].host} since ${rows[0].since} UTC` }),
      fix: "End the other one, or give this workspace a schema of its own: add ?schema=NAME to the address.",
    });
  }

  async function register(pipeline: Pipeline) {
    if (exclusive) await pipeline.simple("DELETE FROM writers WHERE exclusive = 1");
    await pipeline.simple(
      `INSERT INTO writers (id, exclusive, epoch, turn, opened_at) VALUES ('${id}', ${exclusive ? 1 : 0}, 0, 0, ${Date.now()})`,
    );
    return { epoch: 0, turn: 0 };
  }

  async function comeBack(pipeline: Pipeline) {
    const { rows } = await pipeline.simple(`UPDATE writers SET epoch = epoch + 1 WHERE id = '${id}' RETURNING epoch, turn`);
    if (rows[0]) return { epoch: rows[0].epoch as number, turn: rows[0].turn as number };
    throw new MillError("records.locked", "While the database server was away, another Millwright took this schema over.", {
      at: address.shown,
      fix: "Stop this one: what it holds in memory is old. End the other one first to go on with this one.",
    });
  }
}

/** Earlier connections of this store that the server has not missed yet: they may hold its locks. */
async function endForerunners(pipeline: Pipeline, id: string): Promise<void> {
  await pipeline.simple(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'millwright-${id}' AND pid <> pg_backend_pid()`,
  );
}
