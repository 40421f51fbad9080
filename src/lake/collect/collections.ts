import { type Digest, MillError, newId } from "../../base/index.ts";
import { pin, unpin } from "../../ports/objects/index.ts";
import type { Records } from "../../ports/records/index.ts";

export interface Collection {
  readonly id: string;
  readonly dryRun: boolean;
  readonly graceMs: number;
  /** Removed, or of a dry run: to be removed. */
  readonly objects: number;
  readonly bytes: number;
  readonly kept: number;
  /** Commits that retention gave up, and uploads that were ended. */
  readonly commits: number;
  readonly uploads: number;
  /** The object that names each one that went, or would go, a line of JSON each; null: it is not told yet. */
  readonly proof: Digest | null;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** null: it runs, or was cut off. */
  readonly endedAt: number | null;
}

export type Counts = Pick<Collection, "objects" | "bytes" | "kept">;

/** One that removes, and has said what. */
export interface Planned extends Collection {
  readonly plan: Digest;
}

interface Row extends Omit<Planned, "dryRun"> {
  readonly dryRun: number;
}

const COLUMNS = `id, dry_run AS "dryRun", grace_ms AS "graceMs", objects, bytes, kept, commits, uploads, plan, proof, started_at AS "startedAt", ended_at AS "endedAt"`;

const DAY_MS = 24 * 3_600_000;
/** What a dry run told is kept for so long. */
const DRY_RUN_KEPT_MS = 30 * DAY_MS;

/** The rows of collections; what they list is pinned with them. */
export function createCollections(records: Records, clock: () => number) {
  return {
    async list({ limit, after }: { readonly limit: number; readonly after?: string }): Promise<Collection[]> {
      const rows = await records.query<Row>(
        `SELECT ${COLUMNS} FROM collections ${after === undefined ? "" : "WHERE id < ?"} ORDER BY id DESC LIMIT ?`,
        after === undefined ? [limit] : [after, limit],
      );
      return rows.map(toCollection);
    },

    /** Errors: `lake.unknown-collection`. */
    async listOf(id: string): Promise<Digest> {
      const [row] = await records.query<{ list: Digest }>("SELECT coalesce(proof, plan) AS list FROM collections WHERE id = ?", [
        id,
      ]);
      if (row) return row.list;
      throw new MillError("lake.unknown-collection", `There is no collection ${id}.`, {
        at: id,
        fix: "`mill lake collections` lists them.",
      });
    },

    /** Writes down what will be removed, before anything is; dry runs of long ago are forgotten. */
    async open(collection: Omit<Planned, "id" | "proof" | "endedAt">): Promise<string> {
      const { dryRun, graceMs, objects, bytes, kept, commits, uploads, plan, startedAt } = collection;
      const id = newId(startedAt);
      const old = await records.query<{ id: string }>("SELECT id FROM collections WHERE dry_run = 1 AND started_at < ?", [
        startedAt - DRY_RUN_KEPT_MS,
      ]);
      await records.commit([
        ...old.flatMap(({ id }) => [{ sql: "DELETE FROM collections WHERE id = ?", params: [id] }, ...unpin(holderOf(id))]),
        {
          sql: "INSERT INTO collections (id, dry_run, grace_ms, objects, bytes, kept, commits, uploads, plan, started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          params: [id, dryRun ? 1 : 0, graceMs, objects, bytes, kept, commits, uploads, plan, startedAt],
        },
        ...pin(holderOf(id), [plan]),
      ]);
      return id;
    },

    /** Says what came of it. */
    async close(id: string, proof: Digest, { objects, bytes, kept }: Counts): Promise<Collection> {
      await records.commit([
        {
          sql: "UPDATE collections SET objects = ?, bytes = ?, kept = ?, plan = NULL, proof = ?, ended_at = ? WHERE id = ? AND ended_at IS NULL",
          params: [objects, bytes, kept, proof, clock(), id],
          rows: 1,
        },
        ...unpin(holderOf(id)),
        ...pin(holderOf(id), [proof]),
      ]);
      const [row] = await records.query<Row>(`SELECT ${COLUMNS} FROM collections WHERE id = ?`, [id]);
      return toCollection(row!);
    },

    /** Those that did not come to their end. */
    async cutOff(): Promise<Planned[]> {
      const rows = await records.query<Row>(`SELECT ${COLUMNS} FROM collections WHERE ended_at IS NULL ORDER BY id`);
      return rows.map((row) => ({ ...toCollection(row), plan: row.plan }));
    },
  };
}

const holderOf = (id: string) => `collection:${id}`;

const toCollection = ({ plan: _, dryRun, ...row }: Row): Collection => ({ ...row, dryRun: dryRun !== 0 });
