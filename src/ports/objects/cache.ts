/**
 * Local copies of objects that lie elsewhere (in S3), or there encrypted. Several processes may share the folder.
 *
 *     folder/ab/cdef...        the copies; the time of a file is when it was last used
 *     folder/out/SLOT/abcdef   hard links handed out by `pathOf`; a slot is ten minutes long
 *     folder/tmp/ID            copies that are still being written
 *
 * A copy is renamed into place once it is whole, synced, and fits its digest. What was used least recently goes first when the copies
 * outgrow their bound. Nobody needs a lock: a path that was handed out is a link of its own, whose slot goes as a whole when the slot
 * after it is over; so it is good for at least ten minutes, whatever another process removes meanwhile.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { type FileHandle, link, mkdir, open, readdir, rename, rm, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOf, newId } from "../../base/index.ts";
import { corrupt, DISK, type FileEffects, ignoreMissing, notWritten, statOf } from "./disk.ts";

export interface CacheOptions {
  /** What the copies may take in all. A larger object is still copied when a path is asked for, and goes soon after its time. */
  readonly bytesMax: number;
  readonly effects?: Pick<FileEffects, "write" | "sync">;
  readonly now?: () => number;
}

/** Brings an object's bytes; called once for all who ask at the same time. */
export type Fetch = () => AsyncIterable<Uint8Array>;

export interface Cache {
  /** The whole object, checked. Errors: those of `fetch`, `object.corrupt`. */
  get(digest: Digest, fetch: Fetch): Promise<Uint8Array>;
  /** A path that is good for at least ten minutes. Errors: those of `fetch`, `object.corrupt`, `object.disk-full`, `object.not-writable`. */
  pathOf(digest: Digest, fetch: Fetch): Promise<string>;
  /** The copy, opened for reading; null when there is none. The caller closes it. */
  open(digest: Digest): Promise<FileHandle | null>;
  /** Makes sure that there is a copy. */
  fill(digest: Digest, fetch: Fetch): Promise<void>;
  /** Takes a finished file in (by a rename from `temporary()`), whose digest the caller has just computed. */
  take(digest: Digest, path: string): Promise<void>;
  /** A name for a file that is to be written and then taken in or unlinked. */
  temporary(): string;
  drop(digest: Digest): Promise<void>;
  /** Waits for copies that are still being written. */
  close(): Promise<void>;
}

const MINUTE_MS = 60_000;
const SLOT_MS = 10 * MINUTE_MS;
/** A writer touches its temporary file all the time; one this old belongs to a process that died. */
const STALE_MS = 60 * MINUTE_MS;
/** How much of the bound is left after things had to go, and how much may come before the folder is counted again. */
const KEPT_SHARE = 0.8;
const COUNT_AGAIN_SHARE = 0.1;

export function createCache(folder: string, { bytesMax, effects = DISK, now = Date.now }: CacheOptions): Cache {
  try {
    for (const name of ["tmp", "out"]) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
    sweepStale(join(folder, "tmp"));
  } catch (cause) {
    throw notWritten(cause, folder);
  }
  /** Whole objects on their way, and those whose copy is still being written. */
  const getting = new Map<Digest, Promise<Uint8Array>>();
  const filling = new Map<Digest, Promise<void>>();
  /** Copies about to be handed out, and by how many askers: room is not made of these. */
  const wanted = new Map<string, number>();
  const behind = new Set<Promise<void>>();
  let bytesUncounted = Number.POSITIVE_INFINITY;
  let bytesCounted = 0;
  let counting: Promise<void> | null = null;

  const placeOf = (digest: Digest) => join(folder, digest.slice(7, 9), digest.slice(9));
  const slotNow = () => Math.floor(now() / SLOT_MS);
  const linkIn = (slot: number, digest: Digest) => join(folder, "out", String(slot), digest.slice(7));
  const temporary = () => join(folder, "tmp", newId());

  const cache: Cache = {
    async get(digest, fetch) {
      const kept = await readKept(digest);
      if (kept) return kept;
      const under = getting.get(digest) ?? getAndKeep(digest, fetch);
      getting.set(digest, under);
      return under;
    },

    async pathOf(digest, fetch) {
      const place = placeOf(digest);
      wanted.set(place, (wanted.get(place) ?? 0) + 1);
      try {
        for (;;) {
          const slot = slotNow();
          const path = linkIn(slot, digest);
          const linked = (await statOf(path)) !== null || (await handOut(place, path));
          if (!linked) await cache.fill(digest, fetch);
          else if (slotNow() === slot) {
            await touch(digest);
            return path;
          }
        }
      } finally {
        const others = wanted.get(place)! - 1;
        if (others === 0) wanted.delete(place);
        else wanted.set(place, others);
      }
    },

    async open(digest) {
      const file = await open(placeOf(digest), "r").catch(ignoreMissing);
      if (!file) return null;
      await touch(digest, (await file.stat()).mtimeMs);
      return file;
    },

    async fill(digest, fetch) {
      if (await statOf(placeOf(digest))) return;
      const got = await getting.get(digest)?.catch(() => null);
      const under = filling.get(digest) ?? copyIn(digest, got ? () => once(got) : fetch).finally(() => filling.delete(digest));
      filling.set(digest, under);
      await under;
    },

    async take(digest, path) {
      const file = await open(path, "r");
      try {
        await effects.sync(file).catch(refused);
      } finally {
        await file.close();
      }
      await moveIn(digest, path, (await stat(path)).size);
    },

    temporary,

    async drop(digest) {
      while (getting.has(digest) || filling.has(digest))
        await Promise.allSettled([getting.get(digest), filling.get(digest), ...behind]);
      await unlink(placeOf(digest)).catch(ignoreMissing);
    },

    async close() {
      while (behind.size > 0 || filling.size > 0 || counting)
        await Promise.allSettled([...behind, ...filling.values(), counting]);
    },
  };
  return cache;

  async function getAndKeep(digest: Digest, fetch: Fetch): Promise<Uint8Array> {
    let bytes: Uint8Array;
    try {
      const pieces: Uint8Array[] = [];
      for await (const piece of fetch()) pieces.push(piece);
      bytes = Buffer.concat(pieces);
      if (digestOf(bytes) !== digest) throw corrupt(digest, "what the store sent");
    } catch (error) {
      getting.delete(digest);
      throw error;
    }
    if (bytes.byteLength > bytesMax) getting.delete(digest);
    else keepBehind(copyIn(digest, () => once(bytes)).finally(() => getting.delete(digest)));
    return bytes;
  }

  /** A copy that no longer fits its digest is dropped, and brought again. */
  async function readKept(digest: Digest): Promise<Uint8Array | null> {
    const file = await cache.open(digest);
    if (!file) return null;
    try {
      const bytes = await file.readFile();
      if (digestOf(bytes) === digest) return bytes;
    } finally {
      await file.close();
    }
    await cache.drop(digest);
    return null;
  }

  async function copyIn(digest: Digest, fetch: Fetch): Promise<void> {
    const path = temporary();
    try {
      const sha256 = createHash("sha256");
      let sizeBytes = 0;
      const file = await openNew(path);
      try {
        for await (const bytes of fetch()) {
          sha256.update(bytes);
          await effects.write(file, [bytes], sizeBytes).catch(refused);
          sizeBytes += bytes.byteLength;
        }
        await effects.sync(file).catch(refused);
      } finally {
        await file.close();
      }
      if (`sha256:${sha256.digest("hex")}` !== digest) throw corrupt(digest, "what the store sent");
      await moveIn(digest, path, sizeBytes);
    } catch (cause) {
      await unlink(path).catch(() => undefined);
      throw cause;
    }
  }

  async function openNew(path: string): Promise<FileHandle> {
    return open(path, "wx", 0o600).catch(refused);
  }

  async function moveIn(digest: Digest, path: string, sizeBytes: number): Promise<void> {
    const place = placeOf(digest);
    const time = new Date(now());
    const moved = () => rename(path, place).then(() => true, ignoreMissing);
    try {
      await utimes(path, time, time);
      if (!(await moved())) {
        await mkdir(join(place, ".."), { recursive: true, mode: 0o700 });
        await rename(path, place);
      }
    } catch (cause) {
      refused(cause);
    }
    bytesUncounted += sizeBytes;
    if (bytesCounted + bytesUncounted > bytesMax || bytesUncounted > bytesMax * COUNT_AGAIN_SHARE) count();
  }

  function refused(cause: unknown): never {
    throw notWritten(cause, folder);
  }

  async function handOut(place: string, path: string): Promise<boolean> {
    const linked = () =>
      link(place, path).then(
        () => true,
        (error) => error.code === "EEXIST" || ignoreMissing(error),
      );
    try {
      if (await linked()) return true;
      await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
      return await linked();
    } catch (cause) {
      return refused(cause);
    }
  }

  async function touch(digest: Digest, usedMs = 0): Promise<void> {
    const time = new Date(now());
    if (usedMs < now() - MINUTE_MS) await utimes(placeOf(digest), time, time).catch(ignoreMissing);
  }

  /** For what goes on after the answer: a cache that cannot keep something is slower, not wrong. */
  function keepBehind(work: Promise<void>): void {
    const settled = work
      .catch(() => undefined)
      .finally(() => {
        behind.delete(settled);
      });
    behind.add(settled);
  }

  function count(): void {
    counting ??= makeRoom()
      .catch(() => undefined)
      .finally(() => {
        counting = null;
      });
  }

  async function makeRoom(): Promise<void> {
    bytesUncounted = 0;
    for (const slot of await readdir(join(folder, "out")))
      if (Number(slot) < slotNow() - 1) await rm(join(folder, "out", slot), { recursive: true, force: true });
    const copies = await listCopies();
    bytesCounted = copies.reduce((sum, { size }) => sum + size, 0);
    if (bytesCounted <= bytesMax) return;
    copies.sort((a, b) => a.usedMs - b.usedMs);
    for (const { path, size, handedOut } of copies) {
      if (bytesCounted <= bytesMax * KEPT_SHARE) return;
      if (handedOut || wanted.has(path)) continue; // a link outlives its copy: removing that would free nothing
      await unlink(path).catch(ignoreMissing);
      bytesCounted -= size;
    }
  }

  async function listCopies() {
    const copies: { path: string; size: number; usedMs: number; handedOut: boolean }[] = [];
    for (const fan of await readdir(folder)) {
      if (fan.length !== 2) continue;
      for (const name of await readdir(join(folder, fan))) {
        const path = join(folder, fan, name);
        const found = await statOf(path);
        if (found) copies.push({ path, size: found.size, usedMs: found.mtimeMs, handedOut: found.nlink > 1 });
      }
    }
    return copies;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function sweepStale(temporary: string): void {
  for (const name of readdirSync(temporary)) {
    const found = statSync(join(temporary, name), { throwIfNoEntry: false });
    if (found && found.mtimeMs < Date.now() - STALE_MS) rmSync(join(temporary, name), { force: true });
  }
}
