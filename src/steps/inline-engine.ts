import type { Engine, JobExit } from "../ports/engines/index.ts";
import type { StepKind } from "./kind.ts";
import { performStep, type StepResources } from "./run-step.ts";

/** Runs steps in this very process: for tests and measurements. It has no memory cap, and what it runs dies with the process. */
export function createInlineEngine(kinds: readonly StepKind<never>[], resources: StepResources): Engine {
  const running = new Map<string, { readonly stopping: AbortController; readonly exit: Promise<JobExit> }>();

  return {
    name: "inline",
    async start({ stepId, fence, folder }, onLine) {
      const stopping = new AbortController();
      const handle = `${stepId}-${fence}`;
      const exit = performStep(folder, kinds, { ...resources, signal: stopping.signal, print: onLine })
        .finally(() => running.delete(handle))
        .then((code): JobExit => {
          return { code, signal: null, stderr: "", endedFor: stopping.signal.aborted ? "cancel" : null, usage: null };
        });
      running.set(handle, { stopping, exit });
      return { handle, exit, cancel: () => stopping.abort() };
    },
    alive: async (handle) => running.has(handle),
    async end(handle) {
      const job = running.get(handle);
      job?.stopping.abort();
      await job?.exit;
    },
  };
}
