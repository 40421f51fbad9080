/** Sessions of people at the page: what the cookie holds is random, and the records have its SHA-256. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { MillError } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import type { Actor } from "../actors.ts";
import { createFresh } from "../fresh.ts";
import type { Accounts } from "../people/accounts.ts";
import { sha256 } from "../tokens/text.ts";

export interface Sessions {
  /** What the cookie is to hold; null: the guard stood against it. */
  begin(user: string, guard?: Statement): Promise<string | null>;
  /** Whose session it is, with what its roles allow at this moment; null: it has ended, or its user was disabled. */
  find(cookie: string): Promise<Actor | null>;
  /** Here at once, in other processes within five seconds. Whose it was; null: there was none. */
  end(cookie: string): Promise<string | null>;
  /** All of the user's but the one that `Actor.session` names; gives how many there were. */
  endAll(user: string, but?: string): Promise<number>;
  /** What a request that changes something sends beside the cookie: another site can send the cookie, and cannot know this. */
  csrfOf(cookie: string): string;
  /** Constant time. Errors: `guard.csrf`. */
  requireCsrf(cookie: string, sent: string | undefined): void;
}

export interface SessionsOptions {
  readonly records: Records;
  readonly accounts: Pick<Accounts, "find">;
  readonly now?: () => number;
}

/** Without a request for so long a session ends, to about ten minutes. */
const IDLE_MS = 8 * 3_600_000;
/** However much it is used. */
const LIFE_MS = 7 * 24 * 3_600_000;
const SEEN_EVERY_MS = 10 * 60_000;

export function createSessions({ records, accounts, now = Date.now }: SessionsOptions): Sessions {
  const isOver = ({ createdAt, seenAt }: Row) => now() >= createdAt + LIFE_MS || now() >= seenAt + IDLE_MS;
  const sessions = createFresh<Row>(async (digest) => {
    const [row] = await records.query<Row>(
      `SELECT holder, created_at AS "createdAt", seen_at AS "seenAt" FROM sessions WHERE digest = ?`,
      [digest],
    );
    if (row === undefined || isOver(row)) return null;
    if (now() - row.seenAt >= SEEN_EVERY_MS)
      await records
        .commit([{ sql: "UPDATE sessions SET seen_at = ? WHERE digest = ?", params: [now(), digest] }])
        .catch(() => undefined);
    return row;
  }, now);
  const csrfOf = (cookie: string) => createHmac("sha256", cookie).update("csrf").digest("base64url");

  return {
    async begin(user, guard) {
      const cookie = randomBytes(32).toString("base64url");
      const { committed } = await records.commit([
        ...(guard ? [guard] : []),
        { sql: "DELETE FROM sessions WHERE created_at <= ? OR seen_at <= ?", params: [now() - LIFE_MS, now() - IDLE_MS] },
        {
          sql: "INSERT INTO sessions (digest, holder, created_at, seen_at) VALUES (?, ?, ?, ?)",
          params: [digestOf(cookie), user, now(), now()],
          rows: 1,
        },
      ]);
      return committed ? cookie : null;
    },

    async find(cookie) {
      if (!FORM.test(cookie)) return null;
      const digest = digestOf(cookie);
      const row = await sessions.get(digest);
      if (row === null || now() >= row.createdAt + LIFE_MS) return null;
      const account = await accounts.find(row.holder);
      return account === null || account.disabled ? null : { ...account.actor, session: digest };
    },

    async end(cookie) {
      const digest = digestOf(cookie);
      const [row] = await records.query<{ holder: string }>("SELECT holder FROM sessions WHERE digest = ?", [digest]);
      await records.commit([{ sql: "DELETE FROM sessions WHERE digest = ?", params: [digest] }]);
      sessions.forget(digest);
      return row?.holder ?? null;
    },

    async endAll(user, but = "") {
      const others = await records.query("SELECT digest FROM sessions WHERE holder = ? AND digest <> ?", [user, but]);
      await records.commit([{ sql: "DELETE FROM sessions WHERE holder = ? AND digest <> ?", params: [user, but] }]);
      sessions.forget();
      return others.length;
    },

    csrfOf,
    requireCsrf(cookie, sent = "") {
      if (timingSafeEqual(sha256(sent), sha256(csrfOf(cookie)))) return;
      throw new MillError("guard.csrf", "A request with the session's cookie lacks the session's own token, or has another.", {
        expected: "the header X-CSRF-Token with what the login answered, or the field `csrf` of the page's form",
        got: sent === "" ? "nothing" : "another",
        fix: "Load the page again; programs send a token instead of the cookie.",
      });
    },
  };
}

interface Row {
  readonly holder: string;
  readonly createdAt: number;
  readonly seenAt: number;
}

const FORM = /^[A-Za-z0-9_-]{43}$/;
const digestOf = (cookie: string) => sha256(cookie).toString("hex");
