import { type Digest, MillError, newId } from "../base/index.ts";
import { type Objects, readWhole, type StoredObject } from "../ports/objects/index.ts";
import type { Records } from "../ports/records/index.ts";

export const PARTS_MAX = 10_000;

/** An object on its way in, in parts. */
export interface Upload {
  readonly id: string;
  readonly repository: string;
  readonly branch: string;
  readonly path: string;
  /** What the one who began it said of the object, as JSON. */
  readonly headers: string;
  readonly actor: string;
  readonly createdAt: number;
  /** What `finish` was given; null: it was not finished. */
  readonly completed: string | null;
  /** When it was finished or aborted. */
  readonly endedAt: number | null;
}

export interface Part {
  /** 1 to `PARTS_MAX`. */
  readonly number: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** MD5 in hex. */
  readonly etag: string;
  /** Base64 by algorithm. */
  readonly checksums: Readonly<Record<string, string>>;
  readonly at: number;
}

export interface UploadList {
  /** null: of all branches; keys then begin with `BRANCH/`. */
  readonly branch: string | null;
  readonly prefix?: string;
  readonly after?: { readonly key: string; readonly id: string };
  readonly limit: number;
}

/** Uploads in parts: each part is an object, kept by its row until the upload ends. */
export interface Uploads {
  begin(upload: Pick<Upload, "repository" | "branch" | "path" | "headers" | "actor">): Promise<Upload>;
  /** Ended ones too; null: there is none. */
  find(id: string): Promise<Upload | null>;
  /** A part sent again replaces the one before. Errors: `lake.unknown-upload`, also when it ended. */
  putPart(id: string, part: Omit<Part, "at">): Promise<Part>;
  /** By number. */
  parts(id: string, page: { readonly after?: number; readonly limit: number }): Promise<readonly Part[]>;
  /** Uploads under way by key, then by age. */
  list(repository: string, options: UploadList): Promise<readonly (Upload & { readonly key: string })[]>;
  /** The parts one behind the other as one object, in bounded memory; a single part is the object. */
  join(parts: readonly Part[]): Promise<StoredObject>;
  /** Ends it and lets its parts go; `completed` answers who asks again. Whether it was under way. */
  finish(id: string, completed: string): Promise<boolean>;
  /** Ends it and lets its parts go. Errors: `lake.unknown-upload`, also when it ended. */
  abort(id: string): Promise<void>;
  /** Aborts what began before a moment and got no part since, and forgets what ended before it. Gives how many were aborted. */
  expire(beforeMs: number): Promise<number>;
}

interface UploadRow {
  readonly id: string;
  readonly repository: string;
  readonly branch: string;
  readonly path: string;
  readonly headers: string;
  readonly actor: string;
  readonly created_at: number;
  readonly completed: string | null;
  readonly ended_at: number | null;
}

interface PartRow {
  readonly number: number;
  readonly digest: Digest;
  readonly size_bytes: number;
  readonly etag: string;
  readonly checksums: string;
  readonly at: number;
}

export interface UploadsResources {
  readonly records: Records;
  readonly objects: Pick<Objects, "read" | "putStream">;
  readonly clock?: () => number;
}

export function createUploads({ records, objects, clock = Date.now }: UploadsResources): Uploads {
  return {
    async begin({ repository, branch, path, headers, actor }) {
      const createdAt = clock();
      const id = newId(createdAt);
      await records.commit([
        {
          sql: "INSERT INTO uploads (id, repository, branch, path, headers, actor, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
          params: [id, repository, branch, path, headers, actor, createdAt],
        },
      ]);
      return { id, repository, branch, path, headers, actor, createdAt, completed: null, endedAt: null };
    },

    async find(id) {
      const [row] = await records.query<UploadRow>("SELECT * FROM uploads WHERE id = ?", [id]);
      return row ? toUpload(row) : null;
    },

    async putPart(id, { number, digest, sizeBytes, etag, checksums }) {
      const at = clock();
      const outcome = await records.commit([
        underWay(id),
        {
          sql: `INSERT INTO upload_parts (upload_id, number, digest, size_bytes, etag, checksums, at) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (upload_id, number) DO UPDATE SET digest = excluded.digest, size_bytes = excluded.size_bytes, etag = excluded.etag,
              checksums = excluded.checksums, at = excluded.at`,
          params: [id, number, digest, sizeBytes, etag, JSON.stringify(checksums), at],
        },
      ]);
      if (!outcome.committed) throw unknownUpload(id);
      return { number, digest, sizeBytes, etag, checksums, at };
    },

    async parts(id, { after = 0, limit }) {
      const rows = await records.query<PartRow>(
        "SELECT number, digest, size_bytes, etag, checksums, at FROM upload_parts WHERE upload_id = ? AND number > ? ORDER BY number LIMIT ?",
        [id, after, limit],
      );
      return rows.map(toPart);
    },

    async list(repository, { branch, prefix = "", after, limit }) {
      const key = branch === null ? "branch || '/' || path" : "path";
      const rows = await records.query<UploadRow & { readonly key: string }>(
        `SELECT * FROM (SELECT uploads.*, ${key} AS key FROM uploads WHERE repository = ?${branch === null ? "" : " AND branch = ?"} AND ended_at IS NULL) AS open
          WHERE key >= ? AND (key > ? OR (key = ? AND id > ?)) ORDER BY key, id LIMIT ?`,
        [
          repository,
          ...(branch === null ? [] : [branch]),
          prefix,
          ...[after?.key ?? "", after?.key ?? "", after?.id ?? ""],
          limit,
        ],
      );
      return rows.filter((row) => row.key.startsWith(prefix)).map((row) => ({ ...toUpload(row), key: row.key }));
    },

    async join(parts) {
      if (parts.length === 1) return { digest: parts[0]!.digest, sizeBytes: parts[0]!.sizeBytes };
      return objects.putStream(joined(parts));
    },

    async finish(id, completed) {
      return end(id, completed);
    },

    async abort(id) {
      if (!(await end(id, null))) throw unknownUpload(id);
    },

    async expire(beforeMs) {
      const stale = await records.query<{ id: string }>(
        `SELECT id FROM uploads WHERE ended_at IS NULL AND created_at < ?
          AND NOT EXISTS (SELECT 1 FROM upload_parts p WHERE p.upload_id = uploads.id AND p.at >= ?)`,
        [beforeMs, beforeMs],
      );
      const ended = await Promise.all(stale.map(({ id }) => end(id, null)));
      await records.commit([{ sql: "DELETE FROM uploads WHERE ended_at < ?", params: [beforeMs] }]);
      return ended.filter(Boolean).length;
    },
  };

  async function end(id: string, completed: string | null): Promise<boolean> {
    const outcome = await records.commit([
      {
        sql: "UPDATE uploads SET completed = ?, ended_at = ? WHERE id = ? AND ended_at IS NULL",
        params: [completed, clock(), id],
        rows: 1,
      },
      { sql: "DELETE FROM upload_parts WHERE upload_id = ?", params: [id] },
    ]);
    return outcome.committed;
  }

  async function* joined(parts: readonly Part[]): AsyncGenerator<Uint8Array> {
    for (const { digest } of parts) yield* readWhole(objects, digest);
  }
}

/** Holds the row, so that a part and an end cannot pass each other. */
const underWay = (id: string) => ({
  sql: "UPDATE uploads SET ended_at = NULL WHERE id = ? AND ended_at IS NULL",
  params: [id],
  rows: 1,
});

const unknownUpload = (id: string) =>
  new MillError("lake.unknown-upload", `There is no upload ${id} under way.`, {
    fix: "Begin another one: it ended, or never was.",
  });

const toUpload = (row: UploadRow): Upload => ({
  id: row.id,
  repository: row.repository,
  branch: row.branch,
  path: row.path,
  headers: row.headers,
  actor: row.actor,
  createdAt: row.created_at,
  completed: row.completed,
  endedAt: row.ended_at,
});

const toPart = (row: PartRow): Part => ({
  number: row.number,
  digest: row.digest,
  sizeBytes: row.size_bytes,
  etag: row.etag,
  checksums: JSON.parse(row.checksums),
  at: row.at,
});
