import { createHash } from "node:crypto";
import { type FileHandle, open, readdir, readFile, rename, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOf, digestOfFile, isDigest, newId } from "../../base/index.ts";
import { corrupt, type FileEffects, ignoreMissing, notWritten, statOf, syncFolder, unreadable, unreadableFile } from "./disk.ts";
import type { StoredObject } from "./objects.ts";

export interface LooseOptions {
  readonly folder: string;
  readonly temporary: string;
  readonly effects: FileEffects;
  readonly now: () => number;
}

export type Loose = ReturnType<typeof createLoose>;

export const FAN_OUT = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const CHUNK_BYTES = 1 << 20;
const WRITES_AT_ONCE = 2;
/** A long stream is sent to the disk as it comes; else its last sync takes as long as all of it. */
const SYNC_EVERY_BYTES = 32 << 20;

/**
 * Objects as files `folder/ab/cdef...` of their own. A write goes to a temporary file, is synced and renamed into place, then the folder is
 * synced: an object is there whole or not at all, also after a power cut.
 */
export function createLoose({ folder, temporary, effects, now }: LooseOptions) {
  const fanOut = (digest: Digest) => join(folder, digest.slice(7, 9));
  const placeOf = (digest: Digest) => join(fanOut(digest), digest.slice(9));

  return {
    placeOf,

    async put(digest: Digest, bytes: Uint8Array): Promise<void> {
      if (await keepStored(digest, bytes.byteLength)) return;
      await settle(async (path) => {
        await writeNew(path, (file) => effects.write(file, [bytes], 0));
        return digest;
      });
    },

    async putStream(source: AsyncIterable<Uint8Array>): Promise<StoredObject> {
      let sizeBytes = 0;
      const digest = await settle(async (path) => {
        const sha256 = createHash("sha256");
        await writeNew(path, async (file) => {
          sizeBytes = await pour(source, file, (chunk) => sha256.update(chunk));
        });
        return `sha256:${sha256.digest("hex")}`;
      });
      return { digest, sizeBytes };
    },

    /** Moves the caller's file into place; null when it lies on another file system and must be copied. */
    async takeIn(path: string): Promise<Digest | null> {
      const digest = await digestOfFile(path).catch((cause) => unreadableFile(path, cause));
      const { size } = await stat(path);
      if (await keepStored(digest, size)) {
        await unlink(path);
        return digest;
      }
      try {
        const file = await open(path, "r");
        try {
          await file.chmod(0o600);
          await file.utimes(new Date(now()), new Date(now()));
          await effects.sync(file);
        } finally {
          await file.close();
        }
        await moveIn(path, digest);
        return digest;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === "EXDEV") return null;
        throw notWritten(cause, folder);
      }
    },

    /** null: it is not here. */
    async get(digest: Digest): Promise<Buffer | null> {
      const bytes = await readFile(placeOf(digest)).catch((cause) =>
        cause.code === "ENOENT" ? null : unreadable(digest, cause),
      );
      if (bytes && digestOf(bytes) !== digest) throw corrupt(digest, placeOf(digest));
      return bytes;
    },

    /** null: it is not here. */
    open: (digest: Digest): Promise<FileHandle | null> =>
      open(placeOf(digest), "r").catch((cause) => (cause.code === "ENOENT" ? null : unreadable(digest, cause))),

    async find(digest: Digest): Promise<{ sizeBytes: number; modifiedMs: number } | null> {
      const found = await statOf(placeOf(digest));
      return found && { sizeBytes: found.size, modifiedMs: found.mtimeMs };
    },

    async *list(): AsyncIterable<StoredObject & { modifiedMs: number }> {
      for (const fan of FAN_OUT) {
        for (const rest of (await readdir(join(folder, fan))).sort()) {
          const digest = `sha256:${fan}${rest}`;
          const found = isDigest(digest) ? await statOf(join(folder, fan, rest)) : null;
          if (isDigest(digest) && found) yield { digest, sizeBytes: found.size, modifiedMs: found.mtimeMs };
        }
      }
    },

    /** Goes through `temporary`, so that an object put again at this very moment (its time is fresh) can be put back. */
    async remove(digest: Digest, untouchedSinceMs: number): Promise<boolean> {
      const before = await statOf(placeOf(digest));
      if (!before || before.mtimeMs > untouchedSinceMs) return false;
      const trash = join(temporary, newId());
      if (!(await rename(placeOf(digest), trash).then(() => true, ignoreMissing))) return false;
      if ((await stat(trash)).mtimeMs > untouchedSinceMs) {
        await rename(trash, placeOf(digest));
        return false;
      }
      await unlink(trash);
      return true;
    },
  };

  /** Whether the object is there already; its time is renewed, so that a collection under way spares it. */
  async function keepStored(digest: Digest, sizeBytes: number): Promise<boolean> {
    const found = await statOf(placeOf(digest));
    if (found?.size !== sizeBytes) return false;
    const time = new Date(now());
    if (!(await utimes(placeOf(digest), time, time).then(() => true, ignoreMissing))) return false;
    await syncFolder(fanOut(digest), effects); // another process may have renamed it in a moment ago
    return true;
  }

  /** Lets `fill` write a new temporary file, then moves it into place; on any failure nothing is left behind. */
  async function settle(fill: (path: string) => Promise<Digest>): Promise<Digest> {
    const path = join(temporary, newId());
    try {
      const digest = await fill(path);
      await moveIn(path, digest);
      return digest;
    } catch (cause) {
      await unlink(path).catch(() => undefined);
      if (cause instanceof SourceFailure) throw cause.cause;
      throw notWritten(cause, folder);
    }
  }

  async function moveIn(path: string, digest: Digest): Promise<void> {
    await effects.rename(path, placeOf(digest));
    await syncFolder(fanOut(digest), effects);
  }

  async function writeNew(path: string, fill: (file: FileHandle) => Promise<unknown>): Promise<void> {
    const file = await open(path, "wx", 0o600);
    try {
      await fill(file);
      await file.utimes(new Date(now()), new Date(now()));
      await effects.sync(file);
    } finally {
      await file.close();
    }
  }

  /** Writes what comes while the next of it is hashed, a few chunks at most in memory, and answers how many bytes it was. */
  async function pour(source: AsyncIterable<Uint8Array>, file: FileHandle, hash: (chunk: Uint8Array) => void): Promise<number> {
    const writes: Promise<void>[] = [];
    let syncing: Promise<void> = Promise.resolve();
    let [position, batchBytes, unsynced] = [0, 0, 0];
    let batch: Uint8Array[] = [];
    try {
      for await (const chunk of failingAsSource(source)) {
        batch.push(chunk);
        batchBytes += chunk.byteLength;
        hash(chunk);
        if (batchBytes >= CHUNK_BYTES) await send();
      }
      if (batchBytes > 0) await send();
      await Promise.all(writes);
      return position;
    } finally {
      await Promise.allSettled([...writes, syncing]);
    }

    async function send(): Promise<void> {
      const write = effects.write(file, batch, position);
      write.catch(() => undefined); // it is awaited below, later
      writes.push(write);
      position += batchBytes;
      unsynced += batchBytes;
      [batch, batchBytes] = [[], 0];
      if (writes.length > WRITES_AT_ONCE) await writes.shift();
      if (unsynced >= SYNC_EVERY_BYTES) {
        await syncing;
        syncing = effects.syncData(file);
        syncing.catch(() => undefined);
        unsynced = 0;
      }
    }
  }
}

/** What went wrong in the source is the caller's, not the disk's. */
class SourceFailure extends Error {}

async function* failingAsSource(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* source;
  } catch (cause) {
    throw new SourceFailure("The source failed.", { cause });
  }
}
