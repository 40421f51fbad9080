/**
 * The files of runs and logged models: one tree of paths, each a row that names an object, which is pinned while the row exists.
 *
 *     1/4f2c…/artifacts/model/MLmodel      EXPERIMENT/RUN/artifacts/…
 *     1/models/m-77…/artifacts/model.pkl   EXPERIMENT/models/MODEL/artifacts/…
 */
import { type Digest, MillError } from "../../base/index.ts";
import type { Uploads } from "../../lake/index.ts";
import { type Objects, pin, readWhole } from "../../ports/objects/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import { artifactPath } from "./artifact-path.ts";

export interface Artifact {
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Wall clock, milliseconds. */
  readonly modifiedAt: number;
}

export interface ArtifactEntry {
  /** The last element of its path. */
  readonly name: string;
  /** null: a folder. */
  readonly sizeBytes: number | null;
}

export interface ArtifactPart {
  /** 1 to 10,000. */
  readonly number: number;
  /** As `putPart` gave it. */
  readonly etag: string;
}

/** Paths are as `artifactPath` takes them; any other is refused with `artifact.path`. What is acknowledged is on disk. */
export interface Artifacts {
  /**
   * Takes a file of any length in as it comes, in bounded memory; one that was there is replaced when the new one is whole. A source that fails leaves
   * everything as it was; of two at once the later one stays. Errors: `artifact.folder`, those of the source and of the disk.
   */
  put(path: string, source: AsyncIterable<Uint8Array>): Promise<Artifact>;
  /** Errors: `artifact.missing`, also for a folder. */
  find(path: string): Promise<Artifact>;
  /** Bytes `start` to `end` (exclusive); all of them are checked against the digest as they pass, before the last chunk. */
  read(artifact: Artifact, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
  /**
   * What lies directly in a folder, by name; nothing for a file, and for what does not exist. `""`: the root. A page goes on `after` a name, which ends with
   * "/" for a folder.
   */
  list(folder: string, page?: { readonly after?: string; readonly limit?: number }): Promise<ArtifactEntry[]>;
  /** Every file below a folder, by path. */
  under(folder: string): AsyncIterable<Artifact>;
  /** Takes a file away, or everything below a folder; its objects go with the next collection. Gives how many files there were. Errors: `artifact.path` for the root. */
  remove(path: string): Promise<number>;
  /** An upload in parts, which may come at once and in any order. */
  beginUpload(path: string, actor: string): Promise<string>;
  /** A part sent again replaces the one before. Gives its etag. Errors: `artifact.upload`. */
  putPart(upload: string, number: number, source: AsyncIterable<Uint8Array>): Promise<string>;
  /** Makes the file of the parts, in this order. Safe to repeat. Errors: `artifact.upload`, for parts that did not come like this too. */
  completeUpload(upload: string, path: string, parts: readonly ArtifactPart[]): Promise<Artifact>;
  /** Errors: `artifact.upload`. */
  abortUpload(upload: string, path: string): Promise<void>;
}

export interface ArtifactsResources {
  readonly records: Records;
  readonly objects: Objects;
  readonly uploads: Uploads;
  readonly now?: () => number;
}

const PAGE = 1000;
/** Uploads of artifacts belong to no repository. */
const NOWHERE = { repository: "", branch: "artifacts" } as const;

export function createArtifacts({ records, objects, uploads, now = Date.now }: ArtifactsResources): Artifacts {
  const artifacts: Artifacts = {
    async put(given, source) {
      const path = fileAt(given);
      return publish(path, await objects.putStream(source));
    },

    async find(given) {
      const path = artifactPath(given);
      const [row] = await records.query<ArtifactRow>("SELECT * FROM artifacts WHERE path = ?", [path]);
      if (row) return toArtifact(row);
      throw new MillError("artifact.missing", `There is no artifact at "${path}".`, {
        at: path,
        fix: "List the artifacts of the run or model; a folder is downloaded file by file.",
      });
    },

    read: ({ digest, sizeBytes }, range) =>
      range === undefined || (range.start === 0 && range.end === sizeBytes)
        ? readWhole(objects, digest)
        : objects.read(digest, range),

    async list(given, { after = "", limit = Number.POSITIVE_INFINITY } = {}) {
      const folder = artifactPath(given);
      const prefix = folder === "" ? "" : `${folder}/`;
      const found: ArtifactEntry[] = [];
      for (let from = after === "" ? prefix : next(prefix + after); found.length < limit; ) {
        const rows: ArtifactRow[] = await records.query<ArtifactRow>(
          `SELECT * FROM artifacts WHERE path >= ?${prefix === "" ? "" : " AND path < ?"} ORDER BY path LIMIT ${PAGE}`,
          prefix === "" ? [from] : [from, behind(folder)],
        );
        for (const { path, size_bytes } of rows) {
          const [name, ...deeper] = path.slice(prefix.length).split("/") as [string, ...string[]];
          if (deeper.length === 0) found.push({ name, sizeBytes: size_bytes });
          else if (found.at(-1)?.name !== name) found.push({ name, sizeBytes: null });
        }
        const last = found.at(-1);
        if (rows.length < PAGE || last === undefined) break;
        from = next(last.sizeBytes === null ? `${prefix}${last.name}/` : rows.at(-1)!.path);
      }
      return found.slice(0, limit);
    },

    async *under(given) {
      const folder = artifactPath(given);
      for (let after = folder === "" ? "" : `${folder}/`; ; ) {
        const rows = await records.query<ArtifactRow>(
          `SELECT * FROM artifacts WHERE path > ?${folder === "" ? "" : " AND path < ?"} ORDER BY path LIMIT ${PAGE}`,
          folder === "" ? [after] : [after, behind(folder)],
        );
        yield* rows.map(toArtifact);
        if (rows.length < PAGE) return;
        after = rows.at(-1)!.path;
      }
    },

    async remove(given) {
      const path = fileAt(given);
      const range = [path, `${path}/`, behind(path)];
      const [row] = await records.query<{ files: number }>(
        "SELECT count(*) AS files FROM artifacts WHERE path = ? OR (path > ? AND path < ?)",
        range,
      );
      if (!row || Number(row.files) === 0) return 0;
      await records.commit([
        {
          sql: `DELETE FROM pins WHERE holder IN (SELECT 'artifact/' || path FROM artifacts WHERE path = ? OR (path > ? AND path < ?))`,
          params: range,
        },
        { sql: "DELETE FROM artifacts WHERE path = ? OR (path > ? AND path < ?)", params: range },
      ]);
      return Number(row.files);
    },

    async beginUpload(given, actor) {
      const { id } = await uploads.begin({ ...NOWHERE, path: fileAt(given), headers: "{}", actor });
      return id;
    },

    async putPart(upload, number, source) {
      await uploadAt(upload, null);
      const { digest, sizeBytes } = await objects.putStream(source);
      const etag = digest.slice("sha256:".length);
      await uploads.putPart(upload, { number, digest, sizeBytes, etag, checksums: {} });
      return etag;
    },

    async completeUpload(upload, given, wanted) {
      const { path, completed } = await uploadAt(upload, artifactPath(given));
      if (completed !== null) return artifacts.find(path);
      const parts = new Map<number, Awaited<ReturnType<Uploads["parts"]>>[number]>();
      for (let after = 0; ; ) {
        const page = await uploads.parts(upload, { after, limit: PAGE });
        for (const part of page) parts.set(part.number, part);
        if (page.length < PAGE) break;
        after = page.at(-1)!.number;
      }
      const chosen = wanted.map(({ number, etag }) => {
        const part = parts.get(number);
        if (part?.etag === etag.replaceAll('"', "")) return part;
        throw unknownUpload(`The part ${number} of the upload did not come with this etag.`, upload);
      });
      const isSorted = chosen.every(({ number }, index) => index === 0 || number > chosen[index - 1]!.number);
      if (chosen.length === 0 || !isSorted)
        throw unknownUpload("The parts must be named by rising numbers, at least one.", upload);
      const artifact = await publish(path, await uploads.join(chosen));
      await uploads.finish(upload, artifact.digest);
      return artifact;
    },

    async abortUpload(upload, given) {
      await uploadAt(upload, artifactPath(given));
      await uploads.abort(upload);
    },
  };

  /** A file takes no folder's place and lies in none that is a file. */
  async function publish(path: string, { digest, sizeBytes }: { digest: Digest; sizeBytes: number }): Promise<Artifact> {
    const modifiedAt = now();
    const above = path.split("/").flatMap((_, index, names) => (index === 0 ? [] : [names.slice(0, index).join("/")]));
    const isHere = above.length === 0 ? "" : `path IN (${above.map(() => "?").join(", ")}) OR `;
    const row: Statement = {
      sql: `INSERT INTO artifacts (path, digest, size_bytes, modified_at) SELECT ?, ?, ?, ?
        WHERE NOT EXISTS (SELECT 1 FROM artifacts WHERE ${isHere}(path > ? AND path < ?))
        ON CONFLICT (path) DO UPDATE SET digest = excluded.digest, size_bytes = excluded.size_bytes, modified_at = excluded.modified_at`,
      params: [path, digest, sizeBytes, modifiedAt, ...above, `${path}/`, behind(path)],
      rows: 1,
    };
    const holder = `artifact/${path}`;
    const outcome = await records.commit([
      row,
      { sql: "DELETE FROM pins WHERE holder = ? AND digest <> ?", params: [holder, digest] },
      ...pin(holder, [digest]),
    ]);
    if (outcome.committed) return { path, digest, sizeBytes, modifiedAt };
    throw new MillError("artifact.folder", `"${path}" is a folder, or lies in something that is a file.`, {
      at: path,
      fix: "Choose another path, or delete what is there.",
    });
  }

  async function uploadAt(id: string, path: string | null) {
    const found = await uploads.find(id);
    if (!found || found.repository !== NOWHERE.repository) throw unknownUpload("There is no such upload.", id);
    if (path !== null && found.path !== path) throw unknownUpload(`The upload is one of another path, "${found.path}".`, id);
    if (found.endedAt !== null && found.completed === null) throw unknownUpload("The upload was aborted.", id);
    return found;
  }

  return artifacts;
}

/** The first text behind all that lies in a folder: "0" comes after "/". */
const behind = (folder: string) => `${folder}0`;

/** The least text behind a file, or behind all that lies in a folder; no path holds a control character. */
const next = (path: string) => (path.endsWith("/") ? behind(path.slice(0, -1)) : `${path}\u0001`);

function fileAt(given: string): string {
  const path = artifactPath(given);
  if (path !== "") return path;
  throw new MillError("artifact.path", "Invalid path", { expected: "the path of an artifact", got: "nothing", fix: "Name one." });
}

const unknownUpload = (message: string, id: string) =>
  new MillError("artifact.upload", message, { got: id.slice(0, 100), fix: "Begin another upload." });

interface ArtifactRow {
  readonly path: string;
  readonly digest: Digest;
  readonly size_bytes: number;
  readonly modified_at: number;
}

const toArtifact = ({ path, digest, size_bytes, modified_at }: ArtifactRow): Artifact => ({
  path,
  digest,
  sizeBytes: size_bytes,
  modifiedAt: modified_at,
});
