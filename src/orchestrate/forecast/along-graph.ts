/**
 * How long steps take together when so many of them run at a time and each stands behind those it needs: the run, played through as `run.ts` does it,
 * once for each draw from what the steps took before. Seeded: the same history gives the same answer.
 */
import { createRandom } from "../../base/index.ts";
import { median } from "./expectation.ts";

export interface WalkedStep {
  readonly id: string;
  /** Those that are not in the list are done already. */
  readonly needs: readonly string[];
  readonly wallMs: number;
  readonly memoryBytes: number;
}

export interface Walk {
  readonly wallMs: number;
  /** The most that was held by steps that ran at one time. */
  readonly memoryBytes: number;
}

/** Steps come in an order in which each stands behind what it needs; of those that are ready the first starts first. */
export function walk(steps: readonly WalkedStep[], concurrency: number): Walk {
  const waiting = new Set(steps.map(({ id }) => id));
  const running = new Map<WalkedStep, number>();
  const started = new Set<string>();
  let [now, memoryBytes] = [0, 0];
  while (waiting.size > 0) {
    for (const step of steps) {
      if (running.size >= concurrency) break;
      if (started.has(step.id) || step.needs.some((need) => waiting.has(need))) continue;
      started.add(step.id);
      running.set(step, now + step.wallMs);
    }
    memoryBytes = Math.max(
      memoryBytes,
      [...running.keys()].reduce((sum, step) => sum + step.memoryBytes, 0),
    );
    now = Math.min(...running.values());
    for (const [step, end] of running) {
      if (end > now) continue;
      running.delete(step);
      waiting.delete(step.id);
    }
  }
  return { wallMs: now, memoryBytes };
}

export interface DrawnStep extends Pick<WalkedStep, "id" | "needs"> {
  /** As likely as each other; not empty. */
  readonly wallMs: readonly number[];
  readonly memoryBytes: number;
}

const DRAWS = 200;

/** The middle of the draws, and the span that leaves out a tenth of them on each side. */
export function walkOften(
  steps: readonly DrawnStep[],
  concurrency: number,
): Walk & { readonly lowMs: number; readonly highMs: number } {
  const random = createRandom(1);
  const walks = Array.from({ length: DRAWS }, () =>
    walk(
      steps.map((step) => ({ ...step, wallMs: step.wallMs[random.below(step.wallMs.length)]! })),
      concurrency,
    ),
  );
  const spans = walks.map(({ wallMs }) => wallMs).sort((a, b) => a - b);
  return {
    wallMs: median(spans),
    lowMs: spans[DRAWS * 0.1]!,
    highMs: spans[DRAWS * 0.9 - 1]!,
    memoryBytes: Math.max(...walks.map(({ memoryBytes }) => memoryBytes)),
  };
}
