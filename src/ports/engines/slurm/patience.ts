import { setTimeout as delay } from "node:timers/promises";
import { MillError } from "../../../base/index.ts";

const PAUSE_MS = 500;

export const isAway = (thrown: unknown) => thrown instanceof MillError && thrown.code === "engine.away";

/** Tries again for as long as Slurm is away, up to `patienceMs`; then its error is thrown, as any other is at once. */
export async function patiently<T>(patienceMs: number, work: () => Promise<T>): Promise<T> {
  const sinceMs = performance.now();
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      if (!isAway(thrown) || performance.now() - sinceMs > patienceMs) throw thrown;
      await delay(PAUSE_MS);
    }
  }
}
