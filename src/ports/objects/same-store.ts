/**
 * Keeps a workspace with its store of objects. The records name their store by a random id, and the store holds the id in a mark, `store.json`, with
 * whether it is encrypted:
 *
 *     records: object_store (id, marked)        store: store.json {"id": "...", "encrypted": true}
 *
 * The id is in the records before the mark is made, and `marked` says afterwards that it was: a crash in between is gone on from, and a store
 * without the mark is a new one only as long as none was marked. Steps, which get their store from an opened workspace, do not look.
 */
import { open, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { MillError, newId } from "../../base/index.ts";
import type { Records } from "../records/index.ts";
import { DISK, notWritten, syncFolder, unreadableFile } from "./disk.ts";
import type { Objects } from "./objects.ts";
import type { ObjectsSecrets, ObjectsSpec } from "./open.ts";
import { openBucket } from "./s3-bucket.ts";

export interface StoreMark {
  readonly id: string;
  readonly encrypted: boolean;
}

export interface SameStore extends Pick<ObjectsSecrets, "credentials"> {
  readonly records: Records;
  /** The store that `spec` names, opened. */
  readonly objects: Objects;
}

/**
 * Refuses a store that is not the workspace's own, or is not encrypted as it was made; marks a new one. For the one process that owns the
 * workspace. Errors: `object.other-store`, `object.other-encryption`, and those of the drivers.
 */
export async function requireSameStore(spec: ObjectsSpec, { records, objects, credentials }: SameStore): Promise<void> {
  const place = placeOf(spec, credentials);
  try {
    const own = await storeOf(records);
    const mark = await place.read();
    if (mark ? mark.id !== own.id : own.marked) throw otherStore(place.at, mark, own);
    if (mark && mark.encrypted !== spec.encrypted) throw otherEncryption(place.at, mark.encrypted);
    if (!mark) {
      await requireReadable(objects, spec, place.at);
      await place.write({ id: own.id, encrypted: spec.encrypted });
    }
    if (!own.marked) await records.commit([{ sql: "UPDATE object_store SET marked = 1 WHERE id = ?", params: [own.id] }]);
  } finally {
    place.close();
  }
}

/** What a store says of itself; null: nothing yet. */
export async function readStoreMark(
  spec: ObjectsSpec,
  { credentials }: Pick<ObjectsSecrets, "credentials"> = {},
): Promise<StoreMark | null> {
  const place = placeOf(spec, credentials);
  return place.read().finally(() => place.close());
}

async function storeOf(records: Records): Promise<{ readonly id: string; readonly marked: boolean }> {
  await records.commit([
    { sql: "INSERT INTO object_store (only_row, id, marked) VALUES (1, ?, 0) ON CONFLICT DO NOTHING", params: [newId()] },
  ]);
  const [row] = await records.query<{ id: string; marked: number }>("SELECT id, marked FROM object_store");
  return { id: row!.id, marked: row!.marked === 1 };
}

/** Objects that are older than the mark show by themselves how they are stored. */
async function requireReadable(objects: Objects, { encrypted }: ObjectsSpec, at: string): Promise<void> {
  for await (const { digest } of objects.list()) {
    await objects.get(digest).catch((error) => {
      throw error instanceof MillError && (error.code === "object.corrupt" || error.code === "envelope.unknown-key")
        ? otherEncryption(at, !encrypted)
        : error;
    });
    return;
  }
}

interface MarkPlace {
  readonly at: string;
  read(): Promise<StoreMark | null>;
  write(mark: StoreMark): Promise<void>;
  close(): void;
}

const NAME = "store.json";

const placeOf = (spec: ObjectsSpec, credentials: ObjectsSecrets["credentials"]): MarkPlace =>
  spec.kind === "files" ? inFolder(spec.folder) : inBucket({ ...spec, credentials });

function inFolder(folder: string): MarkPlace {
  const path = join(folder, NAME);
  return {
    at: folder,
    async read() {
      const text = await readFile(path, "utf8").catch((error) => (error.code === "ENOENT" ? null : unreadableFile(path, error)));
      return text === null ? null : parse(text, path);
    },
    async write(mark) {
      const beside = `${path}.${newId()}`;
      try {
        const file = await open(beside, "wx", 0o600);
        await file
          .writeFile(JSON.stringify(mark))
          .then(() => file.sync())
          .finally(() => file.close());
        await rename(beside, path);
        await syncFolder(folder, DISK);
      } catch (cause) {
        await unlink(beside).catch(() => undefined);
        throw notWritten(cause, folder);
      }
    },
    close() {},
  };
}

function inBucket(spec: Extract<ObjectsSpec, { kind: "s3" }> & Pick<ObjectsSecrets, "credentials">): MarkPlace {
  const bucket = openBucket(spec, { attemptsMax: 4, idleMs: 30_000 });
  const key = spec.prefix === "" ? NAME : `${spec.prefix}/${NAME}`;
  const at = `s3://${spec.bucket}/${spec.prefix}`;
  const read = async () => {
    const bytes = await bucket.read(key);
    if (!bytes) return null;
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    return parse(Buffer.concat(chunks).toString(), `s3://${spec.bucket}/${key}`);
  };
  return {
    at,
    read,
    async write(mark) {
      await bucket.put(key, Buffer.from(JSON.stringify(mark)), { onlyNew: true });
      const written = await read();
      if (written?.id !== mark.id) throw otherStore(at, written, { id: mark.id });
    },
    close: () => bucket.close(),
  };
}

function parse(text: string, at: string): StoreMark {
  let mark: Partial<StoreMark> | null = null;
  try {
    mark = JSON.parse(text);
  } catch {}
  if (typeof mark?.id === "string" && typeof mark.encrypted === "boolean") return mark as StoreMark;
  throw new MillError("object.other-store", "The mark that says whose objects these are cannot be read.", {
    at,
    expected: '{"id": "...", "encrypted": false}',
    got: text.slice(0, 60),
    fix: "Restore the file from a backup of the objects.",
  });
}

const otherStore = (at: string, mark: StoreMark | null, { id }: { readonly id: string }) =>
  mark
    ? new MillError("object.other-store", "The objects at this place belong to other records.", {
        at,
        expected: `the store ${id}`,
        got: `the store ${mark.id}`,
        fix: "Name the records that these objects belong to (`--records`, or the workspace's mill.db), or give this workspace another place for its objects (`--objects`).",
      })
    : new MillError("object.other-store", "The objects of this workspace are not at this place.", {
        at,
        expected: `the store ${id}`,
        got: "a place without objects of Millwright's",
        fix: "Name the place where they are (`--objects`). To move them, copy everything that lies there, store.json too, and then name the new place.",
      });

const otherEncryption = (at: string, encrypted: boolean) =>
  new MillError(
    "object.other-encryption",
    `The objects at this place are ${encrypted ? "encrypted" : "not encrypted"}, and a store is so from its first object or not at all.`,
    {
      at,
      expected: `--encrypt ${encrypted ? "yes" : "no"}`,
      got: `--encrypt ${encrypted ? "no" : "yes"}`,
      fix: `Set \`encrypt\` to "${encrypted ? "yes" : "no"}"; for the other, begin a new workspace at another place and run the project there.`,
    },
  );
