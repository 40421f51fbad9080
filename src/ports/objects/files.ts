import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from "node:fs";
import { open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOf } from "../../base/index.ts";
import { type Codec, PLAIN } from "./codec.ts";
import { DISK, type FileEffects, missing, notWritten, unreadableFile } from "./disk.ts";
import { createLoose, FAN_OUT, putBackRemoved, readAhead } from "./loose.ts";
import type { StoredObject } from "./objects.ts";
import { NOTHING_ROTATED, type RotatingObjects, rotated, rotateEach } from "./rotation.ts";
import { createScratch } from "./scratch.ts";
import { SMALL_BYTES } from "./segment-format.ts";
import { openSegments } from "./segments.ts";

export interface FileObjectsOptions {
  /** `write`: small objects are appended to a segment of this process. `read`: they become files, for a process that stores few and ends soon. */
  readonly segments?: "write" | "read";
  /** A segment takes no more once it is this long; up to 1 GiB. */
  readonly segmentBytesMax?: number;
  /** A segment that its process did not complete and that was not written to for so long is anybody's. */
  readonly abandonedMs?: number;
  /** How bytes are stored; default: as they are. With another, `pathOf` hands out plain copies (mode 0600). */
  readonly codec?: Codec;
  readonly effects?: FileEffects;
  readonly now?: () => number;
}

/** A writer touches its temporary file all the time; one this old belongs to a process that died. */
const STALE_MS = 3600_000;

/**
 * Objects in a folder. Up to 64 KiB they lie in `segments/`, many in a file: those put at the same time share one write and one sync. Longer
 * ones, and files that are moved in, are files `ab/cdef...` of their own, named by their SHA-256. Several processes may use a folder at
 * once; what one removed, another may still see until it looks for something that it does not know. Folders have mode 0700, files 0600.
 * Errors: `object.disk-full`, `object.not-writable`, `object.unreadable`, `object.missing`, `object.corrupt`.
 */
export function createFileObjects(folder: string, options: FileObjectsOptions = {}): RotatingObjects {
  const { effects = DISK, now = Date.now, segmentBytesMax = 128 << 20, abandonedMs = 600_000, codec = PLAIN } = options;
  const temporary = join(folder, "tmp");
  try {
    layOut(folder);
    putBackRemoved(folder, temporary);
    sweepStale(temporary);
  } catch (cause) {
    throw notWritten(cause, folder);
  }
  const places = { temporary, effects, now, codec };
  const loose = createLoose({ folder, ...places });
  const scratch = createScratch({ folder: join(folder, "out"), ...places });
  const segments = openSegments({
    folder: join(folder, "segments"),
    ...places,
    segmentBytesMax,
    abandonedMs,
    compacts: options.segments !== "read",
  });
  const fits = (sizeBytes: number) => options.segments !== "read" && sizeBytes <= SMALL_BYTES;

  /** What `close` waits for. */
  const underWay = new Set<Promise<unknown>>();

  const objects: RotatingObjects = {
    async put(bytes) {
      const digest = digestOf(bytes);
      await awaited(fits(bytes.byteLength) ? segments.put(digest, bytes) : loose.put(digest, bytes));
      return digest;
    },

    putStream: (source) => awaited(putStream(source)),

    async putFile(path, { consume = false } = {}) {
      const taken = consume ? await awaited(loose.takeIn(path)) : null;
      if (taken) return taken;
      const { digest } = await objects.putStream(chunksOf(path));
      if (consume) await unlink(path);
      return digest;
    },

    get: (digest) => found(digest, segments.get, loose.get),

    async *read(digest, range) {
      yield* await found(
        digest,
        (wanted) => segments.read(wanted, range),
        (wanted) => loose.read(wanted, range),
      );
    },

    async pathOf(digest) {
      const sizeBytes = await objects.sizeOf(digest);
      if (sizeBytes === null) throw missing(digest);
      if (codec === PLAIN && !segments.find(digest)) return loose.placeOf(digest);
      return scratch.pathOf(digest, sizeBytes, () => objects.read(digest));
    },

    async sizeOf(digest) {
      const seen = await look(digest, async (wanted) => segments.find(wanted), loose.find);
      return seen?.sizeBytes ?? null;
    },

    async touch(digest) {
      const touched = await look(
        digest,
        async (wanted) => {
          const bytes = await segments.get(wanted);
          if (bytes) await awaited(segments.put(wanted, bytes));
          return bytes && true;
        },
        async (wanted) => ((await loose.touch(wanted)) ? true : null),
      );
      return touched !== null;
    },

    async *list() {
      await segments.load();
      await segments.refresh();
      const both = new Map<Digest, number>();
      for await (const object of loose.list()) {
        if (segments.find(object.digest)) both.set(object.digest, object.modifiedMs);
        else yield object;
      }
      for (const object of segments.list()) {
        const modifiedMs = Math.max(object.modifiedMs, both.get(object.digest) ?? 0);
        yield { ...object, modifiedMs };
      }
    },

    async remove(digest, { untouchedSinceMs = Number.POSITIVE_INFINITY } = {}) {
      await segments.load();
      const alone = await loose.find(digest);
      if (alone && alone.modifiedMs > untouchedSinceMs) return false;
      const packed = await segments.remove(digest, untouchedSinceMs);
      if (!packed && segments.find(digest)) return false;
      return (alone !== null && (await loose.remove(digest, untouchedSinceMs))) || packed;
    },

    async rotate() {
      if (codec === PLAIN) return NOTHING_ROTATED;
      return rotated(await segments.rotate(), await rotateEach(loose.list(), ({ digest }) => loose.renew(digest)));
    },

    async close() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
      await segments.close();
    },
  };
  return objects;

  async function putStream(source: AsyncIterable<Uint8Array>): Promise<StoredObject> {
    const chunks = source[Symbol.asyncIterator]();
    const head: Uint8Array[] = [];
    let sizeBytes = 0;
    while (fits(sizeBytes)) {
      const { value, done } = await chunks.next();
      if (done) {
        const bytes = Buffer.concat(head);
        await segments.put(digestOf(bytes), bytes);
        return { digest: digestOf(bytes), sizeBytes };
      }
      head.push(Buffer.from(value)); // the source may use its memory again
      sizeBytes += value.byteLength;
    }
    return loose.putStream(resumed(head, chunks));
  }

  function awaited<T>(work: Promise<T>): Promise<T> {
    const settled = work.finally(() => underWay.delete(settled));
    underWay.add(settled);
    return settled;
  }

  async function found<T>(
    digest: Digest,
    packed: (digest: Digest) => Promise<T | null>,
    alone: (digest: Digest) => Promise<T | null>,
  ): Promise<T> {
    const answer = await look(digest, packed, alone);
    if (answer === null) throw missing(digest);
    return answer;
  }

  /** Asks the segments first, which cost nothing; on a miss of both, other processes may have stored it since. */
  async function look<T>(
    digest: Digest,
    packed: (digest: Digest) => Promise<T | null>,
    alone: (digest: Digest) => Promise<T | null>,
  ): Promise<T | null> {
    await segments.load();
    const known = (await packed(digest)) ?? (await alone(digest));
    if (known !== null) return known;
    await segments.refresh();
    return packed(digest);
  }
}

/** Makes the folders, durably, before anything is put: a new folder's entry needs an fsync of its parent. */
function layOut(folder: string): void {
  const there = new Set(existsSync(folder) ? readdirSync(folder) : []);
  for (const name of ["tmp", "out", "segments", ...FAN_OUT])
    if (!there.has(name)) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
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

async function* resumed(head: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  let ended = false;
  try {
    yield* head;
    for (;;) {
      const { value, done } = await rest.next();
      if (done) {
        ended = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!ended) await rest.return?.();
  }
}

async function* chunksOf(path: string): AsyncIterable<Uint8Array> {
  const file = await open(path, "r").catch((cause) => unreadableFile(path, cause));
  try {
    yield* readAhead(file, 0, Number.POSITIVE_INFINITY);
  } catch (cause) {
    unreadableFile(path, cause as NodeJS.ErrnoException);
  } finally {
    await file.close();
  }
}
