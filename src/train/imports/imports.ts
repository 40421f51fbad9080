/**
 * What other MLflow servers keep, taken over as it is there. What resolves is on disk, with what is remembered of it in the same commit: an import that ends half-way
 * is begun again from the start, and writes what is missing. Why ids are as they are: decisions/imports-merge.md.
 */
import type { Records } from "../../ports/records/index.ts";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { LoggedModelStatus, LoggedModels } from "../logged-models/logged-models.ts";
import type { DatasetInput, KeyValue, ModelLink, Point, RunStatus, Tracking } from "../tracking/index.ts";
import { createEntries } from "./entries.ts";
import { importArtifacts } from "./import-artifacts.ts";
import { importExperiment } from "./import-experiment.ts";
import { importLoggedModels } from "./import-logged-models.ts";
import { importPoints } from "./import-points.ts";
import { importRuns } from "./import-runs.ts";

export type Outcome = "new" | "changed" | "same";

/** What was not taken over, and why. */
export interface Left {
  readonly what: string;
  readonly why: string;
}

export interface ExperimentThere {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deleted: boolean;
  readonly tags: readonly KeyValue[];
}

export interface RunThere {
  readonly id: string;
  readonly name: string;
  readonly userId: string;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly deleted: boolean;
  /** When, where that is known. */
  readonly deletedAt?: number | undefined;
  readonly params: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
  readonly datasets: readonly DatasetInput[];
  readonly modelInputs: readonly ModelLink[];
  readonly modelOutputs: readonly ModelLink[];
  /** Digests of the histories of its metrics. */
  readonly histories: readonly { readonly key: string; readonly digest: string }[];
}

export interface HistoryThere {
  readonly run: string;
  readonly key: string;
  readonly points: readonly Point[];
  /** Of the whole history, with its last points. */
  readonly digest?: string | undefined;
}

export interface LoggedModelThere {
  readonly id: string;
  readonly name: string;
  readonly modelType: string | null;
  readonly sourceRunId: string | null;
  readonly status: LoggedModelStatus;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly params: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
  readonly metrics: readonly (Point & {
    readonly key: string;
    readonly runId: string;
    readonly dataset?: { readonly name: string; readonly digest: string } | undefined;
  })[];
}

export interface FileThere {
  /** Below the root of artifacts here. */
  readonly path: string;
  /** Another one where the file changed. */
  readonly stamp: string;
  readonly sizeBytes: number;
}

export interface Taken {
  readonly outcome: Outcome;
  readonly left: readonly Left[];
}

export interface TakenWithFiles extends Taken {
  readonly id: string;
  /** Where its files lie; null: not among the artifacts that are kept here. */
  readonly root: string | null;
}

export interface ImportOptions {
  /** Only says what would be done. */
  readonly dryRun?: boolean | undefined;
}

/** Errors of all but `begin`: `import.not-begun`. */
export interface Imports {
  begin(source: string, actor: string): Promise<void>;
  /** `experiment`: its id here; null where it would be new. */
  experiment(
    source: string,
    there: ExperimentThere,
    options?: ImportOptions,
  ): Promise<Taken & { readonly experiment: string | null }>;
  /** New ones go into this experiment. `wanted`: metrics whose points are not all here. Errors: `tracking.unknown-experiment`. */
  runs(
    source: string,
    experimentId: string | null,
    there: readonly RunThere[],
    options?: ImportOptions,
  ): Promise<(TakenWithFiles & { readonly wanted: readonly string[] })[]>;
  /** A point that is here already stays one. Errors: `tracking.unknown-run`. */
  points(source: string, there: readonly HistoryThere[]): Promise<(Left & { readonly run: string })[]>;
  /** Errors: `tracking.unknown-experiment`. */
  loggedModels(
    source: string,
    experimentId: string | null,
    there: readonly LoggedModelThere[],
    options?: ImportOptions,
  ): Promise<TakenWithFiles[]>;
  /** Files that are to be taken, and those that changed here and there. */
  compareFiles(source: string, there: readonly FileThere[]): Promise<{ readonly wanted: string[]; readonly left: Left[] }>;
  /** Errors: those of `Artifacts.put`. */
  file(
    source: string,
    there: Pick<FileThere, "path" | "stamp">,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly path: string; readonly sizeBytes: number }>;
}

export interface ImportsResources {
  readonly records: Records;
  readonly tracking: Tracking;
  readonly loggedModels: LoggedModels;
  readonly artifacts: Artifacts;
  readonly now?: () => number;
}

export function createImports({ records, tracking, loggedModels, artifacts, now = Date.now }: ImportsResources): Imports {
  const entries = createEntries(records, now);
  const files = importArtifacts({ records, artifacts, entries });
  const begun = async (source: string, dryRun = false) => {
    if (!dryRun) await entries.requireBegun(source);
  };
  return {
    begin: (source, actor) => entries.begin(source, actor),
    async experiment(source, there, { dryRun } = {}) {
      await begun(source, dryRun);
      return importExperiment({ source, there, dryRun, tracking, entries, now });
    },
    async runs(source, experimentId, there, { dryRun } = {}) {
      await begun(source, dryRun);
      return importRuns({ source, experimentId, there, dryRun, tracking, entries, now });
    },
    async points(source, there) {
      await begun(source);
      return importPoints({ source, there, tracking, entries });
    },
    async loggedModels(source, experimentId, there, { dryRun } = {}) {
      await begun(source, dryRun);
      return importLoggedModels({ source, experimentId, there, dryRun, records, tracking, loggedModels, entries });
    },
    compareFiles: files.compare,
    async file(source, there, bytes) {
      await begun(source);
      return files.take(source, there, bytes);
    },
  };
}
