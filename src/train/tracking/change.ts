/** What happened to an experiment or a run, as the log and the rows hold it: only what changed; the first change makes it. */
import type { ModelLink, RunStatus } from "./tracking.ts";

export type Change = ExperimentChange | RunPatch;

/** Null: the tag is taken away. */
export type TagChange = readonly [key: string, value: string | null];

export interface ExperimentChange {
  readonly experiment: string;
  readonly name?: string;
  readonly artifactLocation?: string;
  readonly createdAt?: number;
  readonly updatedAt?: number;
  readonly deletedAt?: number | null;
  readonly tags?: readonly TagChange[];
  /** It is gone for good: its id alone is left, so that every server hears of it. */
  readonly purged?: true;
}

export interface RunPatch {
  readonly run: string;
  /** Of the first change, and of the one that purges it. */
  readonly experimentId?: string;
  readonly name?: string;
  readonly userId?: string;
  readonly status?: RunStatus;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly deletedAt?: number | null;
  readonly params?: readonly (readonly [key: string, value: string])[];
  readonly tags?: readonly TagChange[];
  readonly datasets?: readonly DatasetLink[];
  readonly modelInputs?: readonly ModelLink[];
  readonly modelOutputs?: readonly ModelLink[];
  /** The keys of its points, which lie in a batch beside it. */
  readonly metrics?: readonly string[];
  /** As of an experiment. */
  readonly purged?: true;
}

export interface DatasetLink {
  readonly name: string;
  readonly digest: string;
  readonly tags: readonly (readonly [key: string, value: string])[];
}
