import type { Engine } from "../ports/engines/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Records } from "../ports/records/index.ts";

/** Who runs attempts: found again after a crash, to tell whether it still lives. */
export interface Owner {
  readonly name: string;
  alive(name: string): boolean;
}

/** What all parts of the ledger work with. */
export interface Surroundings {
  readonly records: Records;
  readonly objects: Objects;
  readonly engine: Engine;
  /** Where the folders of attempts lie. */
  readonly folder: string;
  readonly clock: () => number;
  readonly leaseMs: number;
  readonly owner: Owner;
  /** Digest of what describes the infrastructure that a run begins on; null: nobody says. */
  readonly infrastructure: () => string | null;
  /** Work that nobody waits for before the ledger closes: folders that are removed. */
  readonly tidying: Set<Promise<void>>;
}
