/** Logins that were begun at the provider and are not answered yet, in the records: any server of theirs takes the answer, and one alone does. */
import type { Records } from "../../ports/records/index.ts";
import { sha256 } from "../tokens/text.ts";

export interface OidcLogins {
  /** `cookie` is the browser's; `redirect` is where it comes back to. */
  begin(cookie: string, redirect: string): Promise<void>;
  /** Where the browser was to come back to; null: it began none in the last ten minutes, or somebody has ended it already. */
  end(cookie: string): Promise<string | null>;
}

const LOGIN_MS = 10 * 60_000;
/** Anybody may begin one: the oldest give way. */
const BEGUN_MAX = 10_000;

export function createOidcLogins({ records, now }: { readonly records: Records; readonly now: () => number }): OidcLogins {
  return {
    async begin(cookie, redirect) {
      await records.commit([
        { sql: "DELETE FROM oidc_logins WHERE begun_at < ?", params: [now() - LOGIN_MS] },
        {
          sql: `DELETE FROM oidc_logins WHERE begun_at <= (SELECT begun_at FROM oidc_logins ORDER BY begun_at DESC LIMIT 1 OFFSET ${BEGUN_MAX - 1})`,
        },
        {
          sql: "INSERT INTO oidc_logins (digest, redirect, begun_at) VALUES (?, ?, ?)",
          params: [digestOf(cookie), redirect, now()],
          rows: 1,
        },
      ]);
    },

    async end(cookie) {
      const [login] = await records.query<{ redirect: string; begunAt: number }>(
        `SELECT redirect, begun_at AS "begunAt" FROM oidc_logins WHERE digest = ?`,
        [digestOf(cookie)],
      );
      if (login === undefined) return null;
      const { committed } = await records.commit([
        { sql: "DELETE FROM oidc_logins WHERE digest = ?", params: [digestOf(cookie)], rows: 1 },
      ]);
      return committed && now() - login.begunAt <= LOGIN_MS ? login.redirect : null;
    },
  };
}

const digestOf = (cookie: string): string => sha256(cookie).toString("hex");
