import { type Digest, type Json, MillError } from "../base/index.ts";
import type { Measurement, Schema } from "../contract/index.ts";
import { type Objects, readJson } from "../ports/objects/index.ts";
import type { Records, Statement } from "../ports/records/index.ts";

/** One version of a data set. Versions count from 1 and are never changed. */
export interface DatasetVersion {
  readonly dataset: string;
  readonly version: number;
  readonly parent: number | null;
  /** The object that lists the parts. */
  readonly manifest: Digest;
  readonly rowCount: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly madeBy: string;
  /** The commit in the data set's repository that has its files; null: an earlier Millwright made it, and it was not brought over yet. */
  readonly commit: Digest | null;
}

/** What a version consists of, as the JSON object that `manifest` points to. */
export interface VersionManifest {
  /** Parquet, in the order of the rows. */
  readonly parts: readonly { readonly digest: Digest; readonly rowCount?: number }[];
  readonly columns: Schema | null;
  readonly quarantine?: Digest | null;
  readonly facts?: Readonly<Record<string, Json>>;
  /** The version that the platform made and that people corrected since, by merges or reverts: what is made from it is made from these parts now. */
  readonly corrects?: number;
  /** What its checks are judged by. */
  readonly measurements?: readonly Measurement[];
}

export interface NewVersion {
  readonly dataset: string;
  readonly manifest: Digest;
  readonly rowCount: number;
  /** The version that it follows; null: it is the first. */
  readonly parent: number | null;
  readonly madeBy: string;
}

/** Adds the row of a version; holds only while `parent` is the newest one, because the next number is taken as soon as another one has followed it. */
export const insertVersion = (
  { dataset, manifest, rowCount, parent, madeBy }: NewVersion,
  commit: Digest,
  nowMs: number,
): Statement => ({
  sql: `INSERT INTO dataset_versions (dataset, version, parent, manifest, row_count, created_at, made_by, commit_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING`,
  params: [dataset, (parent ?? 0) + 1, parent, manifest, rowCount, nowMs, madeBy, commit],
  rows: 1,
});

interface NamedVersion {
  readonly dataset: string;
  readonly version: number;
}

/** Holds while a version's objects stay by themselves: its commit keeps its tree, or they are pinned already. */
export const keptVersion = ({
  dataset,
  version,
  digests,
}: NamedVersion & { readonly digests: readonly Digest[] }): Statement => ({
  sql: `UPDATE dataset_versions SET version = version WHERE dataset = ? AND version = ? AND (commit_id IS NULL
    OR EXISTS (SELECT 1 FROM commits c WHERE c.repository = dataset_versions.dataset AND c.id = dataset_versions.commit_id AND c.freed_at IS NULL)
    OR (SELECT count(DISTINCT digest) FROM pins WHERE digest IN (${digests.map(() => "?").join(", ")})) = ?)`,
  params: [dataset, version, ...digests, new Set(digests).size],
  rows: 1,
});

export const freedVersion = ({ dataset, version }: NamedVersion) =>
  new MillError("lake.freed", `Version ${version} of the data set "${dataset}" was given up by its retention rule.`, {
    at: `${dataset}@${version}`,
    fix: "Name a newer version, which a journal has all its rows in.",
  });

const COLUMNS = `dataset, version, parent, manifest, row_count AS "rowCount", created_at AS "createdAt", made_by AS "madeBy", commit_id AS "commit"`;

export async function readHead(records: Records, dataset: string): Promise<DatasetVersion | null> {
  const [head] = await records.query<DatasetVersion>(
    `SELECT ${COLUMNS} FROM dataset_versions WHERE dataset = ? ORDER BY version DESC LIMIT 1`,
    [dataset],
  );
  return head ?? null;
}

/** Errors: `lake.unknown-version`. */
export async function readVersion(records: Records, dataset: string, version: number): Promise<DatasetVersion> {
  const [found] = await records.query<DatasetVersion>(
    `SELECT ${COLUMNS} FROM dataset_versions WHERE dataset = ? AND version = ?`,
    [dataset, version],
  );
  if (found) return found;
  const head = await readHead(records, dataset);
  throw new MillError("lake.unknown-version", `There is no version ${version} of the data set "${dataset}".`, {
    expected: head ? `a version from 1 to ${head.version}` : "a data set that has been ingested or written to",
    got: String(version),
    fix: head ? "Name one of its versions." : "Run `mill run` first.",
  });
}

/** Newest first. */
export function readVersions(
  records: Records,
  dataset: string,
  { limit, before }: { limit: number; before?: number },
): Promise<DatasetVersion[]> {
  return records.query<DatasetVersion>(
    `SELECT ${COLUMNS} FROM dataset_versions WHERE dataset = ? AND version < ? ORDER BY version DESC LIMIT ?`,
    [dataset, before ?? Number.MAX_SAFE_INTEGER, limit],
  );
}

export const readManifest = (objects: Objects, digest: Digest) => readJson<VersionManifest>(objects, digest);
