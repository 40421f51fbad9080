/**
 * Names of models and their versions as people register them. Versions of two kinds count in one sequence: bundles, which steps made and gates judged and which
 * can be served, and those that somebody registered, which name the artifacts of a run or model. Why: decisions/one-list-of-models.md.
 */
import type { Digest } from "../../base/index.ts";
import type { Named, Page, PageAsked, Tags } from "../../train/index.ts";
import type { Doer } from "../ledger.ts";
import type { Stage } from "./rules.ts";
import type { Source } from "./sources.ts";

export interface RegisteredModel {
  readonly name: string;
  readonly description: string | null;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly tags: Tags;
  /** Version by alias. */
  readonly aliases: Readonly<Record<string, number>>;
  /** It has bundles: gates decide what is champion and challenger, and it keeps its name. */
  readonly gated: boolean;
  /** The newest version of each stage. */
  readonly latest: readonly RegisteredVersion[];
}

export interface RegisteredVersion {
  readonly name: string;
  /** From 1, each number once. */
  readonly version: number;
  /** As it was registered; of a bundle `mill:/NAME/VERSION`. */
  readonly source: string;
  /** Where its files are to be downloaded; null: a bundle. */
  readonly location: string | null;
  readonly runId: string | null;
  readonly runLink: string | null;
  /** Of the logged model that it is. */
  readonly modelId: string | null;
  /** Who registered it; null: a run of the platform. */
  readonly actor: string | null;
  readonly description: string | null;
  readonly stage: Stage;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly tags: Tags;
  readonly aliases: readonly string[];
  readonly bundle: Digest | null;
  /** Of a bundle: whether it passed every gate. */
  readonly passed: boolean | null;
}

export interface NewRegisteredVersion extends Source {
  readonly name: string;
  readonly runLink?: string | undefined;
  readonly description?: string | undefined;
  readonly tags?: Tags | undefined;
  /** Left out: what its files say counts. */
  readonly license?: string | undefined;
}

export interface RegistrySearch extends PageAsked {
  /** Of models: name and tags; of versions also version_number, run_id and source_path. Prompts are found only by their tag. */
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
}

export interface TagChange {
  readonly set?: Tags | undefined;
  readonly without?: readonly string[] | undefined;
}

export interface VersionChange {
  /** null: none any more. */
  readonly description?: string | null | undefined;
  /** In any case. */
  readonly stage?: string | undefined;
  /** Whatever else has the stage is archived; only for Staging and Production. */
  readonly archiveOthers?: boolean | undefined;
  /** null: what its files or its data set say counts again. */
  readonly license?: string | null | undefined;
}

/** What resolves is on disk, and in the ledger, with who did it. Errors of all: `registry.name`, `registry.unknown-model`, `registry.unknown-version`. */
export interface RegisteredModels {
  /** Errors: `registry.exists`, `registry.tag`. */
  create(
    model: { readonly name: string; readonly description?: string | undefined; readonly tags?: Tags | undefined },
    by: Doer,
  ): Promise<RegisteredModel>;
  find(name: string): Promise<RegisteredModel>;
  /** A new name takes everything along. Errors: `registry.exists`, `registry.gated`. */
  change(
    name: string,
    change: { readonly newName?: string | undefined; readonly description?: string | null | undefined },
    by: Doer,
  ): Promise<RegisteredModel>;
  /** With its versions, tags and aliases; what happened to it stays in the ledger. Errors: `registry.gated`. */
  delete(name: string, by: Doer): Promise<void>;
  /** Doer name. Errors: `tracking.filter`, `tracking.order`, `tracking.page`. */
  search(search: RegistrySearch): Promise<Page<RegisteredModel>>;
  /** Of the model, or of a version; a tag that is not there is taken away in silence. Errors: `registry.tag`. */
  tag(name: string, change: TagChange, by: Doer, version?: number): Promise<void>;
  /** Moves it where another version has it. Errors: `registry.alias`, `registry.gated`. */
  setAlias(name: string, alias: string, version: number, by: Doer): Promise<void>;
  /** Nothing happens where it is not there. Errors: `registry.alias`, `registry.gated`. */
  removeAlias(name: string, alias: string, by: Doer): Promise<void>;

  /** The next number, whoever else registers at the same time. Errors: `registry.source`, `registry.tag`. */
  createVersion(version: NewRegisteredVersion, by: Doer): Promise<RegisteredVersion>;
  version(name: string, version: number): Promise<RegisteredVersion>;
  /** "latest", in any case, is the newest. Errors: `registry.unknown-alias`. */
  versionByAlias(name: string, alias: string): Promise<RegisteredVersion>;
  /** Errors: `registry.stage`. */
  changeVersion(name: string, version: number, change: VersionChange, by: Doer): Promise<RegisteredVersion>;
  /** Its number is not given again, its aliases go. Errors: `registry.gated` for a bundle. */
  deleteVersion(name: string, version: number, by: Doer): Promise<void>;
  /** Those changed last first. Errors: `tracking.filter`, `tracking.order`, `tracking.page`. */
  searchVersions(search: RegistrySearch): Promise<Page<RegisteredVersion>>;
  /** Runs and logged models that versions name. */
  named(): Promise<Named>;
}
