/**
 * Data sets as repositories: each version is a commit on the protected branch `main` of the repository with the data set's name, tagged `v1`, `v2`, ...
 *
 *     v1 ── v2 ── v3 ─────────── v4        v4: what was merged from `fix`, as a version
 *             \\_ fix: a part corrected _/
 *
 * A version's row, its commit and its tag are committed together. Where people moved the branch (a merge, a revert), the next one who looks adds the version.
 */
import { type Digest, MillError } from "../base/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Records, Statement } from "../ports/records/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { manifestOf } from "./adopt.ts";
import { JOURNAL_RETENTION, startRetention } from "./collect/retention.ts";
import { changesTo, readFiles } from "./dataset-tree.ts";
import type { RepositoryGuards } from "./repositories/guards.ts";
import type { Repositories, Repository } from "./repositories/repository.ts";
import type { Tree } from "./tree/tree.ts";
import { type DatasetVersion, insertVersion, type NewVersion, readHead, readManifest } from "./versions.ts";

export const MAIN = "main";
/** Who makes versions of journals. */
export const SEALER = "seal";

export interface DatasetsResources {
  readonly records: Records;
  readonly objects: Objects;
  readonly tree: Tree;
  readonly repositories: Repositories;
  tables(): Tables;
  readonly clock: () => number;
}

export interface PreparedVersion {
  readonly statements: readonly Statement[];
  /** To be called when they are committed. */
  committed(): Promise<void>;
}

export interface Datasets {
  /** The newest version, after what people brought to the branch became one. */
  head(dataset: string): Promise<DatasetVersion | null>;
  prepare(version: NewVersion): Promise<PreparedVersion>;
  /** Adds a version, together with other statements; its number. Errors: `lake.moved`. */
  commit(version: NewVersion, also?: readonly Statement[]): Promise<number>;
  /** Adds what people brought to the branch as the next version; null: there is nothing. Errors: `lake.unfit-parts`. */
  adopt(dataset: string): Promise<DatasetVersion | null>;
  /** Gives the versions of an earlier Millwright their commits, oldest first; again does nothing. Those whose objects are gone are left, and told. */
  bringOver(): Promise<BroughtOver>;
}

export interface BroughtOver {
  readonly versions: number;
  readonly left: readonly { readonly dataset: string; readonly version: number; readonly why: string }[];
}

const TRIES = 8;

export function createDatasets(resources: DatasetsResources): Datasets {
  const { records, objects, tree, repositories, clock } = resources;
  /** What became of a head that people made: a commit never changes, so it is looked at once. */
  const looked = new Map<string, { readonly head: Digest; readonly work: Promise<DatasetVersion | null> }>();
  let brought: Promise<BroughtOver> | null = null;
  const ready = async () => void (await (brought ??= bringOver()));

  const datasets: Datasets = {
    async head(dataset) {
      await ready();
      await datasets.adopt(dataset).catch(() => undefined);
      return readHead(records, dataset);
    },

    async prepare(version) {
      await ready();
      const repository = await repositoryOf(version.dataset, version.madeBy);
      return prepareOn(repository, await mainOf(repository), version, (commit) => insertVersion(version, commit, clock()));
    },

    async commit(version, also = []) {
      for (let attempt = 1; ; attempt++) {
        const head = await datasets.head(version.dataset);
        if ((head?.version ?? null) !== version.parent || attempt === TRIES) throw moved(version);
        const prepared = await datasets.prepare(version).catch(again);
        if (prepared === null) continue;
        const { committed } = await records.commit([...prepared.statements, ...also]);
        if (!committed) continue;
        await prepared.committed();
        return (version.parent ?? 0) + 1;
      }
    },

    async adopt(dataset) {
      const [seen] = await records.query<{ head: Digest; commit: Digest | null }>(
        `SELECT b.head, v.commit_id AS "commit" FROM dataset_versions v JOIN branches b ON b.repository = v.dataset AND b.name = ?
          WHERE v.dataset = ? AND v.version = (SELECT max(version) FROM dataset_versions WHERE dataset = ?)`,
        [MAIN, dataset, dataset],
      );
      if (!seen || seen.commit === null || seen.commit === seen.head) return null;
      const before = looked.get(dataset);
      if (before?.head === seen.head) return before.work;
      const work = adoptHead(dataset, seen.head);
      looked.set(dataset, { head: seen.head, work });
      await work.catch((thrown) => {
        if ((thrown as MillError).code !== "lake.unfit-parts") looked.delete(dataset);
      });
      return work;
    },

    bringOver: () => (brought ??= bringOver()),
  };
  return datasets;

  async function adoptHead(dataset: string, head: Digest): Promise<DatasetVersion | null> {
    const newest = (await readHead(records, dataset))!;
    const repository = repositories.of(dataset);
    const { root, author } = await repository.commitOf(head);
    const manifest = await manifestOf(
      dataset,
      await readFiles(tree, root),
      newest.version,
      await readManifest(objects, newest.manifest),
      resources,
    );
    if (manifest === null) return null;
    const next: NewVersion = {
      dataset,
      manifest: await objects.put(Buffer.from(JSON.stringify(manifest))),
      rowCount: manifest.parts.reduce((sum, { rowCount = 0 }) => sum + rowCount, 0),
      parent: newest.version,
      madeBy: author,
    };
    const prepared = await prepareOn(repository, head, next, (commit) => insertVersion(next, commit, clock())).catch(again);
    const outcome = prepared && (await records.commit(prepared.statements));
    if (!outcome?.committed) {
      looked.delete(dataset); // somebody else was first
      return null;
    }
    await prepared!.committed();
    return readHead(records, dataset);
  }

  async function bringOver(): Promise<BroughtOver> {
    const rows = await records.query<NewVersion & { version: number }>(
      `SELECT dataset, version, parent, manifest, row_count AS "rowCount", made_by AS "madeBy" FROM dataset_versions v WHERE commit_id IS NULL
        AND NOT EXISTS (SELECT 1 FROM dataset_versions n WHERE n.dataset = v.dataset AND n.version > v.version AND n.commit_id IS NOT NULL)
        ORDER BY dataset, version`,
    );
    const left: { dataset: string; version: number; why: string }[] = [];
    for (const { version, ...row } of rows) {
      const failure = await giveCommit(row, version).catch((thrown) => thrown as Error);
      if (failure) left.push({ dataset: row.dataset, version, why: failure.message });
    }
    return { versions: rows.length - left.length, left };
  }

  /** Made when it is first needed. */
  async function repositoryOf(dataset: string, actor: string): Promise<Repository> {
    const repository = repositories.of(dataset);
    const main = await repository.branch(MAIN).catch(() => null);
    if (main?.protected) return repository;
    if (main === null)
      await repositories.create({ name: dataset, actor }).catch((thrown) => {
        if ((thrown as MillError).code !== "lake.repository-exists") throw thrown;
      });
    if (actor === SEALER) await startRetention(records, dataset, JOURNAL_RETENTION);
    await repository.protect(MAIN, true);
    return repository;
  }

  async function mainOf(repository: Repository): Promise<Digest> {
    return (await repository.branch(MAIN)).head;
  }

  /** The commit of a version on top of a head, its tag, and its row; they hold only while the head is the same. */
  async function prepareOn(
    repository: Repository,
    head: Digest,
    { dataset, manifest, rowCount, parent, madeBy }: NewVersion,
    row: (commit: Digest) => Statement,
  ): Promise<PreparedVersion> {
    const number = (parent ?? 0) + 1;
    const { root } = await repository.commitOf(head);
    const changes = await changesTo(
      await readFiles(tree, root),
      manifest,
      await readManifest(objects, manifest),
      objects,
      clock(),
    );
    const tag = `v${number}`;
    const free = (await repository.resolve(tag).catch(() => null)) === null;
    const { commit, statements, committed } = await repository.commitStatements(MAIN, changes, {
      message: `Version ${number} of ${dataset}: ${rowCount} rows`,
      author: madeBy,
      metadata: { version: String(number) },
      expect: head,
      ...(free && { tag }),
    });
    return { statements: [row(commit.id), ...statements], committed };
  }

  async function giveCommit(row: NewVersion, version: number): Promise<void> {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const repository = await repositoryOf(row.dataset, row.madeBy);
      const prepared = await prepareOn(repository, await mainOf(repository), { ...row, parent: version - 1 }, (commit) => ({
        sql: "UPDATE dataset_versions SET commit_id = ? WHERE dataset = ? AND version = ? AND commit_id IS NULL",
        params: [commit, row.dataset, version],
        rows: 1,
      })).catch(again);
      const outcome = prepared && (await records.commit(prepared.statements));
      if (outcome?.committed) return prepared!.committed();
      const [there] = await records.query(
        "SELECT 1 AS one FROM dataset_versions WHERE dataset = ? AND version = ? AND commit_id IS NOT NULL",
        [row.dataset, version],
      );
      if (there) return; // another process was first
    }
    throw moved(row);
  }
}

/** Refuses to bring to a data set's branch what cannot be a version of it; `guards` are asked after. */
export function datasetGuards(
  { records, objects, tree, tables }: Pick<DatasetsResources, "records" | "objects" | "tree" | "tables">,
  guards: RepositoryGuards | null,
): RepositoryGuards {
  return {
    async before(event) {
      if (event.branch === MAIN && BROUGHT.has(event.kind) && event.kind !== "stage") {
        const newest = await readHead(records, event.repository);
        if (newest) {
          const [files, before] = [await readFiles(tree, event.root), await readManifest(objects, newest.manifest)];
          await manifestOf(event.repository, files, newest.version, before, { objects, tables });
        }
      }
      return (await guards?.before(event)) ?? [];
    },
    after: async (event, commit) => guards?.after(event, commit),
  };
}

const BROUGHT = new Set(["merge", "revert", "cherry-pick"]);

/** The branch moved while its commit was prepared: look again. */
function again(thrown: unknown): null {
  if (thrown instanceof MillError && (thrown.code === "lake.moved" || thrown.code === "lake.ref-exists")) return null;
  throw thrown;
}

export const moved = ({ dataset, parent }: NewVersion) =>
  new MillError("lake.moved", `The data set "${dataset}" has a newer version than ${parent ?? "none"}: this one was not added.`, {
    expected: `version ${parent ?? "none"} as the newest`,
    fix: "Look at the newest version and try again.",
  });
