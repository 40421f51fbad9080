import type { Digest, Json } from "../base/index.ts";
import type { Measurement } from "../contract/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Environments } from "../ports/python/index.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { RetryPolicy } from "./retry.ts";
import type { Timeouts } from "./timeouts.ts";

/** What a step may use beside its input. Nothing in it is a database: outcomes are published by the ledger alone. */
export interface StepContext {
  readonly objects: Objects;
  /** An empty folder of the attempt's own, removed afterwards. */
  readonly scratch: string;
  readonly threads: number;
  readonly memoryMb: number;
  progress(done: number, total: number, note?: string): void;
  readonly signal: AbortSignal;
  log(text: string): void;
  /** For work of minutes: what an earlier attempt at the same input kept, and a way to keep more. */
  readonly checkpoint: Checkpoint;
  /** Of this attempt alone, where something goes along with it (`attending.ts`). */
  readonly variables: Readonly<Record<string, string>>;
  /** For what runs in Python. */
  readonly environments: Environments;
}

/** What a step leaves: values by name and digests of the objects it stored. Published once, by the ledger. */
export interface StepManifest {
  /** Objects by role; they are pinned when the manifest is published. */
  readonly objects: Readonly<Record<string, Digest>>;
  /** Small facts: counts, boundaries, parameters. */
  readonly facts: Readonly<Record<string, Json>>;
  readonly measurements: readonly Measurement[];
}

/** A kind of step: JSON in, manifest out. The same input gives the same objects, or `revision` is raised. */
export interface StepKind<Input = Json> {
  readonly name: string;
  readonly revision: number;
  /** How its steps are tried again, and how long they may take, where a request does not say. */
  readonly retry?: RetryPolicy;
  readonly timeouts?: Timeouts;
  /** What it reads lies outside its input (files by path, an index of packages): on another machine its result is taken as it was recorded. */
  readonly readsOutside?: true;
  /** The same input may give other bytes (a foreign library): what comes of it is held against the record by its measurements. */
  readonly varies?: true;
  run(input: Input, context: StepContext): Promise<StepManifest>;
}
