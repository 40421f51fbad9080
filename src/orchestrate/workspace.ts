import type { createQueues } from "../base/index.ts";
import type { Project } from "../define/index.ts";
import type { Lake } from "../lake/index.ts";
import type { Monitor } from "../monitor/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Environments } from "../ports/python/index.ts";
import type { Records } from "../ports/records/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import type { Registry } from "../registry/index.ts";
import type { Serving, Story } from "../serve/index.ts";
import type { Ledger } from "../steps/index.ts";
import type { Sources } from "./sources.ts";

/** What the verbs work with; `main.ts` puts it together. */
export interface Workspace {
  /** The definitions as they are now: read again when a file of the project has changed. */
  project(): Promise<Project>;
  readonly projectFolder: string;
  readonly records: Records;
  readonly objects: Objects;
  readonly lake: Lake;
  readonly ledger: Ledger;
  readonly registry: Registry;
  readonly serving: Serving;
  readonly story: Story;
  readonly monitor: Monitor;
  readonly sources: Sources;
  readonly environments: Environments;
  /** A fresh analytic engine for one question; the caller closes it. */
  tables(): Tables;
  readonly threads: number;
  /** What the steps that run at one time may use together. */
  readonly memoryMb: number;
  readonly now: () => number;
  /** Runs at the same time look at the world and change it one after the other. */
  readonly inLine: ReturnType<typeof createQueues>;
}
