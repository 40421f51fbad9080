import type { Objects } from "../../ports/objects/index.ts";
import type { Records } from "../../ports/records/index.ts";
import type { Tables } from "../../ports/tables/index.ts";
import { mergeBase } from "../repositories/history.ts";
import type { MergeOptions, MergeOutcome, Repository } from "../repositories/repository.ts";
import { type ChangedTable, changedTables } from "./changed-tables.ts";
import { diffTables, type TableDifference } from "./diff.ts";
import { readTable } from "./in-repository.ts";
import { type MergedRefs, type MergeTablesOptions, mergeTables, type TableMerge } from "./merge-tables.ts";

export interface RowMergeOptions extends MergeOptions {
  /** Ends of rows in conflict, by table and by the `id` of the conflict; `strategy` counts for the others. */
  readonly rows?: MergeTablesOptions["rows"];
}

/** What became of a merge, with every table that was merged by rows. */
export type RowMergeOutcome = MergeOutcome & { readonly tables: readonly TableMerge[] };

/** Rows of the tables that lie in repositories. */
export interface TableRows {
  /** The tables whose files differ between the commits of two refs, with how many of their rows do. */
  counts(repository: Repository, before: string, after: string, prefix?: string): Promise<readonly ChangedTable[]>;
  /** The rows in which one table differs; `table` is its folder with the `/`, or empty. Errors: `table.duplicate-key`, `table.bad-descriptor`. */
  diff(
    repository: Repository,
    table: string,
    before: string,
    after: string,
    page: { readonly limit: number; readonly after?: string },
  ): Promise<TableDifference>;
  /** `Repository.merge`, where files of a table with a key are merged by their rows when both sides changed them. */
  merge(repository: Repository, from: string, branch: string, options: RowMergeOptions): Promise<RowMergeOutcome>;
  revert(repository: Repository, branch: string, commit: string, options: RowMergeOptions): Promise<RowMergeOutcome>;
  cherryPick(repository: Repository, branch: string, commit: string, options: RowMergeOptions): Promise<RowMergeOutcome>;
}

export interface TableRowsResources {
  readonly records: Records;
  readonly objects: Objects;
  /** For files that are being written. */
  readonly folder: string;
  /** A fresh engine; closed after use. */
  tables(): Tables;
  readonly clock: () => number;
}

/** Conflicts that are looked at for tables. */
const CONFLICTS_MAX = 10_000;

export function createTableRows({ records, objects, folder, tables, clock }: TableRowsResources): TableRows {
  return {
    counts: async (repository, before, after, prefix) => {
      const [old, now] = await commitsOf(repository, before, after);
      return withEngine((engine) => changedTables(repository, old, now, { tables: engine, objects }, prefix));
    },
    async diff(repository, table, before, after, page) {
      const [old, now] = await commitsOf(repository, before, after);
      const sides = [await readTable(repository, old, table, objects), await readTable(repository, now, table, objects)] as const;
      return withEngine((engine) => diffTables(...sides, { tables: engine, objects }, page));
    },
    merge: async (repository, from, branch, options) => {
      const theirs = await repository.commitOf(from);
      const baseWith = async (ours: string) =>
        (await mergeBase(records, repository.name, await repository.commitOf(ours), theirs))?.id ?? null;
      return bring(repository, branch, options, { baseWith, theirs: theirs.id }, (all) =>
        repository.merge(theirs.id, branch, all),
      );
    },
    async revert(repository, branch, ref, options) {
      const { id, parents } = await repository.commitOf(ref);
      const refs = { baseWith: async () => id, theirs: parents[0] ?? null };
      return bring(repository, branch, options, refs, (all) => repository.revert(branch, id, all));
    },
    async cherryPick(repository, branch, ref, options) {
      const { id, parents } = await repository.commitOf(ref);
      const refs = { baseWith: async () => parents[0] ?? null, theirs: id };
      return bring(repository, branch, options, refs, (all) => repository.cherryPick(branch, id, all));
    },
  };

  /** Merges by path; where that conflicts, tables by rows, and then by path again with what came of it, on the head that was looked at. */
  async function bring(
    repository: Repository,
    branch: string,
    { rows, strategy, resolutions, ...options }: RowMergeOptions,
    refs: { baseWith(ours: string): Promise<MergedRefs["base"] | null>; readonly theirs: MergedRefs["theirs"] | null },
    act: (options: MergeOptions) => Promise<MergeOutcome>,
  ): Promise<RowMergeOutcome> {
    const ends = { ...(strategy !== undefined && { strategy }), ...(resolutions !== undefined && { resolutions }) };
    const ours = (await repository.branch(branch)).head;
    const told = await act({
      ...options,
      ...(resolutions !== undefined && { resolutions }),
      conflicts: { limit: CONFLICTS_MAX },
    });
    if (told.merged || told.conflicts.length === 0) return { ...told, tables: [] };
    const base = await refs.baseWith(ours);
    const merged =
      base === null || refs.theirs === null
        ? { resolutions: {}, tables: [] }
        : await withEngine((engine) =>
            mergeTables(
              repository,
              { base, ours, theirs: refs.theirs! },
              told.conflicts,
              { ...(strategy !== undefined && { strategy }), ...(rows !== undefined && { rows }) },
              { tables: engine, objects, folder, nowMs: clock() },
            ),
          );
    const byRows = { resolutions: { ...merged.resolutions, ...resolutions } };
    return { ...(await act({ ...options, ...ends, ...byRows, expect: options.expect ?? ours })), tables: merged.tables };
  }

  async function commitsOf(repository: Repository, before: string, after: string): Promise<[string, string]> {
    return [(await repository.resolve(before)).commit, (await repository.resolve(after)).commit];
  }

  async function withEngine<T>(work: (engine: Tables) => Promise<T>): Promise<T> {
    const engine = tables();
    try {
      return await work(engine);
    } finally {
      engine.close();
    }
  }
}
