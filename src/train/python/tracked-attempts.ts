/**
 * The attempts of scripts as runs of tracking: one each, in the experiment of its model, which any MLflow client in the script finds by its environment.
 *
 *     begin -> run "RUNNING", credential -> MLFLOW_TRACKING_*, MLFLOW_RUN_ID -> script -> end -> "FINISHED" | "FAILED" | "KILLED"
 */
import { asMillError, digestOfJson } from "../../base/index.ts";
import type { Records } from "../../ports/records/index.ts";
import type { Attend } from "../../steps/index.ts";
import type { ArtifactVerb } from "../artifacts/verbs.ts";
import type { LoggedModelVerb } from "../logged-models/verbs.ts";
import type { RunChange, Tracking } from "../tracking/index.ts";
import type { TrackingVerb } from "../tracking/verbs.ts";
import { fit, UNTRACKED } from "./fit.ts";

export interface TrackedAttemptsOptions {
  readonly records: Records;
  readonly tracking: Tracking;
  /** Where programs of this machine log, and as whom; `end` ends that. */
  admit(): Promise<{ readonly address: string; readonly username: string; readonly password: string; end(): void }>;
}

export interface TrackedAttempts {
  readonly attend: Attend;
  /** Ends the runs of attempts that a recovery has ended since a moment, in milliseconds since 1970: who began them is gone. */
  settle(sinceMs: number): Promise<void>;
}

/** What a script may do at that address: log, and look. */
export const SCRIPT_VERBS: readonly (TrackingVerb | ArtifactVerb | LoggedModelVerb)[] = [
  ...(["searchExperiments", "getExperiment", "findExperiment", "createExperiment", "setExperimentTag"] as const),
  ...(["createTrackedRun", "getTrackedRun", "updateTrackedRun", "logToRun", "deleteRunTag"] as const),
  ...(["logRunInputs", "logRunOutputs", "searchTrackedRuns", "metricHistory", "metricCurve", "compareRuns"] as const),
  ...(["listArtifacts", "getArtifact", "putArtifact", "beginArtifactUpload", "putArtifactPart"] as const),
  ...(["completeArtifactUpload", "abortArtifactUpload"] as const),
  ...(["createLoggedModel", "getLoggedModel", "finishLoggedModel", "describeLoggedModel", "searchLoggedModels"] as const),
];

const ENDED = { succeeded: "FINISHED", failed: "FAILED", cancelled: "KILLED", lost: "FAILED" } as const;

export function createTrackedAttempts({ records, tracking, admit }: TrackedAttemptsOptions): TrackedAttempts {
  return {
    async attend({ kind, target, runId, stepId, fence }) {
      if (kind !== fit.name) return null;
      try {
        const model = target.slice(target.indexOf("/") + 1);
        const experimentId = await experimentOf(tracking, model);
        const tags = { "mill.step": stepId, "mill.model": model, ...(runId !== null && { "mill.run": runId }) };
        const run = await tracking.createRun({ id: runOf(stepId, fence), experimentId, userId: "millwright", tags });
        const { address, username, password, end } = await admit();
        return {
          variables: {
            ...variablesFor({ address, username, password }),
            MLFLOW_EXPERIMENT_ID: experimentId,
            MLFLOW_RUN_ID: run.id,
          },
          async end(state) {
            end();
            await endRun(run.id, { status: ENDED[state], endedAt: Date.now() });
          },
        };
      } catch (error) {
        return { variables: { [UNTRACKED]: asMillError(error).message }, end: async () => undefined }; // no reason not to train
      }
    },

    async settle(sinceMs) {
      const ended = await records.query<{ stepId: string; fence: number; outcome: keyof typeof ENDED; endedAt: number }>(
        `SELECT a.step_id AS "stepId", a.fence AS fence, a.outcome AS outcome, a.ended_at AS "endedAt"
          FROM attempts a JOIN steps s ON s.id = a.step_id WHERE s.kind = ? AND a.ended_at >= ?`,
        [fit.name, sinceMs],
      );
      if (ended.length === 0) return;
      const byRun = new Map(ended.map((attempt) => [runOf(attempt.stepId, attempt.fence), attempt]));
      for (const { id, status } of await tracking.runs([...byRun.keys()])) {
        const { outcome, endedAt } = byRun.get(id)!;
        if (status === "RUNNING") await endRun(id, { status: ENDED[outcome], endedAt });
      }
    },
  };

  /** One that the script deleted has no end. */
  async function endRun(id: string, change: RunChange): Promise<void> {
    await tracking.updateRun(id, change).catch(() => undefined);
  }
}

/** As MLflow's clients read them. */
const variablesFor = (to: { readonly address: string; readonly username: string; readonly password: string }) => ({
  MLFLOW_TRACKING_URI: to.address,
  MLFLOW_TRACKING_USERNAME: to.username,
  MLFLOW_TRACKING_PASSWORD: to.password,
  MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT: "true",
});

/** Known without asking, so that what a crash left is found again. */
const runOf = (stepId: string, fence: number): string => digestOfJson({ stepId, fence }).slice("sha256:".length).slice(0, 32);

/** The one of the model's name; made by whoever is first. */
async function experimentOf(tracking: Tracking, name: string): Promise<string> {
  const find = () => tracking.experimentNamed(name).then(({ id }) => id);
  return find().catch(() => tracking.createExperiment({ name }).then(({ id }) => id, find));
}
