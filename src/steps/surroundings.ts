import { didYouMean, MillError } from "../base/index.ts";
import type { Engine } from "../ports/engines/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Records } from "../ports/records/index.ts";
import type { Attend } from "./attending.ts";
import type { Folders } from "./folders.ts";
import type { Time } from "./time.ts";

/** Who runs attempts: found again after a crash, to tell whether it still lives. */
export interface Owner {
  readonly name: string;
  /** False only where it is known to be gone: of an owner on another machine the lease decides. */
  alive(name: string): boolean;
}

/** What all parts of the ledger work with. */
export interface Surroundings {
  readonly records: Records;
  readonly objects: Objects;
  /** Where steps may run; the first is the default. */
  readonly engines: readonly Engine[];
  /** Where the folders of attempts lie. */
  readonly folder: string;
  /** The wall clock, for what people read. */
  readonly clock: () => number;
  readonly time: Time;
  readonly leaseMs: number;
  readonly owner: Owner;
  /** How many steps of a pool run at one time. */
  readonly pools: Readonly<Record<string, number>>;
  /** Digest of what describes the infrastructure that a run begins on; null: nobody says. */
  readonly infrastructure: () => string | null;
  readonly folders: Folders;
  /** Default: nothing goes along with any attempt. */
  readonly attend?: Attend;
}

/** Errors: `engine.unknown`. */
export function engineNamed(engines: readonly Engine[], name = engines[0]!.name): Engine {
  const engine = engines.find((one) => one.name === name);
  if (engine) return engine;
  const names = engines.map((one) => one.name);
  throw new MillError("engine.unknown", `There is no engine "${name}".${didYouMean(name, names)}`, {
    expected: names.join(", "),
    got: name,
    fix: "Name one of these, or leave it out: the first is the default.",
  });
}

/** Errors: `step.unknown-pool`. */
export function requirePool(pools: Surroundings["pools"], pool: string): void {
  if (pools[pool] !== undefined) return;
  const names = Object.keys(pools);
  throw new MillError("step.unknown-pool", `There is no pool "${pool}".${didYouMean(pool, names)}`, {
    expected: names.join(", ") || "no pool: none has a limit here",
    got: pool,
    fix: "Name one of these, or give the pool a limit.",
  });
}
