/** From an asking to its outcome: reused, waited for, queued, tried, and tried again. */
import { setTimeout as delay } from "node:timers/promises";
import { type Ending, type Outcome, runAttempt, type Waiter } from "./attempt.ts";
import { type Asked, begin, enqueue, isAbandoned, type OpenStep, openStepOf } from "./claim.ts";
import type { Pulse } from "./pulse.ts";
import type { Queue } from "./queue.ts";
import { jobOf, reconcile } from "./recover.ts";
import type { Results } from "./results.ts";
import type { RetryPolicy } from "./retry.ts";
import type { Attempt } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";
import { firstOf, startTimer, type Timeouts, timeoutOf } from "./timeouts.ts";

/** What carries steps out, one of each a ledger. */
export interface Works {
  readonly surroundings: Surroundings;
  readonly results: Results;
  readonly pulse: Pulse;
  readonly queue: Queue;
}

export interface Wanted extends Asked {
  readonly threads: number;
  readonly memoryMb: number;
  readonly retry: RetryPolicy;
  readonly timeouts: Timeouts;
  /** How often it was tried before; default never. */
  readonly triesBefore?: number;
  /** Not to be tried before so long; default at once. */
  readonly dueInMs?: number;
}

const POLL_MS = 100;

/** `begun`: the first attempt, where it is claimed already. */
export async function carryOut(works: Works, wanted: Wanted, waiter: Waiter, begun?: Attempt): Promise<Outcome> {
  const { surroundings, pulse, queue } = works;
  const { elapsedMs } = surroundings.time;
  const step = `${wanted.kind} of ${wanted.target}`;
  const toStart = startTimer(wanted.timeouts, "scheduleToStartMs", step);
  const toClose = startTimer(wanted.timeouts, "scheduleToCloseMs", step);
  const signal = firstOf(waiter.signal, toClose.signal);
  try {
    let attempt =
      begun ??
      (await take(works, wanted, { ...waiter, signal: firstOf(signal, toStart.signal) }, elapsedMs() + (wanted.dueInMs ?? 0)));
    toStart.clear();
    for (let tries = 1 + (wanted.triesBefore ?? 0); ; tries++) {
      if ("state" in attempt) return attempt;
      const ending: Ending = await runAttempt(surroundings, pulse, attempt, {
        ...wanted,
        ...waiter,
        ...{ signal, tries },
      });
      queue.nudge();
      if (ending && ending.state !== "again") return ending;
      if (ending === null) tries = 0; // another owner has it: whatever comes then is told as its own
      attempt = await take(works, wanted, { ...waiter, signal }, elapsedMs() + (ending?.dueInMs ?? 0));
    }
  } finally {
    toStart.clear();
    toClose.clear();
  }
}

/** An attempt of the step, once it may start (not before `dueAtMs` of elapsed time), or the outcome that somebody else's attempt had. */
async function take(works: Works, asked: Asked, waiter: Waiter, dueAtMs: number): Promise<Attempt | Outcome> {
  const { surroundings, results, queue } = works;
  const { key } = asked;
  const { signal } = waiter;
  for (;;) {
    const [result, open] = await Promise.all([results.findOrForget(key), openStepOf(surroundings, key)]);
    if (result) return { state: "reused", ...result };
    if (signal.aborted && !isOursQueued(open, surroundings)) return overdue(signal, open);
    if (open && open.state !== "lost" && !isAbandoned(open, surroundings)) {
      await delay(POLL_MS, undefined, { signal }).catch(() => undefined); // another owner looks after it
      continue;
    }
    if (open?.state === "running") {
      const ending = await takeOver(works, open, waiter);
      if (ending && ending.state !== "again") return ending;
      continue;
    }
    const attempt = open?.state === "queued" ? null : await begin(surroundings, asked, open);
    const queued = attempt ? null : await enqueue(surroundings, asked, open);
    const taken = attempt ?? (queued && (await queue.wait({ ...queued, dueAtMs }, asked, signal)));
    if (taken) return taken;
  }
}

/** An abandoned attempt: published, lost, or looked after from here on. An engine that does not answer is asked again. */
async function takeOver(works: Works, open: OpenStep, waiter: Waiter): Promise<Ending> {
  const { verdict, adopted } = await reconcile(works, open, await jobOf(works.surroundings, open));
  if (adopted) return adopted.wait(waiter);
  if (!verdict) await delay(POLL_MS, undefined, { signal: waiter.signal }).catch(() => undefined);
  return null;
}

/** One that waits to be tried again is in the queue already, and ends there. */
const isOursQueued = (open: OpenStep | null, { owner }: Surroundings) => open?.state === "queued" && open.owner === owner.name;

function overdue(signal: AbortSignal, open: OpenStep | null): Outcome {
  const error = timeoutOf(signal);
  if (!error) return { state: "cancelled" };
  if (!open) throw error;
  return { state: "failed", error, stepId: open.stepId };
}
