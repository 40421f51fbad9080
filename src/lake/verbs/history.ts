/** Commits, what is staged, and how branches come together. */
import type { Digest } from "../../base/index.ts";
import type { Handlers, InputOf, OutputOf } from "../../contract/index.ts";
import type { Commit, CommitOptions, MergeOptions, PathDifference, Repositories } from "../repositories/repository.ts";
import type { RowMergeOutcome, TableRows } from "../tables/table-rows.ts";
import { entryOnWire, instant, pageOf, toPage } from "./wire.ts";

type HistoryVerbs = Pick<
  Handlers,
  "listStaged" | "resetBranch" | "commit" | "listCommits" | "diffRefs" | "merge" | "revert" | "cherryPick"
>;

export function historyVerbs(repositories: Repositories, rows: TableRows): HistoryVerbs {
  return {
    async listStaged({ repository, branch, ...page }) {
      const found = await repositories.of(repository).uncommitted(branch, toPage(page));
      return pageOf(found.map(differenceOnWire), page, ({ path }) => path);
    },
    async resetBranch({ repository, branch, prefix, to, expect }, { actor }) {
      const one = repositories.of(repository);
      if (to !== undefined) return one.resetTo(branch, to, { actor, ...(expect !== undefined && { expect: expect as Digest }) });
      await one.reset(branch, prefix, actor);
      return one.branch(branch);
    },
    commit: async ({ repository, branch, message, ...rest }, { actor }) =>
      commitOnWire(await repositories.of(repository).commit(branch, commitOptions({ message, ...rest }, actor, message))),
    async listCommits({ repository, ref, path, ...page }) {
      const found = await repositories.of(repository).log(ref, { ...toPage(page), ...(path !== undefined && { path }) });
      return pageOf(found.map(commitOnWire), page, ({ id }) => id);
    },
    async diffRefs({ repository, before, after, prefix, rows: counted, ...page }) {
      const one = repositories.of(repository);
      const found = await one.diff(before, after, { ...toPage(page), ...(prefix !== undefined && { prefix }) });
      return {
        ...pageOf(found.map(differenceOnWire), page, ({ path }) => path),
        ...(counted && { tables: await rows.counts(one, before, after, prefix) }),
      };
    },
    merge({ repository, branch, from, ...fields }, { actor }) {
      const by = fields.rows === false ? byFile : rows;
      const options = mergeOptions(fields, actor, `Merge ${from} into ${branch}`);
      return outcomeOnWire(by.merge(repositories.of(repository), from, branch, options));
    },
    revert({ repository, branch, commit, ...fields }, { actor }) {
      const by = fields.rows === false ? byFile : rows;
      return outcomeOnWire(
        by.revert(repositories.of(repository), branch, commit, mergeOptions(fields, actor, `Revert ${commit}`)),
      );
    },
    cherryPick({ repository, branch, commit, ...fields }, { actor }) {
      const by = fields.rows === false ? byFile : rows;
      const options = mergeOptions(fields, actor, `Cherry-pick ${commit}`);
      return outcomeOnWire(by.cherryPick(repositories.of(repository), branch, commit, options));
    },
  };
}

type CommitFields = Pick<InputOf<"merge">, "message" | "metadata" | "expect">;
type MergeFields = CommitFields & Pick<InputOf<"merge">, "strategy" | "resolutions" | "rows">;

const commitOptions = ({ message, metadata, expect }: CommitFields, author: string, otherwise: string): CommitOptions => ({
  message: message ?? otherwise,
  author,
  ...(metadata !== undefined && { metadata }),
  ...(expect !== undefined && { expect: expect as Digest }),
});

const mergeOptions = (fields: MergeFields, author: string, message: string): MergeOptions => ({
  ...commitOptions(fields, author, message),
  ...(fields.strategy !== undefined && { strategy: fields.strategy }),
  ...(fields.resolutions !== undefined && { resolutions: fields.resolutions }),
});

/** Tables as files among others. */
const byFile: Pick<TableRows, "merge" | "revert" | "cherryPick"> = {
  merge: async (repository, ...rest) => ({ ...(await repository.merge(...rest)), tables: [] }),
  revert: async (repository, ...rest) => ({ ...(await repository.revert(...rest)), tables: [] }),
  cherryPick: async (repository, ...rest) => ({ ...(await repository.cherryPick(...rest)), tables: [] }),
};

async function outcomeOnWire(bringing: Promise<RowMergeOutcome>): Promise<OutputOf<"merge">> {
  const outcome = await bringing;
  const conflicts = outcome.merged ? [] : outcome.conflicts;
  return {
    merged: outcome.merged,
    commit: outcome.commit && commitOnWire(outcome.commit),
    conflictCount: outcome.merged ? 0 : outcome.conflictCount,
    conflicts: conflicts.map(({ path, base, ours, theirs }) => {
      const table = outcome.tables.find(({ paths }) => paths.includes(path))?.outcome;
      return {
        path,
        base: base && entryOnWire(base),
        ours: ours && entryOnWire(ours),
        theirs: theirs && entryOnWire(theirs),
        ...(table?.merged === false && { rows: table.conflictCount }),
      };
    }),
  };
}

const commitOnWire = ({ id, parents, message, author, createdAt, metadata }: Commit): OutputOf<"commit"> => ({
  id,
  parents,
  message,
  author,
  createdAt: instant(createdAt),
  metadata,
});

const differenceOnWire = ({ path, before, after }: PathDifference): OutputOf<"diffRefs">["items"][number] => ({
  path,
  kind: before === null ? "added" : after === null ? "removed" : "changed",
  before: before && entryOnWire(before),
  after: after && entryOnWire(after),
});
