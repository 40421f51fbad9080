/**
 * Keeps the state in memory as of what is in the records, where other servers write too.
 *
 *     rows (as of `folded`) -> state -> log behind it, group by group -> state as of `last`
 *
 * Each reading first asks for `last`, one small query that readings of the same moment share. A server that is further behind than the log reaches
 * takes the rows that changed since.
 */
import type { Records } from "../../ports/records/index.ts";
import { firstStanding, type Logged, readExperiments, readLog, readRuns, readStanding, type Standing } from "./rows.ts";
import { TrackingState } from "./state.ts";

export interface Replica {
  readonly state: TrackingState;
  /** The state with everything that was acknowledged before the call; what is read from it without waiting is of one moment. */
  fresh(): Promise<TrackingState>;
  /** What this server itself has committed behind `from`. */
  committed(from: number, group: readonly Logged[]): void;
}

export function createReplica(records: Records): Replica {
  const state = new TrackingState();
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;

  return {
    state,
    async fresh() {
      await refreshed();
      return state;
    },
    committed,
  };

  function refreshed(): Promise<void> {
    if (running === null) return (running = thenNext(refresh()));
    // One that is under way may have looked too early.
    return (next ??= thenNext(running.catch(() => undefined).then(refresh)));
  }

  function thenNext(work: Promise<void>): Promise<void> {
    return work.finally(() => {
      running = next;
      next = null;
    });
  }

  async function refresh(): Promise<void> {
    for (;;) {
      const standing = await stand();
      if (standing.folded > state.foldedTo) await takeRows(standing.folded);
      if (standing.last <= state.last) return;
      await takeLog(standing.last);
    }
  }

  async function stand(): Promise<Standing> {
    for (;;) {
      const standing = await readStanding(records);
      if (standing) return standing;
      await records.commit([firstStanding]);
    }
  }

  async function takeRows(folded: number): Promise<void> {
    if (state.last < folded) {
      const after = state.last;
      await takeExperiments(after);
      for await (const page of readRuns(records, after)) {
        if (page.some(({ patch }) => !state.experiments.has(patch.experimentId!))) await takeExperiments(after);
        for (const { change, lifecycle, patch, metrics, latest } of page) {
          state.replaceRun(patch, metrics, latest, change);
          state.runs.get(patch.run)!.lifecycle = lifecycle; // of one that is purged too
        }
      }
      state.last = folded;
    }
    state.folded(folded);
  }

  async function takeExperiments(after: number): Promise<void> {
    for (const { change, lifecycle, patch } of await readExperiments(records, after)) {
      const experiment = state.patchExperiment(patch, change);
      experiment.lifecycle = lifecycle;
      for (const key of experiment.tags.keys()) if (!patch.tags!.some(([kept]) => kept === key)) experiment.tags.delete(key);
    }
  }

  /** Stops where the log has a gap: it was folded meanwhile, and the rows have what is missing. */
  async function takeLog(until: number): Promise<void> {
    while (state.last < until) {
      const groups = await readLog(records, state.last);
      const before = state.last;
      for (const { last, group } of groups) committed(last - group.length, group);
      if (state.last === before) return;
    }
  }

  function committed(from: number, group: readonly Logged[]): void {
    if (from !== state.last) return;
    state.apply(group);
  }
}
