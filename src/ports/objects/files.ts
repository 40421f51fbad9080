import { createHash } from "node:crypto";
import { closeSync, createReadStream, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open, readdir, readFile, rename, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOf, digestOfFile, isDigest, MillError, newId } from "../../base/index.ts";
import type { Objects } from "./objects.ts";

/** The writes that a full or failing disk can refuse; tests hand in ones that fail. */
export interface FileEffects {
  write(file: FileHandle, bytes: Uint8Array): Promise<void>;
  sync(file: FileHandle): Promise<void>;
  rename(from: string, to: string): Promise<void>;
}

const DISK: FileEffects = { write: (file, bytes) => file.writeFile(bytes), sync: (file) => file.sync(), rename };

const FAN_OUT = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const CHUNK_BYTES = 1 << 20;
/** A writer touches its temporary file all the time; one this old belongs to a process that died. */
const STALE_MS = 3600_000;

/**
 * Objects as files `folder/ab/cdef...`, named by their SHA-256. A write goes to `folder/tmp`, is fsynced and renamed into place, then the
 * folder is fsynced: an object is there whole or not at all, also after a power cut. Folders have mode 0700, files 0600.
 * Errors: `object.disk-full`, `object.not-writable`, `object.unreadable`, `object.missing`, `object.corrupt`.
 */
export function createFileObjects(folder: string, effects: FileEffects = DISK): Objects {
  const temporary = join(folder, "tmp");
  try {
    layOut(folder);
    sweepStale(temporary);
  } catch (cause) {
    throw notWritten(cause, folder);
  }

  const fanOut = (digest: Digest) => join(folder, digest.slice(7, 9));
  const placeOf = (digest: Digest) => join(fanOut(digest), digest.slice(9));
  const temporaryName = () => join(temporary, newId());

  return {
    async put(bytes) {
      const digest = digestOf(bytes);
      if (await keepStored(digest, bytes.byteLength)) return digest;
      return settle(async (path) => {
        await writeNew(path, (file) => effects.write(file, bytes));
        return digest;
      });
    },

    async putStream(source) {
      let sizeBytes = 0;
      const digest = await settle(async (path) => {
        const sha256 = createHash("sha256");
        await writeNew(path, async (file) => {
          for await (const chunk of source) {
            sha256.update(chunk);
            sizeBytes += chunk.byteLength;
            await effects.write(file, chunk);
          }
        });
        return `sha256:${sha256.digest("hex")}`;
      });
      return { digest, sizeBytes };
    },

    async putFile(path, { consume = false } = {}) {
      const taken = consume ? await takeIn(path) : null;
      if (taken) return taken;
      const digest = await settle((copy) => copyHashing(path, copy));
      if (consume) await unlink(path);
      return digest;
    },

    async get(digest) {
      const bytes = await readFile(placeOf(digest)).catch((cause) => unreadable(digest, cause));
      if (digestOf(bytes) !== digest) throw corrupt(digest, placeOf(digest));
      return bytes;
    },

    async *read(digest, range) {
      await stat(placeOf(digest)).catch((cause) => unreadable(digest, cause));
      if (range && range.start >= range.end) return;
      yield* createReadStream(placeOf(digest), {
        ...(range && { start: range.start, end: range.end - 1 }),
        highWaterMark: CHUNK_BYTES,
      });
    },

    async pathOf(digest) {
      await stat(placeOf(digest)).catch((cause) => unreadable(digest, cause));
      return placeOf(digest);
    },

    async sizeOf(digest) {
      return (await statOf(placeOf(digest)))?.size ?? null;
    },

    async *list() {
      for (const fan of FAN_OUT) {
        for (const rest of (await readdir(join(folder, fan))).sort()) {
          const digest = `sha256:${fan}${rest}`;
          const found = isDigest(digest) ? await statOf(join(folder, fan, rest)) : null;
          if (isDigest(digest) && found) yield { digest, sizeBytes: found.size, modifiedMs: found.mtimeMs };
        }
      }
    },

    /** Goes through `tmp`, so that an object put again at this very moment (its time is fresh) can be put back. */
    async remove(digest, { untouchedSinceMs = Number.POSITIVE_INFINITY } = {}) {
      const before = await statOf(placeOf(digest));
      if (!before || before.mtimeMs > untouchedSinceMs) return false;
      const trash = temporaryName();
      if (!(await rename(placeOf(digest), trash).then(() => true, ignoreMissing))) return false;
      if ((await stat(trash)).mtimeMs > untouchedSinceMs) {
        await rename(trash, placeOf(digest));
        return false;
      }
      await unlink(trash);
      return true;
    },

    async close() {},
  };

  /** Whether the object is there already; its time is renewed, so that a collection under way spares it. */
  async function keepStored(digest: Digest, sizeBytes: number): Promise<boolean> {
    const found = await statOf(placeOf(digest));
    if (found?.size !== sizeBytes) return false;
    const now = new Date();
    if (!(await utimes(placeOf(digest), now, now).then(() => true, ignoreMissing))) return false;
    await syncFolder(fanOut(digest)); // another process may have renamed it in a moment ago
    return true;
  }

  /** Lets `fill` write a new temporary file, then moves it into place; on any failure nothing is left behind. */
  async function settle(fill: (path: string) => Promise<Digest>): Promise<Digest> {
    const path = temporaryName();
    try {
      const digest = await fill(path);
      await moveIn(path, digest);
      return digest;
    } catch (cause) {
      await unlink(path).catch(() => undefined);
      throw notWritten(cause, folder);
    }
  }

  async function moveIn(path: string, digest: Digest): Promise<void> {
    await effects.rename(path, placeOf(digest));
    await syncFolder(fanOut(digest));
  }

  async function writeNew(path: string, fill: (file: FileHandle) => Promise<unknown>): Promise<void> {
    const file = await open(path, "wx", 0o600);
    try {
      await fill(file);
      await effects.sync(file);
    } finally {
      await file.close();
    }
  }

  async function syncFolder(path: string): Promise<void> {
    const handle = await open(path, "r");
    try {
      await effects.sync(handle);
    } finally {
      await handle.close();
    }
  }

  /** Moves the caller's file into place; null when it lies on another file system and must be copied. */
  async function takeIn(path: string): Promise<Digest | null> {
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
        await file.utimes(new Date(), new Date());
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
  }

  async function copyHashing(from: string, to: string): Promise<Digest> {
    const sha256 = createHash("sha256");
    const source = await open(from, "r").catch((cause) => unreadableFile(from, cause));
    try {
      await writeNew(to, async (file) => {
        const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
        for (;;) {
          const { bytesRead } = await source.read(chunk).catch((cause) => unreadableFile(from, cause));
          if (bytesRead === 0) return;
          sha256.update(chunk.subarray(0, bytesRead));
          await effects.write(file, chunk.subarray(0, bytesRead));
        }
      });
    } finally {
      await source.close();
    }
    return `sha256:${sha256.digest("hex")}`;
  }
}

/** Makes the folders, durably, before anything is put: a new folder's entry needs an fsync of its parent. */
function layOut(folder: string): void {
  const there = new Set(existsSync(folder) ? readdirSync(folder) : []);
  for (const name of ["tmp", ...FAN_OUT]) if (!there.has(name)) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  const handle = openSync(folder, "r");
  fsyncSync(handle);
  closeSync(handle);
}

function sweepStale(temporary: string): void {
  for (const name of readdirSync(temporary)) {
    const found = statSync(join(temporary, name), { throwIfNoEntry: false });
    if (found && found.mtimeMs < Date.now() - STALE_MS) rmSync(join(temporary, name), { force: true });
  }
}

const statOf = (path: string) =>
  stat(path).catch((error) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });

function ignoreMissing(error: NodeJS.ErrnoException): false {
  if (error.code === "ENOENT") return false;
  throw error;
}

function notWritten(cause: unknown, folder: string): unknown {
  if (cause instanceof MillError) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG")
    return new MillError("object.disk-full", `There is no room left in ${folder}; nothing was stored.`, {
      at: folder,
      got: code,
      fix: "Free some space, or move the workspace with --workspace DIR, and run the same command again.",
      cause,
    });
  return new MillError("object.not-writable", `An object could not be written into ${folder}.`, {
    at: folder,
    got: cause instanceof Error ? cause.message : String(cause),
    fix: "Check that the folder belongs to the user who runs Millwright and that its disk is sound.",
    cause,
  });
}

function unreadable(digest: Digest, cause: NodeJS.ErrnoException): never {
  if (cause.code === "ENOENT")
    throw new MillError("object.missing", `The object ${digest} is not stored here.`, {
      fix: "Run `mill run`: the step that makes it runs again. If it was made elsewhere, restore it from a backup.",
      cause,
    });
  throw new MillError("object.unreadable", `The object ${digest} could not be read.`, { got: cause.message, cause });
}

function unreadableFile(path: string, cause: NodeJS.ErrnoException): never {
  throw new MillError("object.unreadable", `${path} could not be read, so it was not stored.`, {
    at: path,
    expected: "a readable file",
    got: cause.message,
    cause,
  });
}

const corrupt = (digest: Digest, path: string) =>
  new MillError("object.corrupt", `The bytes stored for ${digest} are not the bytes that were written.`, {
    at: path,
    expected: digest,
    fix: "Check the disk, delete this file, then run `mill run` (the step that makes it runs again) or restore a backup.",
  });
