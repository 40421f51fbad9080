/**
 * Notices on their way out. One is written together with its cause, in the same commit, and sent afterwards: at least once, in order
 * within its topic, across restarts. A receiver that is away is tried again after 5 s, then after twice as long each time, up to an hour;
 * what could not be delivered for a day is given up, and stays on record with the reason.
 */
import { asMillError, type Json, newId } from "../../base/index.ts";
import { copyStanding, type Records, type Statement } from "../records/index.ts";
import type { Notices } from "./notices.ts";

export interface Outbox {
  /** To be committed together with the cause; none where nobody is to be told. */
  statements(topic: string, body: Json): Statement[];
  /** Sends what is due, nothing from a copy that has not taken over; a call while one is under way waits for that one. Never fails because of the receiver. */
  flush(): Promise<void>;
  standing(): Promise<OutboxStanding>;
}

export interface OutboxStanding {
  /** Not delivered yet. */
  readonly waiting: number;
  /** Tried for a day, or refused for good. */
  readonly givenUp: number;
  /** Why the last try that failed did; null when nothing waits and nothing was given up. */
  readonly error: string | null;
}

export interface OutboxResources {
  readonly records: Records;
  /** null: nobody is told. */
  readonly notices: Notices | null;
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  /** Only notices whose topic begins so are this one's; default: all. */
  readonly topics?: string;
  /** In [0, 1): spreads the tries of many. */
  random?(): number;
}

const RETRY_FIRST_MS = 5_000;
const RETRY_MAX_MS = 3_600_000;
const GIVE_UP_AFTER_MS = 24 * 3_600_000;
const JITTER = 0.2;
/** What was delivered or given up is kept for so long. */
const KEPT_MS = 30 * 24 * 3_600_000;
const SWEEP_EVERY_MS = 3_600_000;

interface Waiting {
  readonly id: string;
  readonly topic: string;
  readonly body: string;
  readonly attempts: number;
  readonly createdAt: number;
}

/** Another try would change nothing. */
const FOR_GOOD: readonly string[] = ["notice.gone", "notice.refused"];

const OPEN = "delivered_at IS NULL AND given_up_at IS NULL";
const OWN = "substr(topic, 1, length(?)) = ?";

export function createOutbox({ records, notices, now, topics = "", random = Math.random }: OutboxResources): Outbox {
  let flushing: Promise<void> | null = null;
  let lastIdMs = 0;
  let sweptAt = Number.NEGATIVE_INFINITY;

  /** Ids rise, also within a millisecond: they are the order of a topic. */
  const nextId = () => {
    lastIdMs = Math.max(lastIdMs + 1, now());
    return newId(lastIdMs);
  };

  /** The oldest of each topic that has not gone out: the others wait behind it. */
  const due = () =>
    records.query<Waiting>(
      `SELECT id, topic, body, attempts, created_at AS "createdAt" FROM notices WHERE next_at <= ? AND id IN
        (SELECT min(id) FROM notices WHERE ${OPEN} AND ${OWN} GROUP BY topic) ORDER BY id`,
      [now(), topics, topics],
    );

  const attempt = async (driver: Notices, notice: Waiting) => {
    const { id, topic, attempts } = notice;
    const outcome = await driver.send({ id, topic, body: JSON.parse(notice.body) }).then(
      () => null,
      (thrown) => asMillError(thrown),
    );
    const tried = attempts + 1;
    if (outcome === null) return settle(id, "delivered_at = ?, error = NULL", [now()], tried);
    const error = `${outcome.code}: ${outcome.message}`.slice(0, 300);
    if (FOR_GOOD.includes(outcome.code) || now() - notice.createdAt >= GIVE_UP_AFTER_MS)
      return settle(id, "given_up_at = ?, error = ?", [now(), error], tried);
    const wait = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** attempts) * (1 + JITTER * (2 * random() - 1));
    return settle(id, "next_at = ?, error = ?", [now() + Math.round(wait), error], tried);
  };

  const settle = (id: string, set: string, params: readonly (string | number)[], attempts: number) =>
    records.commit([{ sql: `UPDATE notices SET ${set}, attempts = ? WHERE id = ?`, params: [...params, attempts, id], rows: 1 }]);

  const sweep = async () => {
    if (now() - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = now();
    await records.commit([
      { sql: "DELETE FROM notices WHERE delivered_at < ? OR given_up_at < ?", params: [now() - KEPT_MS, now() - KEPT_MS] },
    ]);
  };

  const sendAll = async (driver: Notices) => {
    await sweep();
    for (let ready = await due(); ready.length > 0; ready = await due())
      await Promise.all(ready.map((notice) => attempt(driver, notice)));
  };

  return {
    statements(topic, body) {
      if (notices === null) return [];
      const at = now();
      return [
        {
          sql: "INSERT INTO notices (id, topic, body, created_at, attempts, next_at) VALUES (?, ?, ?, ?, 0, ?)",
          params: [nextId(), topic, JSON.stringify(body), at, at],
          rows: 1,
        },
      ];
    },
    async flush() {
      if (notices === null || (await copyStanding(records)) !== null) return;
      flushing ??= sendAll(notices).finally(() => {
        flushing = null;
      });
      return flushing;
    },
    async standing() {
      const [counts] = await records.query<{ waiting: number; givenUp: number }>(
        `SELECT count(*) FILTER (WHERE ${OPEN}) AS waiting, count(*) FILTER (WHERE given_up_at IS NOT NULL) AS "givenUp" FROM notices WHERE ${OWN}`,
        [topics, topics],
      );
      const [last] = await records.query<{ error: string }>(
        `SELECT error FROM notices WHERE delivered_at IS NULL AND error IS NOT NULL AND ${OWN} ORDER BY id DESC LIMIT 1`,
        [topics, topics],
      );
      return { ...counts!, error: last?.error ?? null };
    },
  };
}
