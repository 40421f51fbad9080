/**
 * Looks whether all that the lake says is there, and is what it says:
 *
 *     branches, tags -> commits: ids, parents -> trees: every node once -> entries -> objects: there, of their size, and with `content` of their digest
 *
 * and so on for what is staged, versions of data sets, parts of uploads, and pins. Faults are told one by one, and nothing is changed.
 */
import { createHash } from "node:crypto";
import { type Digest, digestOfJson, MillError } from "../base/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Records } from "../ports/records/index.ts";
import { DigestSet } from "./collect/digest-set.ts";
import { fromRow, unknownRef } from "./repositories/branch-state.ts";
import { COMMIT_COLUMNS, type CommitRow, commitOf } from "./repositories/commits.ts";
import { decodeEntry } from "./repositories/encode-entry.ts";
import { checkTree } from "./tree/check.ts";

export interface Fault {
  /** null: of no repository. */
  readonly repository: string | null;
  /** What refers to it: `commit sha256:...`, `branch main`, `tag v1`, `pin result:...`. */
  readonly at: string;
  /** Empty: nothing that has one. */
  readonly path: string;
  /** The object that is meant, or empty. */
  readonly digest: string;
  readonly what: string;
}

export interface VerifyCounts {
  readonly repositories: number;
  readonly commits: number;
  readonly nodes: number;
  readonly objects: number;
  readonly bytes: number;
  readonly faults: number;
}

export type VerifyLine =
  | ({ readonly event: "fault" } & Fault)
  | ({ readonly event: "progress"; readonly repository: string } & VerifyCounts)
  | ({ readonly event: "verified" } & VerifyCounts);

export interface VerifyOptions {
  /** Default: all of them, and what is pinned. */
  readonly repository?: string;
  /** Read every object, and not only look whether it is there. */
  readonly content?: boolean;
}

const PAGE = 2000;
const AT_ONCE = 32;
const READ_AT_ONCE = 4;
const PROGRESS_EVERY_MS = 500;

/** Errors: `lake.unknown-repository`; `object.unreachable` and the like: what the store cannot tell is no fault of the lake. */
export async function* verify(
  { records, objects }: { readonly records: Records; readonly objects: Objects },
  { repository, content = false }: VerifyOptions = {},
): AsyncGenerator<VerifyLine> {
  const counts = { repositories: 0, commits: 0, nodes: 0, objects: 0, bytes: 0, faults: 0 };
  const nodes = new DigestSet();
  const seen = new DigestSet();
  let toldAt = performance.now();

  for (const name of await repositoryNames(records, repository)) {
    counts.repositories++;
    for await (const faults of verifyRepository(name)) yield* told(faults, name);
  }
  if (repository === undefined) for await (const faults of verifyKept()) yield* told(faults);
  yield { event: "verified", ...counts };

  function* told(faults: readonly Fault[], repository?: string): Generator<VerifyLine> {
    counts.faults += faults.length;
    for (const fault of faults) yield { event: "fault", ...fault };
    if (repository === undefined || performance.now() - toldAt < PROGRESS_EVERY_MS) return;
    toldAt = performance.now();
    yield { event: "progress", repository, ...counts };
  }

  async function* verifyRepository(name: string): AsyncGenerator<readonly Fault[]> {
    const fault = (at: string, what: string, more: Partial<Fault> = {}): Fault => ({
      repository: name,
      at,
      path: "",
      digest: "",
      what,
      ...more,
    });
    const refs = await records.query<{
      at: string;
      commit: Digest;
      found: string | null;
      freedAt: number | null;
      root: Digest | null;
    }>(
      `SELECT 'branch ' || b.name AS at, b.head AS "commit", c.id AS found, c.freed_at AS "freedAt", b.root FROM branches b
          LEFT JOIN commits c ON c.repository = b.repository AND c.id = b.head WHERE b.repository = ?
        UNION ALL SELECT 'tag ' || t.name AS at, t.commit_id AS "commit", c.id AS found, c.freed_at AS "freedAt", NULL AS root FROM tags t
          LEFT JOIN commits c ON c.repository = t.repository AND c.id = t.commit_id WHERE t.repository = ?
        UNION ALL SELECT 'version ' || v.version AS at, v.commit_id AS "commit", c.id AS found, NULL AS "freedAt", NULL AS root FROM dataset_versions v
          LEFT JOIN commits c ON c.repository = v.dataset AND c.id = v.commit_id WHERE v.dataset = ? AND v.commit_id IS NOT NULL`,
      [name, name, name],
    );
    yield refs.flatMap(({ at, commit, found, freedAt }) => {
      if (found === null) return [fault(at, "its commit is missing", { digest: commit })];
      return freedAt === null ? [] : [fault(at, "its commit was given up", { digest: commit })];
    });

    for await (const { commit, row, faults } of commitsOf(name)) {
      counts.commits++;
      yield faults.map((what) => fault(`commit ${commit.id}`, what));
      if (row.freedAt === null) yield* verifyTree(name, `commit ${commit.id}`, commit.root);
    }
    for (const { at, root } of refs) if (root !== null) yield* verifyTree(name, at, root);
    yield* verifyStaged(name);
    yield* verifyManifests(name);
  }

  async function* commitsOf(name: string) {
    const generations = new Map<Digest, number>(); // of the commits above a generation all are known
    let after: readonly [generation: number, id: string] = [-1, ""];
    for (;;) {
      const rows = await records.query<CommitRow>(
        `SELECT ${COMMIT_COLUMNS} FROM commits c WHERE c.repository = ? AND (c.generation, c.id) > (?, ?) ORDER BY c.generation, c.id LIMIT ${PAGE}`,
        [name, ...after],
      );
      for (const row of rows) {
        const commit = commitOf(row);
        const { id, generation, ...said } = commit;
        const faults: string[] = [];
        if (digestOfJson(said) !== id) faults.push("its id is not that of what it says");
        const parents = commit.parents.map((parent) => generations.get(parent));
        if (parents.some((parent) => parent === undefined)) faults.push("a parent is missing");
        else if (generation !== Math.max(-1, ...(parents as number[])) + 1) faults.push(`its generation is ${generation}`);
        generations.set(id, generation);
        yield { commit, row, faults };
      }
      const last = rows.at(-1);
      if (!last) return;
      after = [last.generation, last.id];
    }
  }

  async function* verifyTree(name: string, at: string, root: Digest): AsyncGenerator<readonly Fault[]> {
    for await (const { node, path, faults, items } of checkTree(objects, root, (digest) => !nodes.add(digest))) {
      counts.nodes++;
      yield faults.map((what) => ({ repository: name, at, path, digest: node, what: `a node of the tree: ${what}` }));
      yield await verifyEntries(items.map(({ path, value }) => ({ repository: name, at, path, value })));
    }
  }

  async function* verifyStaged(name: string): AsyncGenerator<readonly Fault[]> {
    let after: readonly [branch: string, path: string] = ["", ""];
    for (;;) {
      const rows = await records.query<{ branch: string; path: string; entry: string | null }>(
        `SELECT branch, path, entry FROM staged WHERE repository = ? AND (branch, path) > (?, ?) ORDER BY branch, path LIMIT ${PAGE}`,
        [name, ...after],
      );
      yield await verifyEntries(
        rows.flatMap(({ branch, path, entry }) =>
          entry === null ? [] : [{ repository: name, at: `branch ${branch}, staged`, path, value: fromRow(entry)! }],
        ),
      );
      const last = rows.at(-1);
      if (!last) return;
      after = [last.branch, last.path];
    }
  }

  async function* verifyManifests(name: string): AsyncGenerator<readonly Fault[]> {
    const rows = await records.query<{ version: number; digest: Digest }>(
      `SELECT v.version, v.manifest AS digest FROM dataset_versions v LEFT JOIN commits c ON c.repository = v.dataset AND c.id = v.commit_id
        WHERE v.dataset = ? AND c.freed_at IS NULL`,
      [name],
    );
    yield await verifyObjects(
      rows.map(({ version, digest }) => ({ repository: name, at: `version ${version}`, path: "", digest, sizeBytes: null })),
    );
  }

  /** What is kept for other reasons than a repository's. */
  async function* verifyKept(): AsyncGenerator<readonly Fault[]> {
    const sources: readonly string[] = [
      "SELECT 'upload ' || upload_id AS at, digest, size_bytes AS \"sizeBytes\" FROM upload_parts WHERE digest > ? ORDER BY digest",
      "SELECT 'pin ' || min(holder) AS at, digest, NULL AS \"sizeBytes\" FROM pins WHERE digest > ? GROUP BY digest ORDER BY digest",
    ];
    for (const source of sources)
      for (let after = ""; ; ) {
        const rows = await records.query<Omit<Referred, "repository" | "path">>(`${source} LIMIT ${PAGE}`, [after]);
        yield await verifyObjects(rows.map((row) => ({ repository: null, path: "", ...row })));
        const last = rows.at(-1);
        if (!last) break;
        after = last.digest;
      }
  }

  async function verifyEntries(
    entries: readonly (Omit<Fault, "digest" | "what"> & { readonly value: Uint8Array })[],
  ): Promise<Fault[]> {
    const faults: Fault[] = [];
    const referred: Referred[] = [];
    for (const { value, ...place } of entries)
      try {
        const { digest, sizeBytes } = decodeEntry(value);
        referred.push({ ...place, digest, sizeBytes });
      } catch (thrown) {
        if (!(thrown instanceof MillError)) throw thrown;
        faults.push({ ...place, digest: "", what: thrown.message });
      }
    return [...faults, ...(await verifyObjects(referred))];
  }

  async function verifyObjects(referred: readonly Referred[]): Promise<Fault[]> {
    const fresh = referred.filter(({ digest }) => seen.add(digest));
    const faults: Fault[] = [];
    const step = content ? READ_AT_ONCE : AT_ONCE;
    for (let start = 0; start < fresh.length; start += step) {
      const looked = fresh.slice(start, start + step).map(async ({ sizeBytes, ...place }) => {
        const what = await lookAt(place.digest, sizeBytes);
        if (what !== null) faults.push({ ...place, what });
      });
      await Promise.all(looked);
    }
    return faults;
  }

  /** What is wrong with an object; null: nothing. */
  async function lookAt(digest: Digest, expected: number | null): Promise<string | null> {
    counts.objects++;
    const sizeBytes = await objects.sizeOf(digest);
    if (sizeBytes === null) return "the object is missing";
    counts.bytes += sizeBytes;
    if (expected !== null && sizeBytes !== expected) return `the object has ${sizeBytes} bytes, and should have ${expected}`;
    if (!content) return null;
    const sha256 = createHash("sha256");
    try {
      for await (const chunk of objects.read(digest)) sha256.update(chunk);
    } catch (thrown) {
      if (thrown instanceof MillError && UNFIT.has(thrown.code)) return thrown.message;
      throw thrown;
    }
    return `sha256:${sha256.digest("hex")}` === digest ? null : "the object's bytes are not those of its digest";
  }
}

interface Referred extends Omit<Fault, "digest" | "what"> {
  readonly digest: Digest;
  /** null: not known. */
  readonly sizeBytes: number | null;
}

const UNFIT = new Set(["object.missing", "object.corrupt"]);

/** Errors: `lake.unknown-repository`. */
async function repositoryNames(records: Records, repository: string | undefined): Promise<string[]> {
  const rows = await records.query<{ name: string }>("SELECT name FROM repositories ORDER BY name");
  const names = rows.map(({ name }) => name);
  if (repository === undefined) return names;
  if (!names.includes(repository)) throw await unknownRef(records, repository, "");
  return [repository];
}
