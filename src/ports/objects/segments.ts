import { join } from "node:path";
import { type Digest, digestOf, MillError } from "../../base/index.ts";
import type { Codec, Range } from "./codec.ts";
import { corrupt, missing } from "./disk.ts";
import type { RotatedPart } from "./rotation.ts";
import { createCompaction } from "./segment-compaction.ts";
import { openSegmentFiles, SEGMENT, type Segment } from "./segment-files.ts";
import { DIGEST_BYTES, DROP, PUT, RECORD_HEADER_BYTES, type RecordHeader, TOUCH } from "./segment-format.ts";
import { createSegmentIndex, NOWHERE } from "./segment-index.ts";
import { rotateSegments } from "./segment-rotation.ts";
import { createSegmentWriter, type SegmentPlace } from "./segment-writer.ts";

export interface SegmentsOptions extends SegmentPlace {
  readonly codec: Codec;
  /** Whether this process may rewrite segments to win room back. */
  readonly compacts: boolean;
  readonly now: () => number;
  /** A segment without an index that nobody wrote to for so long was left behind by a process that died. */
  readonly abandonedMs: number;
}

/** Small objects, many in a file. */
export interface Segments {
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
  /** null: it is not here, as far as is known; `refresh` looks again. Errors: `object.corrupt`. */
  get(digest: Digest): Promise<Buffer | null>;
  /** As `Objects.read`; null: it is not here. */
  read(digest: Digest, range?: Range): Promise<AsyncIterable<Uint8Array> | null>;
  /** When it was last put and how long it is, as far as is known; null: it is not here. */
  find(digest: Digest): { readonly sizeBytes: number; readonly modifiedMs: number } | null;
  /** Learns what other processes stored and removed since. */
  refresh(): Promise<void>;
  /** The segments are known; only the first call does something. */
  load(): Promise<void>;
  /** Whether it was here, was not put after that moment, and is gone. */
  remove(digest: Digest, untouchedSinceMs: number): Promise<boolean>;
  list(): Iterable<{ readonly digest: Digest; readonly sizeBytes: number; readonly modifiedMs: number }>;
  /** As `RotatingObjects.rotate`, for what lies in segments. */
  rotate(): Promise<RotatedPart>;
  close(): Promise<void>;
}

/**
 * A store of small objects that several processes use at once: each appends to segments of its own and reads everybody's. Three rules make
 * that safe without a lock, whoever is killed and whenever:
 * - Records say the same in whatever order they are read (see `segment-format.ts`). A removal names the moment up to which it counts, so what
 *   another process put meanwhile stays.
 * - Who writes a record looks at the folder once more when it is on the disk. Who rewrites a segment renames it first and reads everybody's
 *   records then. So either the record is seen (a touch of bytes that were to be left out, say), or its writer sees the new name and writes
 *   the bytes to another segment. The same holds for removals that a putter had not seen.
 * - What replaces a segment is on the disk under its name before the old one is unlinked.
 */
export function openSegments(options: SegmentsOptions): Segments {
  const { folder, now, codec } = options;
  const index = createSegmentIndex();
  const files = openSegmentFiles(folder, learn, locatesIn, unlocated);
  /** Content that was found damaged: it is written anew when it is put again. */
  const damaged = new Set<number>();
  /** Touches of contents that were not seen, or not any more. */
  const touched = new Set<number>();
  const putting = new Map<Digest, Promise<void>>();
  let lastTime = 0;
  let loaded: Promise<void> | null = null;

  const writer = createSegmentWriter(files, { ...options, nextTime, isDropped, sealed: lookForRoom });
  const compaction = createCompaction({ ...options, files, index, learn, relocate, alive, usable });

  const segments: Segments = {
    async put(digest, bytes) {
      await segments.load();
      const underWay = putting.get(digest);
      if (underWay) return underWay;
      const key = keyOf(digest);
      const place = index.find(key);
      const holder = place !== -1 && alive(place) && !damaged.has(place) ? reliable(place) : null;
      const content = () => codec.encode(bytes, digest);
      const work = writer
        .append({ digest: key, time: null, ...(holder ? touchOf(holder, content) : { kind: PUT, content: content() }) })
        .finally(() => putting.delete(digest));
      putting.set(digest, work);
      return work;
    },

    async get(digest) {
      const found = await stored(digest);
      if (!found) return null;
      try {
        const bytes = codec.decode(found, digest);
        if (digestOf(bytes) === digest) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        throw corrupt(digest, pathOf(digest));
      } catch (cause) {
        if (cause instanceof MillError && cause.code === "object.corrupt") damaged.add(index.find(keyOf(digest)));
        throw cause;
      }
    },

    async read(digest, range) {
      const found = await stored(digest);
      const part = async function* ({ start, end }: Range) {
        yield found!.subarray(start, end);
      };
      return found && codec.read(digest, found.byteLength, part, range);
    },

    find(digest) {
      const place = index.find(keyOf(digest));
      return place !== -1 && alive(place)
        ? { sizeBytes: codec.sizeBytes(index.length[place]!), modifiedMs: index.time[place]! / 1000 }
        : null;
    },

    refresh: () => files.refresh(),
    load: () => {
      loaded ??= files.refresh().then(lookForRoom);
      return loaded;
    },

    async remove(digest, untouchedSinceMs) {
      await files.refresh();
      const key = keyOf(digest);
      const place = index.find(key);
      const time = index.time[place]!;
      if (place === -1 || !alive(place) || time / 1000 > untouchedSinceMs) return false;
      await writer.append({ kind: DROP, digest: key, time, content: NOTHING });
      lookForRoom();
      return !alive(place);
    },

    *list() {
      for (let place = 0; place < index.count; place++) {
        if (!alive(place)) continue;
        const digest: Digest = `sha256:${index.digestAt(place).toString("hex")}`;
        yield { digest, sizeBytes: codec.sizeBytes(index.length[place]!), modifiedMs: index.time[place]! / 1000 };
      }
    },

    async rotate() {
      await segments.load();
      await writer.complete();
      await files.refresh();
      return rotateSegments({ files, index, codec, alive, rewrite: compaction.rewrite });
    },

    async close() {
      await writer.complete();
      await compaction.close();
      await files.close();
    },
  };
  return segments;

  function learn({ kind, digest, time, length }: RecordHeader, segment: Segment, offset: number, whole: boolean): void {
    const place = index.place(digest);
    weigh(place, -1);
    lastTime = Math.max(lastTime, time);
    if (kind === DROP) index.droppedUntil[place] = Math.max(index.droppedUntil[place]!, time);
    else {
      if (kind === PUT && isBetter(place, segment, time, whole)) {
        locate(place, segment, offset, length);
        if (whole) damaged.delete(place);
        else damaged.add(place);
      }
      index.time[place] = Math.max(index.time[place]!, time);
      if (kind === TOUCH && !located(place)) touched.add(place);
    }
    weigh(place, 1);
  }

  /** Whether this copy is rather to be read than the one that is known: never one that is being taken away. */
  function isBetter(place: number, segment: Segment, time: number, whole: boolean): boolean {
    if (index.segment[place] === NOWHERE || files.all[index.segment[place]!]!.vanished) return true;
    if (segment.claimed || !whole) return false;
    return time >= index.time[place]! || !usable(place) || damaged.has(place);
  }

  function locate(place: number, segment: Segment, offset: number, length: number): void {
    index.segment[place] = segment.number;
    index.offset[place] = offset;
    index.length[place] = length;
  }

  function relocate(place: number, segment: Segment, offset: number, length: number): void {
    weigh(place, -1);
    locate(place, segment, offset, length);
    weigh(place, 1);
  }

  function locatesIn(segments: ReadonlySet<Segment>): boolean {
    for (let place = 0; place < index.count; place++)
      if (alive(place) && segments.has(files.all[index.segment[place]!]!)) return true;
    return false;
  }

  function weigh(place: number, sign: 1 | -1): void {
    if (!alive(place)) return;
    files.all[index.segment[place]!]!.liveBytes += sign * (RECORD_HEADER_BYTES + index.length[place]!);
  }

  function unlocated(): boolean {
    const lost = [...touched].some((place) => !located(place) && index.time[place]! > index.droppedUntil[place]!);
    touched.clear();
    return lost;
  }

  function located(place: number): boolean {
    return index.segment[place] !== NOWHERE && !files.all[index.segment[place]!]!.gone;
  }

  function alive(place: number): boolean {
    return located(place) && index.time[place]! > index.droppedUntil[place]!;
  }

  function isDropped(digest: Uint8Array, time: number): boolean {
    return time <= index.droppedUntil[index.find(digest)]!;
  }

  /** Whether the content lies in a segment that stays. */
  function usable(place: number): boolean {
    const segment = index.segment[place] === NOWHERE ? null : files.all[index.segment[place]!]!;
    return segment !== null && !segment.claimed && !segment.gone;
  }

  /** The segment that holds the content for sure, so that a touch is enough. */
  function reliable(place: number): Segment | null {
    const segment = files.all[index.segment[place]!]!;
    return usable(place) && index.offset[place]! < segment.durableBytes ? segment : null;
  }

  /** The stored bytes; null: it is not here, as far as is known. */
  async function stored(digest: Digest): Promise<Buffer | null> {
    const key = keyOf(digest);
    for (;;) {
      const place = index.find(key);
      if (place === -1 || !alive(place)) return null;
      const segment = files.all[index.segment[place]!]!;
      const length = index.length[place]!;
      const from = index.offset[place]! + RECORD_HEADER_BYTES;
      const read = await files.hold(segment, (file) => file.read(Buffer.allocUnsafe(length), 0, length, from));
      if (read?.bytesRead === length) return read.buffer;
      if (read) throw missing(digest); // cut off: it was never acknowledged
    }
  }

  function lookForRoom(): void {
    if (options.compacts) compaction.look();
  }

  function pathOf(digest: Digest): string {
    const { id } = files.all[index.segment[index.find(keyOf(digest))]!]!;
    return join(folder, id + SEGMENT);
  }

  /** Rises with every record, also where the clock was set back. */
  function nextTime(): number {
    lastTime = Math.max(now() * 1000, lastTime + 1);
    return lastTime;
  }
}

const NOTHING = new Uint8Array(0);

const touchOf = (segment: Segment, content: () => Uint8Array) =>
  ({
    kind: TOUCH,
    content: NOTHING,
    reliesOn: { segment, content },
  }) as const;

const keyOf = (digest: Digest): Buffer => Buffer.from(digest.slice(-2 * DIGEST_BYTES), "hex");
