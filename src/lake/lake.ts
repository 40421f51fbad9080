import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createQueues, type Digest, type Json, MillError } from "../base/index.ts";
import { quoteLiteral } from "../express/index.ts";
import type { Notices } from "../ports/notices/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Records } from "../ports/records/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { type Collector, createCollector } from "./collect/collect.ts";
import { type BroughtOver, createDatasets, datasetGuards, type PreparedVersion, SEALER } from "./datasets.ts";
import {
  abandonGeneration,
  freezeSplit,
  type Generation,
  type NewGeneration,
  openGeneration,
  readGenerations,
  standing,
} from "./generations.ts";
import { createHooks, type Hooks } from "./hooks/hooks.ts";
import { type Journal, type JournalEffects, type JournalRow, openJournal } from "./journal.ts";
import { createLocks, type Locks } from "./locks/locks.ts";
import { createRepositories } from "./repositories/create-repositories.ts";
import { allOf, type RepositoryGuards } from "./repositories/guards.ts";
import type { Repositories } from "./repositories/repository.ts";
import { sealSegments } from "./seal.ts";
import { type FrozenSplit, frozenSplitOf, requireRule } from "./splits.ts";
import { diffTables, type TableDifference } from "./tables/diff.ts";
import { readTable } from "./tables/in-repository.ts";
import { createTableRows, type TableRows } from "./tables/table-rows.ts";
import { createTree } from "./tree/create-tree.ts";
import { createUploads } from "./uploads.ts";
import { type VerifyLine, type VerifyOptions, verify } from "./verify.ts";
import {
  type DatasetVersion,
  type NewVersion,
  readManifest,
  readVersion,
  readVersions,
  type VersionManifest,
} from "./versions.ts";

export interface LakeResources {
  readonly records: Records;
  readonly objects: Objects;
  /** The lake's own folder, for journals. */
  readonly folder: string;
  /** A fresh engine; closed after use. */
  tables(): Tables;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  readonly effects?: JournalEffects;
  /** Who posts to the address of a hook; left out: hooks cannot be webhooks. */
  webhook?(url: string, timeoutMs: number): Notices;
  /** What has a say in what happens to branches beside locks and hooks. */
  readonly guards?: RepositoryGuards;
}

export interface DatasetRows {
  readonly version: number | null;
  /** Local Parquet files, in the order of the rows. */
  readonly paths: readonly string[];
  /** A FROM item over them, whatever columns each has; null when there are none. */
  readonly relation: string | null;
  /** Acknowledged rows that are in no version yet. */
  readonly tail: readonly JournalRow[];
}

/** Repositories, data sets in them as versions that never change, and journals that become versions. */
export interface Lake {
  /** All of them; a data set is the one of its name. */
  readonly repositories: Repositories;
  /** Rows of the tables that lie in repositories. */
  readonly rows: TableRows;
  readonly locks: Locks;
  readonly hooks: Hooks;
  /** Frees what nothing refers to. */
  readonly collector: Collector;
  /** Tells whether all that the lake says is there, and is what it says. Errors: `lake.unknown-repository`. */
  verify(options?: VerifyOptions): AsyncGenerator<VerifyLine>;
  /** Gives the versions that an earlier Millwright made their commits; whatever needs them waits for it. */
  bringOver(): Promise<BroughtOver>;

  /** Names of all data sets that have a version or a journal, sorted. */
  names(): Promise<string[]>;
  /** The newest version. What people merged into the data set's branch becomes one when somebody looks. */
  head(dataset: string): Promise<DatasetVersion | null>;
  /** Errors: `lake.unknown-version`. */
  version(dataset: string, version: number): Promise<DatasetVersion>;
  /** Newest first; `before` is the number of the last one seen. */
  versions(dataset: string, page: { readonly limit: number; readonly before?: number }): Promise<DatasetVersion[]>;
  manifest(version: Pick<DatasetVersion, "manifest">): Promise<VersionManifest>;
  /**
   * The rows in which two versions differ: found again by the key that `_table.json` beside the files names, else each told apart by all it holds.
   * Parts that both have are not read, and those that were only appended are only counted. Errors: `lake.unknown-version`, `table.duplicate-key`.
   */
  diffVersions(
    dataset: string,
    before: number,
    after: number,
    page?: { readonly limit: number; readonly after?: string },
  ): Promise<TableDifference>;
  /** The statements of `commit`, to be committed together with others. */
  commitStatements(version: NewVersion): Promise<PreparedVersion>;
  /** Adds what people brought to the data set's branch as a version, as `head` does, and tells why it cannot be one. Errors: `lake.unfit-parts`. */
  adopt(dataset: string): Promise<DatasetVersion | null>;
  /** Adds a version whose manifest is stored already; its number. Errors: `lake.moved` when `parent` is not the newest version any more. */
  commit(version: NewVersion): Promise<number>;

  /** What a data set consists of: the newest generation that was not abandoned; null: nothing was cut yet. */
  generation(dataset: string): Promise<Generation | null>;
  /** All generations of a data set, oldest first. */
  generations(dataset: string): Promise<Generation[]>;
  /**
   * Opens the next generation, whose split is to be frozen; its number. What its journals name is kept while it stands.
   * Errors: `generation.unfrozen` when another one is open or nothing was cut yet, `generation.rows`, `lake.unknown-version`.
   */
  openGeneration(generation: NewGeneration): Promise<number>;
  /** Gives a generation up, open or frozen; again changes nothing. Errors: `generation.first`. */
  abandonGeneration(dataset: string, generation: number): Promise<void>;
  /** The split of the standing generation; null: not frozen yet. With a rule: `split.frozen` when another one was ever frozen. */
  frozenSplit(dataset: string, spec?: Json): Promise<FrozenSplit | null>;
  /** Freezes the split of a generation, once and for all; the first is made by it. Errors: `split.frozen`, `generation.abandoned`. */
  freezeSplit(split: {
    readonly dataset: string;
    readonly generation: number;
    readonly spec: unknown;
    readonly boundary: unknown;
    readonly version: number;
    readonly stepKey?: Digest | null;
  }): Promise<FrozenSplit>;

  /** Adds rows to a data set's journal; resolves when they are on disk. Errors: `lake.disk-full`, `lake.journal`. */
  append(dataset: string, rows: readonly JournalRow[]): Promise<void>;
  /** Turns the journal so far into one new version; the version, or null when there was nothing to seal. */
  seal(dataset: string): Promise<DatasetVersion | null>;
  /** `seal` for every data set that has a journal. */
  sealAll(): Promise<DatasetVersion[]>;
  /** Everything acknowledged, or the rows of one version. Errors: `lake.unknown-version`. */
  read(dataset: string, version?: number): Promise<DatasetRows>;
  /** Waits for rows under way and closes the journals; what is not sealed is found again. */
  close(): Promise<void>;
}

/** Opens the lake; journals are opened, and mended after a crash, when they are first used. One process at a time. */
export function createLake({
  records,
  objects,
  folder,
  tables,
  clock = Date.now,
  effects,
  guards,
  webhook,
}: LakeResources): Lake {
  const tree = createTree(objects);
  const locks = createLocks({ records, clock });
  const hooks = createHooks({ records, objects, tree, tables, webhook, clock });
  const repositories = createRepositories({
    records,
    tree,
    clock,
    guards: datasetGuards({ records, objects, tree, tables }, allOf([locks.guards, hooks.guards, ...(guards ? [guards] : [])])),
  });
  const datasets = createDatasets({ records, objects, tree, repositories, tables, clock });
  const journals = new Map<string, Promise<Journal>>();
  const journalFolder = join(folder, "journal");

  const journalOf = (dataset: string): Promise<Journal> => {
    let journal = journals.get(dataset);
    if (!journal) {
      journal = openJournal(join(journalFolder, safeName(dataset)), effects);
      journals.set(dataset, journal);
      journal.catch(() => journals.delete(dataset));
    }
    return journal;
  };
  const withJournal = async () => (await readdir(journalFolder).catch(() => [])).sort();
  const hasJournal = async (dataset: string) => journals.has(dataset) || (await withJournal()).includes(dataset);

  // Between a seal's commit and the removal of its segments a row is in both places: readers and other seals wait.
  const inLine = createQueues();

  const sealOnce = async (dataset: string): Promise<DatasetVersion | null> => {
    const journal = await journalOf(dataset);
    const closed = await journal.rotate();
    const sealed = await sealedSegments(records, dataset);
    for (const { name } of closed) if (sealed.has(name)) await journal.remove(name);
    const open = closed.filter(({ name }) => !sealed.has(name));
    if (open.length === 0) return null;
    const head = await datasets.head(dataset);
    const before = head && (await readManifest(objects, head.manifest));
    const engine = tables();
    const { manifest, rowCount } = await sealSegments(open, before, { objects, tables: engine, folder }).finally(() =>
      engine.close(),
    );
    const digest = await objects.put(Buffer.from(JSON.stringify(manifest)));
    const next: NewVersion = { dataset, manifest: digest, rowCount, parent: head?.version ?? null, madeBy: SEALER };
    const version = (head?.version ?? 0) + 1;
    await datasets.commit(
      next,
      open.map(({ name }) => ({
        sql: "INSERT INTO sealed_segments (dataset, segment, version) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        params: [dataset, name, version],
        rows: 1,
      })),
    );
    for (const { name } of open) await journal.remove(name);
    return readVersion(records, dataset, version);
  };

  const contentOf = async (dataset: string, number: number) => {
    const { commit, manifest } = await readVersion(records, dataset, number);
    const { parts, columns } = await readManifest(objects, manifest);
    const files = parts.map((part, index) => ({ path: `part-${index}.parquet`, ...part }));
    const described = commit && (await readTable(repositories.of(dataset), commit, "", objects));
    return { files, columns, key: described?.key ?? null };
  };

  const lake: Lake = {
    repositories,
    rows: createTableRows({ records, objects, folder, tables, clock }),
    locks,
    hooks,
    verify: (options) => verify({ records, objects }, options),
    collector: createCollector({ records, objects, tree, uploads: createUploads({ records, objects, clock }), clock }),
    bringOver: () => datasets.bringOver(),
    async names() {
      const rows = await records.query<{ dataset: string }>("SELECT DISTINCT dataset FROM dataset_versions");
      return [...new Set([...rows.map(({ dataset }) => dataset), ...(await withJournal())])].sort();
    },
    head: (dataset) => datasets.head(dataset),
    version: (dataset, version) => readVersion(records, dataset, version),
    versions: (dataset, page) => readVersions(records, dataset, page),
    manifest: ({ manifest }) => readManifest(objects, manifest),
    async diffVersions(dataset, before, after, page) {
      const sides = [await contentOf(dataset, before), await contentOf(dataset, after)] as const;
      const engine = tables();
      return diffTables(...sides, { tables: engine, objects }, page).finally(() => engine.close());
    },
    commitStatements: (version) => datasets.prepare(version),
    adopt: (dataset) => datasets.adopt(dataset),
    commit: (version) => datasets.commit(version),

    generation: async (dataset) => standing(await readGenerations(records, dataset)),
    generations: (dataset) => readGenerations(records, dataset),
    openGeneration: (generation) => openGeneration(generation, { records, objects }, clock()),
    abandonGeneration: (dataset, generation) => abandonGeneration(records, dataset, generation, clock()),
    async frozenSplit(dataset, spec) {
      const generations = await readGenerations(records, dataset);
      if (spec !== undefined) requireRule(generations, spec);
      return frozenSplitOf(standing(generations));
    },
    freezeSplit: ({ spec, boundary, stepKey = null, ...split }) =>
      freezeSplit(records, { ...split, stepKey, spec: spec as Json, boundary: boundary as Json }, clock()),

    append: async (dataset, rows) => (await journalOf(dataset)).append(rows),
    seal: (dataset) => inLine(dataset, () => sealOnce(dataset)),
    async sealAll() {
      const sealed: DatasetVersion[] = [];
      for (const dataset of await withJournal()) {
        const version = await lake.seal(dataset);
        if (version) sealed.push(version);
      }
      return sealed;
    },
    read: (dataset, number) =>
      inLine(dataset, async () => {
        const version = number === undefined ? await datasets.head(dataset) : await readVersion(records, dataset, number);
        const parts = version ? (await readManifest(objects, version.manifest)).parts : [];
        const paths = await Promise.all(parts.map(({ digest }) => objects.pathOf(digest)));
        const tail =
          number === undefined && (await hasJournal(dataset))
            ? await (await journalOf(dataset)).rows(await sealedSegments(records, dataset))
            : [];
        const relation =
          paths.length === 0 ? null : `read_parquet([${paths.map(quoteLiteral).join(", ")}], union_by_name = true)`;
        return { version: version?.version ?? null, paths, relation, tail };
      }),
    async close() {
      for (const journal of journals.values()) await (await journal).close();
      journals.clear();
      await repositories.close();
      await hooks.settled();
    },
  };
  return lake;
}

async function sealedSegments(records: Records, dataset: string): Promise<Set<string>> {
  const rows = await records.query<{ segment: string }>("SELECT segment FROM sealed_segments WHERE dataset = ?", [dataset]);
  return new Set(rows.map(({ segment }) => segment));
}

/** The name becomes a folder. */
function safeName(dataset: string): string {
  if (/^[a-z][a-z0-9-]{0,99}$/.test(dataset)) return dataset;
  throw new MillError("lake.bad-name", `"${dataset}" is not the name of a data set.`, {
    expected: "a lower-case letter, then letters, digits and hyphens",
    got: dataset,
    fix: "Name a data set that the project defines.",
  });
}
