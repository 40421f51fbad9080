/** The heartbeat of all attempts that run here: one timer renews their leases and writes their progress. */
import type { Progress } from "./attempt-folder.ts";
import { type Attempt, heartbeatStatements } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";

export interface Beating {
  readonly attempt: Attempt;
  progress: Progress | null;
  /** Called once when the attempt was taken over by another owner. */
  fenced(): void;
}

export interface Pulse {
  add(beating: Beating): void;
  remove(beating: Beating): void;
}

export function createPulse({ records, clock, leaseMs }: Surroundings): Pulse {
  const beats = new Set<Beating>();
  let timer: NodeJS.Timeout | undefined;

  return {
    add(beating) {
      beats.add(beating);
      timer ??= setInterval(() => beats.forEach(beat), leaseMs / 3).unref();
    },
    remove(beating) {
      beats.delete(beating);
      if (beats.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    },
  };

  async function beat(beating: Beating): Promise<void> {
    const nowMs = clock();
    const statements = heartbeatStatements(beating.attempt, nowMs + leaseMs, nowMs, beating.progress);
    const outcome = await records.commit(statements).catch(() => ({ committed: true })); // a missed beat is what the lease is for
    if (!outcome.committed && beats.delete(beating)) beating.fenced();
  }
}
