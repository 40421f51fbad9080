import type { FitContext } from "../estimator.ts";

/** Parts of each stage that its progress is told in. */
const STEPS = 1000;

/**
 * Cuts the progress of long work into `count` stages of equal length: gives the context of each, whose progress goes on from the one before. What the stages
 * warn of is passed on with their name.
 */
export function stagesOf(context: FitContext, count: number): (index: number, name: string) => FitContext {
  let reached = 0;
  const told = (done: number, note: string) => {
    if (done <= reached) return;
    reached = done;
    context.progress(done, count * STEPS, note);
  };
  return (index, name) => ({
    threads: context.threads,
    seed: context.seed,
    signal: context.signal,
    progress: (done, total, note) => {
      const part = total > 0 ? Math.floor((STEPS * done) / total) : 0;
      told(index * STEPS + Math.min(part, STEPS), note === undefined ? name : `${name}: ${note}`);
    },
    warn: (warning) => context.warn({ ...warning, message: `${name}: ${warning.message}` }),
  });
}
