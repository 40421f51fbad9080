import type { Records } from "../../ports/records/index.ts";
import type { Tree } from "../tree/tree.ts";
import type { RepositoryGuards } from "./guards.ts";
import type { Moves } from "./moves.ts";
import type { Staging } from "./staging.ts";

/** What the operations of one repository work with. */
export interface Workings {
  readonly repository: string;
  readonly records: Records;
  readonly tree: Tree;
  readonly clock: () => number;
  readonly moves: Moves;
  readonly staging: Staging;
  readonly guards: RepositoryGuards | null;
}
