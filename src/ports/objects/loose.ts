import { createHash } from "node:crypto";
import { linkSync, readdirSync, rmSync } from "node:fs";
import { constants, copyFile, type FileHandle, open, readdir, readFile, rename, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOf, digestOfFile, isDigest, newId } from "../../base/index.ts";
import { type Codec, PLAIN, type Range } from "./codec.ts";
import { corrupt, type FileEffects, ignoreMissing, notWritten, statOf, syncFolder, unreadable, unreadableFile } from "./disk.ts";
import type { StoredObject } from "./objects.ts";
import type { Outcome } from "./rotation.ts";

export interface LooseOptions {
  readonly folder: string;
  readonly temporary: string;
  readonly effects: FileEffects;
  readonly codec: Codec;
  readonly now: () => number;
}

export type Loose = ReturnType<typeof createLoose>;

export const FAN_OUT = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const CHUNK_BYTES = 1 << 20;
const WRITES_AT_ONCE = 2;
/** Blocks to write from, used again: memory that is new each time costs more than the copy into it. */
const BLOCKS_KEPT = 8;
/** A long stream is sent to the disk as it comes; else its last sync takes as long as all of it. */
const SYNC_EVERY_BYTES = 32 << 20;

/**
 * Objects as files `folder/ab/cdef...` of their own. A write goes to a temporary file, is synced and renamed into place, then the folder is
 * synced: an object is there whole or not at all, also after a power cut.
 */
export function createLoose({ folder, temporary, effects, codec, now }: LooseOptions) {
  const fanOut = (digest: Digest) => join(folder, digest.slice(7, 9));
  const placeOf = (digest: Digest) => join(fanOut(digest), digest.slice(9));
  const blocks: Buffer[] = [];

  return {
    placeOf,

    async put(digest: Digest, bytes: Uint8Array): Promise<void> {
      if (await keepStored(digest, bytes.byteLength)) return;
      await settle(async (path) => {
        await writeNew(path, (file) => effects.write(file, [codec.encode(bytes, digest)], 0));
        return digest;
      });
    },

    async putStream(source: AsyncIterable<Uint8Array>): Promise<StoredObject> {
      let sizeBytes = 0;
      const digest = await settle(async (path) => {
        const sha256 = createHash("sha256");
        const encoder = codec.encoder();
        let digest: Digest | null = null;
        const stored = async function* () {
          for await (const chunk of failingAsSource(source)) {
            sha256.update(chunk);
            sizeBytes += chunk.byteLength;
            yield encoder.update(chunk);
          }
          digest = `sha256:${sha256.digest("hex")}`;
          yield encoder.end(digest);
        };
        await writeNew(path, (file) => pour(stored(), file));
        return digest!;
      });
      return { digest, sizeBytes };
    },

    /** Moves the caller's file into place; null when it must be copied: it lies on another file system, or is stored in another form. */
    async takeIn(path: string): Promise<Digest | null> {
      if (codec !== PLAIN) return null;
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
    async get(digest: Digest): Promise<Uint8Array | null> {
      const stored = await readFile(placeOf(digest)).catch((cause) =>
        cause.code === "ENOENT" ? null : unreadable(digest, cause),
      );
      const bytes = stored && codec.decode(stored, digest);
      if (bytes && digestOf(bytes) !== digest) throw corrupt(digest, placeOf(digest));
      return bytes;
    },

    /** As `Objects.read`; null: it is not here. */
    async read(digest: Digest, range?: Range): Promise<AsyncIterable<Uint8Array> | null> {
      const file = await open(placeOf(digest), "r").catch((cause) =>
        cause.code === "ENOENT" ? null : unreadable(digest, cause),
      );
      return file && decoded(digest, file, range);
    },

    async find(digest: Digest): Promise<{ sizeBytes: number; modifiedMs: number } | null> {
      const found = await statOf(placeOf(digest));
      return found && { sizeBytes: codec.sizeBytes(found.size), modifiedMs: found.mtimeMs };
    },

    /** Whether it is here; its time is renewed. */
    async touch(digest: Digest): Promise<boolean> {
      const found = await statOf(placeOf(digest));
      return found !== null && keepStored(digest, codec.sizeBytes(found.size));
    },

    async *list(): AsyncIterable<StoredObject & { modifiedMs: number }> {
      for (const fan of FAN_OUT) {
        for (const rest of (await readdir(join(folder, fan))).sort()) {
          const digest = `sha256:${fan}${rest}`;
          const found = isDigest(digest) ? await statOf(join(folder, fan, rest)) : null;
          if (isDigest(digest) && found) yield { digest, sizeBytes: codec.sizeBytes(found.size), modifiedMs: found.mtimeMs };
        }
      }
    },

    /** Goes through `temporary`, so that an object put again at this very moment (its time is fresh) can be put back; whoever opens the store does it too. */
    async remove(digest: Digest, untouchedSinceMs: number): Promise<boolean> {
      const before = await statOf(placeOf(digest));
      if (!before || before.mtimeMs > untouchedSinceMs) return false;
      const trash = join(temporary, `removed-${digest.slice(7)}-${newId()}`);
      if (!(await rename(placeOf(digest), trash).then(() => true, ignoreMissing))) return false;
      const removed = await statOf(trash);
      if (removed && removed.mtimeMs <= untouchedSinceMs) return unlink(trash).then(() => true, ignoreMissing);
      if (removed) await rename(trash, placeOf(digest)).catch(ignoreMissing);
      return false;
    },

    /** Brings the object under the current key. Its time becomes now: an older one could undo a renewal that happens at this moment. */
    async renew(digest: Digest): Promise<Outcome> {
      const copy = join(temporary, newId());
      try {
        const found = await statOf(placeOf(digest));
        const renewed = found && codec.renew(await tailOf(placeOf(digest), found.size), digest);
        if (!renewed) return found ? "kept" : "gone";
        await copyFile(placeOf(digest), copy, constants.COPYFILE_FICLONE);
        const file = await open(copy, "r+");
        try {
          await effects.write(file, [renewed], found.size - renewed.byteLength);
          await effects.sync(file);
        } finally {
          await file.close();
        }
        await moveIn(copy, digest);
        return "renewed";
      } catch (cause) {
        await unlink(copy).catch(() => undefined);
        if ((cause as NodeJS.ErrnoException).code === "ENOENT") return "gone";
        throw notWritten(cause, folder);
      }
    },
  };

  /** What of the stored bytes depends on the key; nothing where they are too few. */
  async function tailOf(path: string, size: number): Promise<Buffer> {
    const tail = Buffer.alloc(size < codec.tailBytes ? 0 : codec.tailBytes);
    const file = await open(path, "r");
    try {
      await file.read(tail, 0, tail.byteLength, size - tail.byteLength);
      return tail;
    } finally {
      await file.close();
    }
  }

  async function* decoded(digest: Digest, file: FileHandle, range?: Range): AsyncIterable<Uint8Array> {
    try {
      const { size } = await file.stat();
      yield* codec.read(digest, size, ({ start, end }) => readAhead(file, start, end), range);
    } finally {
      await file.close();
    }
  }

  /** Whether the object is there already; its time is renewed, so that a collection under way spares it. */
  async function keepStored(digest: Digest, sizeBytes: number): Promise<boolean> {
    const found = await statOf(placeOf(digest));
    if (found?.size !== codec.storedBytes(sizeBytes)) return false;
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

  /** Writes what comes while the next of it is made, a few blocks at most in memory. */
  async function pour(source: AsyncIterable<Uint8Array>, file: FileHandle): Promise<void> {
    const writes: Promise<void>[] = [];
    let syncing: Promise<void> = Promise.resolve();
    let [position, filled, unsynced] = [0, 0, 0];
    let block = takeBlock();
    try {
      for await (const chunk of source) {
        for (let taken = 0; taken < chunk.byteLength; ) {
          const piece = chunk.subarray(taken, taken + CHUNK_BYTES - filled);
          block.set(piece, filled);
          taken += piece.byteLength;
          filled += piece.byteLength;
          if (filled === CHUNK_BYTES) await send();
        }
      }
      if (filled > 0) await send();
      await Promise.all(writes);
    } finally {
      await Promise.allSettled([...writes, syncing]);
      leaveBlock(block);
    }

    async function send(): Promise<void> {
      const sent = block;
      const write = effects.write(file, [sent.subarray(0, filled)], position).finally(() => leaveBlock(sent));
      write.catch(() => undefined); // it is awaited later
      writes.push(write);
      position += filled;
      unsynced += filled;
      [block, filled] = [takeBlock(), 0];
      if (writes.length > WRITES_AT_ONCE) await writes.shift();
      if (unsynced < SYNC_EVERY_BYTES) return;
      await syncing;
      syncing = effects.syncData(file);
      syncing.catch(() => undefined);
      unsynced = 0;
    }
  }

  function takeBlock(): Buffer {
    return blocks.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  function leaveBlock(block: Buffer): void {
    if (blocks.length < BLOCKS_KEPT) blocks.push(block);
  }
}

/**
 * Puts back what a process was removing when it ended: it may have been put again in between. What another process is removing right now comes back as
 * well, and goes another time.
 */
export function putBackRemoved(folder: string, temporary: string): void {
  for (const name of readdirSync(temporary)) {
    const [, fan, rest] = /^removed-([0-9a-f]{2})([0-9a-f]{62})-/.exec(name) ?? [];
    if (fan === undefined) continue;
    try {
      linkSync(join(temporary, name), join(folder, fan, rest!));
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === "ENOENT") continue; // it is gone by now, or back
      if (code !== "EEXIST") throw cause;
    }
    rmSync(join(temporary, name), { force: true });
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

/** The bytes of an open file from `start` to `end`, one chunk ahead of who takes them. */
export async function* readAhead(file: FileHandle, start: number, end: number): AsyncIterable<Buffer> {
  const readAt = async (position: number): Promise<Buffer> => {
    const length = Math.max(0, Math.min(CHUNK_BYTES, end - position));
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  };
  let ahead = readAt(start);
  try {
    for (let position = start; ; ) {
      const chunk = await ahead;
      if (chunk.byteLength === 0) return;
      position += chunk.byteLength;
      ahead = readAt(position);
      ahead.catch(() => undefined); // it is awaited in the next turn, unless nobody asks for more
      yield chunk;
    }
  } finally {
    await ahead.catch(() => undefined);
  }
}
