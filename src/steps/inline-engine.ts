import { type Engine, type JobExit, jobName, type ListedJob, type RunningJob } from "../ports/engines/index.ts";
import type { StepKind } from "./kind.ts";
import { performStep, type StepResources } from "./run-step.ts";

interface Running extends RunningJob {
  readonly listed: ListedJob;
}

/** Runs steps in this very process: for tests and measurements. It has no memory cap, and what it runs dies with the process. */
export function createInlineEngine(kinds: readonly StepKind<never>[], resources: StepResources): Engine {
  const running = new Map<string, Running>();

  return {
    name: "inline",
    near: true,
    async start({ stepId, fence, folder, variables = {} }, onLine) {
      const handle = jobName({ stepId, fence });
      const started = running.get(handle);
      if (started) return started;
      const stopping = new AbortController();
      const exit = performStep(folder, kinds, { ...resources, variables, signal: stopping.signal, print: onLine })
        .finally(() => running.delete(handle))
        .then((code): JobExit => {
          return { code, signal: null, stderr: "", endedFor: stopping.signal.aborted ? "cancel" : null, usage: null };
        });
      const job: Running = {
        ...{ handle, exit, cancel: () => stopping.abort() },
        listed: { stepId, fence, handle, state: "running" },
      };
      running.set(handle, job);
      return job;
    },
    attach: async () => null,
    list: async () => [...running.values()].map(({ listed }) => listed),
    alive: async (handle) => running.has(handle),
    async end(handle) {
      const job = running.get(handle);
      job?.cancel();
      await job?.exit;
    },
  };
}
