/**
 * The heartbeat of all attempts that run here. One timer renews their leases and writes their progress, all in one commit, and asks in one
 * query whether each is still this owner's and still wanted.
 */
import type { Param } from "../ports/records/index.ts";
import type { Progress } from "./attempt-folder.ts";
import { type Attempt, heartbeatStatements } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";

/** `fenced`: a newer attempt has its step, or nobody; `displaced`: another owner looks after this very attempt; `cancelled`: somebody wants it to end. */
export type Ceased = "fenced" | "displaced" | "cancelled";

export interface Beating {
  readonly attempt: Attempt;
  progress: Progress | null;
  /** Called once. */
  ceased(why: Ceased): void;
}

export interface Pulse {
  add(beating: Beating): void;
  remove(beating: Beating): void;
  /** Asks at once what it otherwise asks every second. */
  look(): Promise<void>;
}

const LOOK_MS = 1000;
const BATCH = 500;

export function createPulse({ records, clock, leaseMs }: Surroundings): Pulse {
  const beats = new Set<Beating>();
  const everyMs = Math.min(LOOK_MS, leaseMs / 3);
  let timer: NodeJS.Timeout | undefined;
  let renewedAt = performance.now();

  return {
    add(beating) {
      beats.add(beating);
      if (timer) return;
      renewedAt = performance.now();
      timer = setInterval(() => void beat(), everyMs).unref();
    },
    remove(beating) {
      beats.delete(beating);
      if (beats.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    },
    look,
  };

  /** A missed beat is what the lease is for. */
  async function beat(): Promise<void> {
    const dueInMs = leaseMs / 3 - (performance.now() - renewedAt);
    if (dueInMs < everyMs / 2) await renew().catch(() => undefined);
    await look().catch(() => undefined);
  }

  async function renew(): Promise<void> {
    renewedAt = performance.now();
    const nowMs = clock();
    for (const batch of batches()) {
      const statements = batch.flatMap((one) => heartbeatStatements(one.attempt, nowMs + leaseMs, nowMs, one.progress));
      await records.commit(statements, { lazy: true });
    }
  }

  async function look(): Promise<void> {
    for (const batch of batches()) {
      const found = await statesOf(batch.map(({ attempt }) => attempt.stepId));
      for (const beating of batch) {
        const why = ceasedFor(beating.attempt, found.get(beating.attempt.stepId));
        if (why && beats.delete(beating)) beating.ceased(why);
      }
    }
  }

  async function statesOf(ids: readonly Param[]): Promise<Map<string, StepState>> {
    const places = ids.map(() => "?").join(", ");
    const rows = await records.query<StepState & { id: string }>(
      `SELECT id, fence, state, owner, cancel_at AS "cancelAt" FROM steps WHERE id IN (${places})`,
      ids,
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  function ceasedFor({ fence, owner }: Attempt, step: StepState | undefined): Ceased | null {
    if (step?.state !== "running" || step.fence !== fence) return "fenced";
    if (step.owner !== owner) return "displaced";
    return step.cancelAt === null ? null : "cancelled";
  }

  function batches(): Beating[][] {
    const all = [...beats];
    return Array.from({ length: Math.ceil(all.length / BATCH) }, (_, batch) => all.slice(batch * BATCH, (batch + 1) * BATCH));
  }
}

interface StepState {
  readonly fence: number;
  readonly state: string;
  readonly owner: string | null;
  readonly cancelAt: number | null;
}
