import { type Digest, digestOfJson } from "../base/index.ts";

/** What a step runs with beside its input, by name: Millwright major.minor, Node major, DuckDB, kernels, a Python step's lock file. */
export type Environment = Readonly<Record<string, string | number>>;

export interface StepIdentity {
  readonly kind: string;
  readonly revision: number;
  /** JSON. Texts that do not change the outcome (questions, owners, descriptions) are left out by the caller. */
  readonly input: unknown;
  readonly environment: Environment;
}

/** The name of a step's outcome: SHA-256 of RFC 8785 JSON. Same key: nothing runs. */
export const keyOf = ({ kind, revision, input, environment }: StepIdentity): Digest =>
  digestOfJson({ kind, revision, input, environment });
