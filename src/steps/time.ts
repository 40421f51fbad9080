/**
 * Time as the ledger uses it, so that a wall clock that is set does no harm. What passes is measured by a clock that nobody sets. Whether another
 * process lives is not told by comparing its clock with ours: it changes its rows as long as it lives, and we measure how long they stand still
 * (Chubby's sessions and the lock client of DynamoDB judge so too). Moments in rows are for people.
 */
import { newId } from "../base/index.ts";

export interface Time {
  /** Milliseconds, by a clock that nobody sets. */
  elapsedMs(): number;
  /** For how long `value`, which its owner changes as long as it lives, has been the same here; 0 at first sight. */
  stillForMs(name: string, value: number): number;
  /** Forgets what was seen of all but these. */
  watchOnly(names: ReadonlySet<string>): void;
  /** The id of a new step: behind all that were given here before. */
  newStepId(): string;
}

export function createTime(clock: () => number, elapsedMs: () => number = () => performance.now()): Time {
  const seen = new Map<string, { readonly value: number; readonly sinceMs: number }>();
  let lastMs = 0;

  return {
    elapsedMs,

    stillForMs(name, value) {
      const nowMs = elapsedMs();
      const before = seen.get(name);
      if (before?.value === value) return nowMs - before.sinceMs;
      seen.set(name, { value, sinceMs: nowMs });
      return 0;
    },

    watchOnly(names) {
      for (const name of seen.keys()) if (!names.has(name)) seen.delete(name);
    },

    newStepId() {
      lastMs = Math.max(lastMs + 1, clock());
      return newId(lastMs);
    },
  };
}
