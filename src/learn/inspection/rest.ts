/** Long work in the calling thread, cut into pieces so that progress is heard and cancelling is too. */
import { setImmediate } from "node:timers/promises";
import { throwIfCancelled } from "../crew/crew.ts";
import type { FitContext } from "../estimator.ts";

export type Listener = Pick<FitContext, "progress" | "signal">;

/** Tells that `done` of `total` pieces are done, and lets others have their turn. Error: `learn.cancelled`. */
export async function restAfter(done: number, total: number, { progress, signal }: Listener): Promise<void> {
  progress(done, total);
  await setImmediate();
  throwIfCancelled(signal);
}
