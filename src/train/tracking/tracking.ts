import type { Statement } from "../../ports/records/index.ts";
import type { ExperimentTaken, RunTaken } from "./take-over.ts";

/**
 * Experiments and their runs: parameters, metrics with their whole history, tags and inputs, as MLflow's users know them.
 *
 * Whatever resolves is on disk, and every later reading sees it, in each server of the same records. Times are milliseconds since 1970.
 */
export interface Tracking {
  /** A location is made below the store's root where none is given. Errors: `tracking.experiment-exists`, `tracking.bad-value`. */
  createExperiment(experiment: NewExperiment): Promise<Experiment>;
  /** Deleted ones too. Errors: `tracking.unknown-experiment`. */
  experiment(id: string): Promise<Experiment>;
  /** Deleted ones too. Errors: `tracking.unknown-experiment`. */
  experimentNamed(name: string): Promise<Experiment>;
  /** Errors: `tracking.unknown-experiment`, `tracking.not-active`, `tracking.experiment-exists`, `tracking.bad-value`. */
  renameExperiment(id: string, name: string): Promise<void>;
  /** With all its runs. Errors: `tracking.unknown-experiment` also where it is deleted already. */
  deleteExperiment(id: string): Promise<void>;
  /** With all its runs. Errors: `tracking.unknown-experiment` also where it is not deleted. */
  restoreExperiment(id: string): Promise<void>;
  /** Errors: `tracking.unknown-experiment`, `tracking.not-active`, `tracking.bad-value`. */
  setExperimentTag(id: string, key: string, value: string): Promise<void>;
  /** Errors: `tracking.unknown-experiment`, `tracking.not-active`, `tracking.unknown-tag`. */
  deleteExperimentTag(id: string, key: string): Promise<void>;
  /** Those created last first. Errors: `tracking.filter`, `tracking.order`, `tracking.page`. */
  searchExperiments(search?: Search): Promise<Page<Experiment>>;

  /** A run that is running; without a name it gets a made-up one. Errors: `tracking.unknown-experiment`, `tracking.not-active`, `tracking.bad-value`. */
  createRun(run: NewRun): Promise<Run>;
  /** Deleted ones too. Errors: `tracking.unknown-run`. */
  run(id: string): Promise<Run>;
  /** Those of these that there are, deleted ones too. */
  runs(ids: readonly string[]): Promise<Run[]>;
  /** Errors: `tracking.unknown-run`, `tracking.not-active`, `tracking.bad-value`. */
  updateRun(id: string, change: RunChange): Promise<Run>;
  /** Nothing happens to one that is deleted already. Errors: `tracking.unknown-run`. */
  deleteRun(id: string): Promise<void>;
  /** Errors: `tracking.unknown-run`. */
  restoreRun(id: string): Promise<void>;
  /**
   * All of it or nothing. A parameter keeps its first value; the same point twice is one; of a tag the last value stands.
   * Errors: `tracking.unknown-run`, `tracking.not-active`, `tracking.param-changed`, `tracking.bad-value`.
   */
  log(runId: string, entries: LogEntries): Promise<void>;
  /** Errors: `tracking.unknown-run`, `tracking.not-active`, `tracking.unknown-tag`. */
  deleteTag(runId: string, key: string): Promise<void>;
  /** What the run read: a data set counts once by name and digest. Errors: `tracking.unknown-run`, `tracking.not-active`, `tracking.bad-value`. */
  logInputs(
    runId: string,
    inputs: { readonly datasets?: readonly DatasetInput[]; readonly models?: readonly ModelLink[] },
  ): Promise<void>;
  /** Models that the run made. Errors: `tracking.unknown-run`, `tracking.not-active`. */
  logOutputs(runId: string, models: readonly ModelLink[]): Promise<void>;
  /** Those started last first. Errors: `tracking.filter`, `tracking.order`, `tracking.page`. */
  searchRuns(search: RunSearch): Promise<Page<Run>>;

  /**
   * The points of one metric by timestamp, step and value; none of a key that the run does not know. A page has 25,000 at most, which is the default.
   * Errors: `tracking.unknown-run`, `tracking.page`.
   */
  history(asked: { readonly runId: string; readonly key: string } & PageAsked): Promise<Page<Point>>;
  /**
   * At most `pointsMax` points by step, evenly picked; the first and last step are always among them.
   * Errors: `tracking.unknown-run`.
   */
  curve(asked: {
    readonly runId: string;
    readonly key: string;
    readonly pointsMax: number;
    /** Both ends belong to it. */
    readonly steps?: { readonly from: number; readonly to: number };
  }): Promise<Point[]>;
  /** Latest metrics and parameters of up to 1,000 runs side by side, a column a key. Errors: `tracking.unknown-run`, `tracking.bad-value`. */
  compare(runIds: readonly string[]): Promise<Comparison>;
  /** The data sets that runs of these experiments read. */
  datasets(experimentIds: readonly string[]): Promise<DatasetSummary[]>;
  /** The latest metrics that were logged for a model, by key and data set. */
  modelMetrics(modelIds: readonly string[]): Promise<ModelMetric[]>;

  /** One as it is elsewhere, with what is to be committed beside it; gives the id that it got. Errors: `tracking.experiment-exists`, `tracking.bad-value`. */
  takeExperiment(experiment: ExperimentTaken, also: (id: string) => readonly Statement[]): Promise<string>;
  /** Runs as they are elsewhere, in one commit. Of one that is there only what is given changes. Errors: `tracking.bad-value`. */
  takeRuns(runs: readonly RunTaken[], also: readonly Statement[]): Promise<void>;

  /** What was deleted before a time and may be purged: runs, and experiments all of whose runs were. */
  deletedBefore(at: number): Promise<DeletedBefore>;
  /**
   * Takes them away for good, with parameters, tags and points; one that was restored meanwhile stays. An id of a run may be given again, to an import.
   * Tells which are gone.
   */
  purge(what: {
    readonly runIds: readonly string[];
    readonly experimentIds: readonly string[];
  }): Promise<{ readonly runIds: readonly string[]; readonly experimentIds: readonly string[] }>;

  /** Brings the rows up to date with what was logged; happens by itself. */
  fold(): Promise<void>;
  close(): Promise<void>;
}

export interface DeletedBefore {
  readonly runs: readonly Pick<Run, "id" | "experimentId" | "artifactUri">[];
  readonly experiments: readonly Pick<Experiment, "id" | "name" | "artifactLocation">[];
}

export interface NewExperiment {
  /** At most 500 characters, not empty. */
  readonly name: string;
  readonly artifactLocation?: string | undefined;
  readonly tags?: Tags;
}

export interface Experiment {
  /** A decimal number; "0" is the one named "Default". */
  readonly id: string;
  readonly name: string;
  readonly artifactLocation: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Null while it is active. */
  readonly deletedAt: number | null;
  readonly tags: Tags;
}

export type Tags = Readonly<Record<string, string>>;

export type RunStatus = "RUNNING" | "SCHEDULED" | "FINISHED" | "FAILED" | "KILLED";

export interface NewRun {
  readonly experimentId: string;
  readonly name?: string | undefined;
  readonly userId?: string | undefined;
  /** Default: now. */
  readonly startedAt?: number | undefined;
  /** `mlflow.runName` must be the name where both are given; `mlflow.parentRunId` nests the run. */
  readonly tags?: Tags;
  /** For an import: 32 hexadecimal digits; default: a new one. Errors: `tracking.run-exists`. */
  readonly id?: string | undefined;
}

export interface RunChange {
  readonly status?: RunStatus | undefined;
  readonly endedAt?: number | undefined;
  readonly name?: string | undefined;
}

export interface Run {
  readonly id: string;
  readonly experimentId: string;
  readonly name: string;
  readonly userId: string;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly deletedAt: number | null;
  readonly artifactUri: string;
  readonly params: Tags;
  readonly tags: Tags;
  /** The latest of each key: greatest step, then timestamp, then value. */
  readonly metrics: readonly Metric[];
  readonly datasets: readonly DatasetInput[];
  readonly modelInputs: readonly ModelLink[];
  readonly modelOutputs: readonly ModelLink[];
}

export interface Point {
  /** NaN and both infinities are values. */
  readonly value: number;
  /** A whole number from 0 on. */
  readonly timestamp: number;
  /** A whole number, also below 0. */
  readonly step: number;
}

export interface Metric extends Point {
  readonly key: string;
}

export interface LoggedMetric extends Metric {
  /** The logged model that was measured, and on what data. */
  readonly modelId?: string | undefined;
  readonly dataset?: { readonly name: string; readonly digest: string } | undefined;
}

export interface ModelMetric extends Metric {
  readonly modelId: string;
  readonly runId: string;
  readonly dataset: { readonly name: string; readonly digest: string } | null;
}

export interface LogEntries {
  readonly metrics?: readonly LoggedMetric[] | undefined;
  readonly params?: readonly KeyValue[] | undefined;
  readonly tags?: readonly KeyValue[] | undefined;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

export interface DatasetInput {
  readonly name: string;
  readonly digest: string;
  readonly sourceType: string;
  readonly source: string;
  readonly schema?: string | undefined;
  readonly profile?: string | undefined;
  /** `mlflow.data.context` says what it was for. */
  readonly tags: Tags;
}

export interface DatasetSummary {
  readonly experimentId: string;
  readonly name: string;
  readonly digest: string;
  readonly context: string | null;
}

export interface ModelLink {
  readonly modelId: string;
  readonly step?: number | undefined;
}

export interface PageAsked {
  /** Default 1000, at most 50,000. */
  readonly limit?: number | undefined;
  /** What the page before gave. */
  readonly pageToken?: string | undefined;
}

export interface Search extends PageAsked {
  /** The grammar stands at the top of `filter.ts`; empty: everything. */
  readonly filter?: string | undefined;
  /** `entity.key [ASC|DESC]`, each field once; nulls come last, and NaN before them. */
  readonly orderBy?: readonly string[] | undefined;
  /** Default: active. */
  readonly view?: "active" | "deleted" | "all" | undefined;
}

export interface RunSearch extends Search {
  readonly experimentIds: readonly string[];
}

export interface Page<T> {
  readonly items: T[];
  /** Null on the last page. It names a place in the order, so that writes in between move nothing across pages. */
  readonly nextPageToken: string | null;
}

export interface Comparison {
  readonly runIds: readonly string[];
  /** Only keys that one of the runs has; null where a run has none. */
  readonly metrics: Readonly<Record<string, readonly (number | null)[]>>;
  readonly params: Readonly<Record<string, readonly (string | null)[]>>;
}
