/**
 * Taking away for good what was deleted: nothing is left but ids, from which every server of the same records learns that they are gone. Points go when the
 * log is folded into rows.
 */
import type { Statement } from "../../ports/records/index.ts";
import type { Change } from "./change.ts";
import type { TrackingState } from "./state.ts";
import type { DeletedBefore } from "./tracking.ts";
import type { Planner } from "./writer.ts";

/** There is always the experiment "0". */
const ALWAYS = "0";

/** What was deleted before a time: runs, and experiments that have no other ones. */
export function deletedBefore(state: TrackingState, at: number): DeletedBefore {
  const isOld = ({ deletedAt, purged }: { readonly deletedAt: number | null; readonly purged: boolean }) =>
    !purged && deletedAt !== null && deletedAt < at;
  const experiments = [...state.experiments.values()].filter(
    (one) => one.id !== ALWAYS && isOld(one) && one.runs.every((run) => run.purged || isOld(run)),
  );
  return {
    runs: [...state.runs.values()]
      .filter(isOld)
      .map(({ id, experiment, artifactUri }) => ({ id, experimentId: experiment.id, artifactUri })),
    experiments: experiments.map(({ id, name, artifactLocation }) => ({ id, name, artifactLocation })),
  };
}

/** Those that are deleted still; tells which. */
export const purgeRuns =
  (ids: readonly string[]): Planner<readonly string[]> =>
  (draft) => {
    const gone = ids.flatMap((id) => {
      const run = draft.run(id);
      return run && run.deletedAt !== null ? [run] : [];
    });
    const changes = gone.map(({ id, experimentId }): Change => ({ run: id, experimentId, purged: true }));
    const statements = gone.map(({ id }) => ({ sql: "DELETE FROM tracking_model_metrics WHERE run_id = ?", params: [id] }));
    return { changes: changes.map(unmeasured), statements, answer: gone.map(({ id }) => id) };
  };

/** Those that are deleted still and have no run left; tells which. */
export const purgeExperiments =
  (ids: readonly string[], { experiments }: TrackingState): Planner<readonly string[]> =>
  (draft) => {
    const gone = ids.filter((id) => {
      const experiment = draft.experiment(id);
      return experiment && experiment.deletedAt !== null && experiments.get(id)!.runs.every(({ purged }) => purged);
    });
    const statements: Statement[] = gone.map((id) => ({
      sql: "DELETE FROM tracking_datasets WHERE experiment_id = ?",
      params: [id],
    }));
    return { changes: gone.map((id): Change => ({ experiment: id, purged: true })).map(unmeasured), statements, answer: gone };
  };

const unmeasured = (change: Change) => ({ change, batch: null });
