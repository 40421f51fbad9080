/** What happened to an endpoint, in plain words: written by whoever made it happen, read by `mill log` and the page. */
import type { Records, Statement } from "../ports/records/index.ts";

export interface Happening {
  /** Wall clock, milliseconds since 1970. */
  readonly at: number;
  /** Data time in microseconds; null where the endpoint had none yet. */
  readonly asOf: number | null;
  /** `retraining`, `canary`, `alert`, `rollback`, `loss` ... */
  readonly what: string;
  /** One sentence. */
  readonly text: string;
}

export interface Story {
  tell(endpoint: string, happening: Happening): Promise<void>;
  /** To be committed together with what happened. */
  statement(endpoint: string, happening: Happening): Statement;
  /** The newest `limit`, oldest first. */
  of(endpoint: string, limit: number): Promise<Happening[]>;
}

export function createStory(records: Records): Story {
  const statement = (endpoint: string, { at, asOf, what, text }: Happening): Statement => ({
    // Numbered: two may happen in one millisecond, and clocks jump.
    sql: `INSERT INTO happenings (seq, endpoint, at, as_of, what, text)
      SELECT coalesce(max(seq), 0) + 1, ?, ?, ?, ?, ? FROM happenings`,
    params: [endpoint, at, asOf, what, text],
    rows: 1,
  });
  return {
    statement,
    async tell(endpoint, happening) {
      await records.commit([statement(endpoint, happening)]);
    },
    async of(endpoint, limit) {
      const rows = await records.query<Happening>(
        `SELECT at, as_of AS "asOf", what, text FROM happenings WHERE endpoint = ? ORDER BY seq DESC LIMIT ?`,
        [endpoint, limit],
      );
      return rows.reverse();
    },
  };
}
