/**
 * Objects in a bucket, as `PREFIX/ab/cdef...` by their digest.
 *
 * A collection must not remove what is put again at this moment, and S3 cannot remove on a condition. So an object that is there already is never
 * written over: to renew its time it is copied to a second key, `PREFIX/ab/cdef....ID`, new each time. `remove` looks at all keys of the object
 * and removes those very keys; a key made meanwhile is not among them. Readers take the first key, and look for a second where it is gone.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, stat, unlink } from "node:fs/promises";
import { type Digest, digestOf, digestOfFile, isDigest, MillError, newId } from "../../base/index.ts";
import { createCache } from "./cache.ts";
import { type Codec, clamp, PLAIN, type Range } from "./codec.ts";
import { DISK, missing, notWritten, unreadableFile } from "./disk.ts";
import type { StoredObject } from "./objects.ts";
import { NOTHING_ROTATED, type Outcome, type RotatingObjects, rotated, rotateEach } from "./rotation.ts";
import { type BucketPlace, openBucket, PART_BYTES } from "./s3-bucket.ts";

export interface S3Options extends BucketPlace {
  /** Keys begin with this and a slash. */
  readonly prefix: string;
  /** Copies for reading, and streams on their way; owned by this user alone, decrypted. */
  readonly cacheFolder: string;
  readonly cacheBytes: number;
  readonly codec?: Codec;
  readonly attemptsMax?: number;
  readonly idleMs?: number;
  readonly now?: () => number;
}

/** Within this time an object that this process put needs no renewal; what was put so shortly before `untouchedSinceMs` stays as well. */
const FRESH_MS = 30_000;
/** Asked for a part, up to so much is brought whole and kept. */
const WHOLE_BYTES = 16 << 20;
/** Streams up to this are held in memory, longer ones in a local file until they are stored. */
const IN_MEMORY_BYTES = PART_BYTES;
const COPY_BYTES_MAX = 5 * 2 ** 30;
const UPLOAD_ABANDONED_MS = 24 * 3600_000;
const CHUNK_BYTES = 1 << 20;

/**
 * Errors: `object.unreachable`, `object.denied`, `object.missing`, `object.corrupt`, `object.unreadable`; of the cache's folder
 * `object.disk-full`, `object.not-writable`.
 */
export function createS3Objects(options: S3Options): RotatingObjects {
  const { prefix, codec = PLAIN, attemptsMax = 4, idleMs = 30_000, now = Date.now } = options;
  const bucket = openBucket(options, { attemptsMax, idleMs });
  const cache = createCache(options.cacheFolder, { bytesMax: options.cacheBytes, now });
  const root = prefix === "" ? "" : `${prefix.replace(/\/+$/, "")}/`;
  const keyOf = (digest: Digest) => `${root}${digest.slice(7, 9)}/${digest.slice(9)}`;
  const storing = new Map<Digest, Promise<void>>();
  const stored = new Map<Digest, number>();
  const under = new Set<Promise<unknown>>();

  const objects: RotatingObjects = {
    put: (bytes) => tracked(putBytes(bytes)),

    putStream: (source) => tracked(putStream(source)),
    putFile: (path, { consume = false } = {}) => tracked(putFile(path, consume)),

    get: (digest) => cache.get(digest, () => whole(digest)),

    async *read(digest, range) {
      const kept = await cache.open(digest);
      if (kept) return yield* readFile(kept, range);
      const place = await locate(digest);
      if (!place) throw missing(digest);
      const sizeBytes = codec.sizeBytes(place.storedBytes);
      if (range && sizeBytes <= Math.min(WHOLE_BYTES, options.cacheBytes)) {
        const bytes = await cache.get(digest, () => whole(digest));
        const { start, end } = clamp(range, sizeBytes);
        if (start < end) yield Buffer.from(bytes.subarray(start, end)); // who asks for the same object now has the same bytes
        return;
      }
      yield* codec.read(digest, place.storedBytes, (part) => bytesOf(digest, place.key, part), range);
    },

    pathOf: (digest) => cache.pathOf(digest, () => whole(digest)),

    async sizeOf(digest) {
      const place = await locate(digest);
      return place && codec.sizeBytes(place.storedBytes);
    },

    async touch(digest) {
      if (isFresh(digest)) return true;
      for (;;) {
        const place = await locate(digest);
        if (!place) return false;
        const beganMs = now();
        const upload = (to: string) => bucket.putParts(to, place.storedBytes, bytesOf(digest, place.key));
        if (!(await renewTime(place.key, keyOf(digest), place.storedBytes, upload))) continue;
        remember(digest, beganMs);
        return true;
      }
    },

    async *list() {
      await bucket.abandonUploads(root, now() - UPLOAD_ABANDONED_MS).catch(() => undefined);
      let last = null as (StoredObject & { modifiedMs: number }) | null;
      for await (const { digest, storedBytes, modifiedMs } of keys()) {
        if (last && last.digest !== digest) yield last;
        const sizeBytes = codec.sizeBytes(storedBytes);
        last = { digest, sizeBytes, modifiedMs: Math.max(modifiedMs, last?.digest === digest ? last.modifiedMs : 0) };
      }
      if (last) yield last;
    },

    async remove(digest, { untouchedSinceMs = Number.POSITIVE_INFINITY } = {}) {
      await storing.get(digest)?.catch(() => undefined);
      const found = await gather(bucket.list(keyOf(digest)));
      if (found.length === 0 || found.some(({ modifiedMs }) => modifiedMs > untouchedSinceMs - FRESH_MS)) return false;
      stored.delete(digest);
      await cache.drop(digest);
      for (const { key } of found) await bucket.remove(key);
      return true;
    },

    rotate: async () => (codec === PLAIN ? NOTHING_ROTATED : rotated(await rotateEach(keys(), renewKey))),

    async close() {
      await Promise.all(under);
      await cache.close();
      bucket.close();
    },
  };
  return objects;

  async function putBytes(bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes);
    await store(digest, bytes.byteLength, () => once(bytes));
    return digest;
  }

  /** A stream's digest, and so its key, is known at its end: until then it lies in the cache's folder, and the finished file becomes a copy there. */
  async function putStream(source: AsyncIterable<Uint8Array>): Promise<StoredObject> {
    const chunks = source[Symbol.asyncIterator]();
    const head: Uint8Array[] = [];
    let sizeBytes = 0;
    while (sizeBytes <= IN_MEMORY_BYTES) {
      const { value, done } = await chunks.next();
      if (done) {
        const bytes = Buffer.concat(head);
        return { digest: await putBytes(bytes), sizeBytes };
      }
      head.push(Buffer.from(value)); // the source may use its memory again
      sizeBytes += value.byteLength;
    }
    const path = cache.temporary();
    try {
      const spooled = await spool(path, head, chunks);
      await store(spooled.digest, spooled.sizeBytes, () => createReadStream(path, { highWaterMark: CHUNK_BYTES }));
      if (spooled.sizeBytes <= options.cacheBytes) await cache.take(spooled.digest, path).catch(() => undefined);
      return spooled;
    } finally {
      await unlink(path).catch(() => undefined);
    }
  }

  async function putFile(path: string, consume: boolean): Promise<Digest> {
    const digest = await digestOfFile(path).catch((cause) => unreadableFile(path, cause));
    const { size } = await stat(path).catch((cause) => unreadableFile(path, cause));
    await store(digest, size, () => unchanged(path, digest));
    if (consume) await unlink(path);
    return digest;
  }

  function tracked<T>(work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    under.add(settled);
    settled.finally(() => under.delete(settled));
    return work;
  }

  /** Puts of one object at the same time share the work; one that this process has just put is there. */
  async function store(digest: Digest, sizeBytes: number, source: () => AsyncIterable<Uint8Array>): Promise<void> {
    if (isFresh(digest)) return;
    const storingNow = storing.get(digest) ?? write(digest, sizeBytes, source).finally(() => storing.delete(digest));
    storing.set(digest, storingNow);
    await storingNow;
  }

  function isFresh(digest: Digest): boolean {
    return now() - (stored.get(digest) ?? 0) < FRESH_MS;
  }

  async function write(digest: Digest, sizeBytes: number, source: () => AsyncIterable<Uint8Array>): Promise<void> {
    const key = keyOf(digest);
    const beganMs = now();
    const storedBytes = codec.storedBytes(sizeBytes);
    const upload = async (to: string, onlyNew: boolean): Promise<boolean> => {
      if (storedBytes > PART_BYTES) {
        if (onlyNew && (await bucket.head(to))) return false;
        await bucket.putParts(to, storedBytes, encoded(digest, source()));
        return true;
      }
      return bucket.put(to, codec.encode(Buffer.concat(await gather(source())), digest), { onlyNew });
    };
    while (!(await upload(key, true))) {
      const there = await bucket.head(key);
      if (!there) continue;
      if (there.storedBytes !== storedBytes) await upload(key, false);
      else if (!(await renewTime(key, key, there.storedBytes, (to) => upload(to, false)))) continue;
      break;
    }
    remember(digest, beganMs);
  }

  /** Copies a key of an object to a new second one; older second keys go once that is there. False: what was to be copied is gone meanwhile. */
  async function renewTime(
    from: string,
    key: string,
    storedBytes: number,
    upload: (to: string) => Promise<unknown>,
  ): Promise<boolean> {
    const older = await gather(bucket.list(`${key}.`));
    const again = `${key}.${newId()}`;
    if (storedBytes > COPY_BYTES_MAX) await upload(again);
    else if (!(await bucket.copy(from, again))) return false;
    for (const { key: old } of older) await bucket.remove(old);
    return true;
  }

  function remember(digest: Digest, ms: number): void {
    stored.delete(digest);
    stored.set(digest, ms);
    for (const [other, otherMs] of stored) {
      if (now() - otherMs < FRESH_MS) break;
      stored.delete(other);
    }
  }

  async function locate(digest: Digest): Promise<{ key: string; storedBytes: number } | null> {
    const key = keyOf(digest);
    const head = await bucket.head(key);
    if (head) return { key, storedBytes: head.storedBytes };
    for await (const again of bucket.list(`${key}.`)) return again;
    return null;
  }

  async function* bytesOf(digest: Digest, key: string, range?: Range): AsyncGenerator<Uint8Array> {
    const bytes = await bucket.read(key, range);
    if (!bytes) throw missing(digest);
    yield* bytes;
  }

  /** The plain bytes of a whole object; the cache checks them against the digest. */
  async function* whole(digest: Digest): AsyncGenerator<Uint8Array> {
    const first = codec === PLAIN ? await bucket.read(keyOf(digest)) : null;
    if (first) return yield* first;
    const place = await locate(digest);
    if (!place) throw missing(digest);
    const { key, storedBytes } = place;
    if (storedBytes <= WHOLE_BYTES) yield codec.decode(Buffer.concat(await gather(bytesOf(digest, key))), digest);
    else yield* codec.read(digest, storedBytes, (part) => bytesOf(digest, key, part));
  }

  async function* encoded(digest: Digest, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const encoder = codec.encoder();
    for await (const bytes of source) yield encoder.update(bytes);
    yield encoder.end(digest);
  }

  /** Every key of every object, in order of digests. */
  async function* keys() {
    for await (const { key, ...entry } of bucket.list(root)) {
      const match = /^([0-9a-f]{2})\/([0-9a-f]{62})(\.[0-9a-f-]+)?$/.exec(key.slice(root.length));
      const digest = `sha256:${match?.[1]}${match?.[2]}`;
      if (isDigest(digest)) yield { key, digest, ...entry };
    }
  }

  async function renewKey({ key, digest }: { readonly key: string; readonly digest: Digest }): Promise<Outcome> {
    for (;;) {
      const head = await bucket.head(key);
      if (!head) return "gone";
      const { storedBytes, etag } = head;
      const bodyBytes = Math.max(0, storedBytes - codec.tailBytes);
      const tail =
        codec.tailBytes > 0 && storedBytes >= codec.tailBytes
          ? await gather(bytesOf(digest, key, { start: bodyBytes, end: storedBytes }))
          : [];
      const renewed = codec.renew(Buffer.concat(tail), digest);
      if (!renewed) return "kept";
      if (storedBytes > PART_BYTES) {
        if (await bucket.replaceTail(key, storedBytes, etag, renewed)) return "renewed";
      } else {
        const old = Buffer.concat(await gather(bytesOf(digest, key)));
        await bucket.put(key, Buffer.concat([old.subarray(0, bodyBytes), renewed]));
        return "renewed";
      }
    }
  }

  async function spool(path: string, head: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>) {
    const sha256 = createHash("sha256");
    let sizeBytes = 0;
    const file = await open(path, "wx", 0o600).catch(refused);
    const write = async (bytes: Uint8Array) => {
      sha256.update(bytes);
      await DISK.write(file, [bytes], sizeBytes).catch(refused);
      sizeBytes += bytes.byteLength;
    };
    try {
      for (const bytes of head) await write(bytes);
      for (let next = await rest.next(); !next.done; next = await rest.next()) await write(next.value);
    } catch (error) {
      await rest.return?.();
      throw error;
    } finally {
      await file.close();
    }
    return { digest: `sha256:${sha256.digest("hex")}` as Digest, sizeBytes };
  }

  function refused(cause: unknown): never {
    throw notWritten(cause, options.cacheFolder);
  }
}

async function* readFile(file: FileHandle, range?: Range): AsyncGenerator<Uint8Array> {
  try {
    const { start, end } = clamp(range ?? { start: 0, end: Number.POSITIVE_INFINITY }, (await file.stat()).size);
    for (let at = start; at < end; ) {
      const { bytesRead, buffer } = await file.read({
        buffer: Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - at)),
        position: at,
      });
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/** The bytes of a file that must still be what was digested; what was sent of another is given up before it shows. */
async function* unchanged(path: string, digest: Digest): AsyncGenerator<Uint8Array> {
  const sha256 = createHash("sha256");
  for await (const bytes of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    sha256.update(bytes);
    yield bytes;
  }
  const found = `sha256:${sha256.digest("hex")}`;
  if (found !== digest)
    throw new MillError("object.unreadable", `${path} changed while it was being stored, so it was not.`, {
      at: path,
      expected: digest,
      got: found,
      fix: "Store it again once nothing writes to it.",
    });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function gather<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) all.push(item);
  return all;
}
