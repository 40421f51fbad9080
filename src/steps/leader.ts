/**
 * One of several servers does what happens by the clock. Who leads is a row with a lease and a fencing number, which grows with every change of
 * hands; a leader that misses its lease takes itself for none, and where its clock misleads it, the number in its commits refuses them.
 */
import type { Records, Statement } from "../ports/records/index.ts";
import { thisProcess } from "./this-process.ts";

export interface LeaderOptions {
  readonly records: Records;
  /** What is led, as in "timers". */
  readonly name: string;
  /** Default: this process. */
  readonly owner?: string;
  /** Milliseconds since 1970; default Date.now. */
  readonly clock?: () => number;
  /** How long a leader that is silent stays one; default 15,000. */
  readonly leaseMs?: number;
}

export interface Leader {
  /** Takes the lead when nobody has it, or keeps it: the fencing number, or null. To be called before each round, at least every third of the lease. */
  lead(): Promise<number | null>;
  /** To be the first statement of each commit of a round: nothing is changed when another leads by now. */
  guard(fence: number): Statement;
  /** Lets another lead at once. */
  resign(): Promise<void>;
}

export function createLeader(options: LeaderOptions): Leader {
  const { records, name, owner = thisProcess({ shared: true }).name, clock = Date.now, leaseMs = 15_000 } = options;

  return {
    async lead() {
      const nowMs = clock();
      await records.commit([
        {
          sql: `INSERT INTO leaders (name, owner, fence, lease_until) VALUES (?, ?, 1, ?)
            ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until,
              fence = CASE WHEN leaders.owner = excluded.owner AND leaders.lease_until >= ? THEN leaders.fence ELSE leaders.fence + 1 END
            WHERE leaders.owner = excluded.owner OR leaders.lease_until < ?`,
          params: [name, owner, nowMs + leaseMs, nowMs, nowMs],
        },
      ]);
      const found = await records.query<{ fence: number }>(
        "SELECT fence FROM leaders WHERE name = ? AND owner = ? AND lease_until >= ?",
        [name, owner, clock()],
      );
      return found[0]?.fence ?? null;
    },

    guard: (fence) => ({
      sql: "UPDATE leaders SET fence = fence WHERE name = ? AND owner = ? AND fence = ?",
      params: [name, owner, fence],
      rows: 1,
    }),

    async resign() {
      await records.commit([{ sql: "UPDATE leaders SET lease_until = 0 WHERE name = ? AND owner = ?", params: [name, owner] }]);
    },
  };
}
