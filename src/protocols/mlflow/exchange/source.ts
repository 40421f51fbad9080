/** What an MLflow keeps, as it is read from a running server, from the folder of a file store, or from a database: one thing after the other, in bounded memory. */
import type { InputOf } from "../../../contract/index.ts";

export type ExperimentThere = InputOf<"importExperiment">["experiment"];
export interface RunThere {
  readonly run: Omit<InputOf<"importRuns">["runs"][number], "histories">;
  readonly artifactUri: string;
  /** Of its metrics. */
  readonly keys: readonly string[];
}
export interface LoggedModelThere {
  readonly model: InputOf<"importLoggedModels">["models"][number];
  readonly artifactUri: string;
}
export type RegisteredThere = InputOf<"importRegisteredModel">["model"] & {
  readonly aliases: readonly { readonly alias: string; readonly version: number }[];
};
export type VersionThere = InputOf<"importRegisteredModel">["versions"][number];

export interface PointThere {
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
}

export interface FileThere {
  /** Below the artifacts of its run or model. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Another one where the file changed. */
  readonly stamp: string;
  read(): AsyncIterable<Uint8Array>;
}

/** Whose files. */
export interface Owner {
  readonly kind: "run" | "logged model";
  readonly id: string;
  readonly experimentId: string;
  readonly artifactUri: string;
}

export interface Source {
  /** Without credentials: what is taken is remembered under it. */
  readonly name: string;
  /** Deleted ones too, as everywhere here. */
  experiments(): AsyncIterable<ExperimentThere>;
  /** In pages. */
  runs(experimentId: string): AsyncIterable<readonly RunThere[]>;
  /** Every point of every metric, a metric at once: of runs of one page. */
  histories(
    runs: readonly RunThere[],
  ): AsyncIterable<{ readonly run: string; readonly key: string; readonly points: readonly PointThere[] }>;
  loggedModels(experimentId: string): AsyncIterable<readonly LoggedModelThere[]>;
  registeredModels(): AsyncIterable<RegisteredThere>;
  /** In pages, by number. */
  versions(model: RegisteredThere): AsyncIterable<readonly VersionThere[]>;
  files(owner: Owner): AsyncIterable<FileThere>;
  close(): void;
}

/** Told where something cannot be read or is not followed: what, and why. */
export type Tell = (told: { readonly what: string; readonly why: string; readonly broken: boolean }) => void;
