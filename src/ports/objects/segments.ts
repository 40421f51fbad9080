import { hash } from "node:crypto";
import { join } from "node:path";
import type { Digest } from "../../base/index.ts";
import { corrupt, missing } from "./disk.ts";
import { createCompaction } from "./segment-compaction.ts";
import { openSegmentFiles, type Segment } from "./segment-files.ts";
import { DIGEST_BYTES, DROP, PUT, RECORD_HEADER_BYTES, type RecordHeader, TOUCH } from "./segment-format.ts";
import { createSegmentIndex, NOWHERE } from "./segment-index.ts";
import { createSegmentWriter, type SegmentPlace } from "./segment-writer.ts";

export interface SegmentsOptions extends SegmentPlace {
  readonly now: () => number;
  /** A segment without an index that nobody wrote to for so long was left behind by a process that died. */
  readonly abandonedMs: number;
}

/** Small objects, many in a file. */
export interface Segments {
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
  /** null: it is not here, as far as is known; `refresh` looks again. Errors: `object.corrupt`. */
  get(digest: Digest): Promise<Buffer | null>;
  /** Bytes `start` to `end`, cut to what there is, not checked; null: it is not here. */
  slice(digest: Digest, start: number, end: number): Promise<Buffer | null>;
  /** When it was last put and how long it is, as far as is known; null: it is not here. */
  find(digest: Digest): { readonly sizeBytes: number; readonly modifiedMs: number } | null;
  /** Learns what other processes stored and removed since. */
  refresh(): Promise<void>;
  /** The segments are known; only the first call does something. */
  load(): Promise<void>;
  /** Whether it was here, was not put after that moment, and is gone. */
  remove(digest: Digest, untouchedSinceMs: number): Promise<boolean>;
  list(): Iterable<{ readonly digest: Digest; readonly sizeBytes: number; readonly modifiedMs: number }>;
  close(): Promise<void>;
}

/**
 * A store of small objects that several processes use at once: each appends to segments of its own and reads everybody's. Three rules make
 * that safe without a lock, whoever is killed and whenever:
 * - Records say the same in whatever order they are read (see `segment-format.ts`). A removal names the moment up to which it counts, so what
 *   another process put meanwhile stays.
 * - Who puts bytes that are there already appends a touch, and looks then whether the segment with the bytes still has its name. Who rewrites
 *   a segment renames it first and reads all touches then. So either the touch is seen, or the putter sees the new name and writes the bytes.
 * - What replaces a segment is on the disk under its name before the old one is unlinked.
 */
export function openSegments(options: SegmentsOptions): Segments {
  const { folder, now } = options;
  const index = createSegmentIndex();
  const files = openSegmentFiles(folder, learn);
  /** Content that was found damaged: it is written anew when it is put again. */
  const damaged = new Set<number>();
  const putting = new Map<Digest, Promise<void>>();
  let lastTime = 0;
  let loaded: Promise<void> | null = null;

  const writer = createSegmentWriter(files, { ...options, learn, sealed: () => compaction.look() });
  const compaction = createCompaction({ ...options, files, index, learn, usable });

  const segments: Segments = {
    async put(digest, bytes) {
      await segments.load();
      const underWay = putting.get(digest);
      if (underWay) return underWay;
      const key = keyOf(digest);
      const place = index.find(key);
      const holder = place !== -1 && alive(place) && !damaged.has(place) ? reliable(place) : null;
      const work = writer
        .append({ kind: holder ? TOUCH : PUT, digest: key, time: nextTime(), content: bytes, reliesOn: holder })
        .finally(() => putting.delete(digest));
      putting.set(digest, work);
      return work;
    },

    async get(digest) {
      for (;;) {
        const found = await content(digest, 0, Number.POSITIVE_INFINITY);
        if (!found) return null;
        if (`sha256:${hash("sha256", found.bytes, "hex")}` === digest) return found.bytes;
        const place = index.find(keyOf(digest));
        if (index.segment[place] !== found.segment.number) continue; // it moved while it was read
        damaged.add(place);
        throw corrupt(digest, join(folder, `${found.segment.id}.seg`));
      }
    },

    slice: async (digest, start, end) => (await content(digest, start, end))?.bytes ?? null,

    find(digest) {
      const place = index.find(keyOf(digest));
      return place !== -1 && alive(place) ? { sizeBytes: index.length[place]!, modifiedMs: index.time[place]! / 1000 } : null;
    },

    refresh: () => files.refresh(),
    load: () => {
      loaded ??= files.refresh().then(() => compaction.look());
      return loaded;
    },

    async remove(digest, untouchedSinceMs) {
      await files.refresh();
      const key = keyOf(digest);
      const place = index.find(key);
      const time = index.time[place]!;
      if (place === -1 || !alive(place) || time / 1000 > untouchedSinceMs) return false;
      await writer.append({ kind: DROP, digest: key, time, content: null, reliesOn: null });
      compaction.look();
      return !alive(place);
    },

    *list() {
      for (let place = 0; place < index.count; place++) {
        if (!alive(place)) continue;
        const digest: Digest = `sha256:${index.digestAt(place).toString("hex")}`;
        yield { digest, sizeBytes: index.length[place]!, modifiedMs: index.time[place]! / 1000 };
      }
    },

    async close() {
      await writer.close();
      await compaction.close();
      await files.close();
    },
  };
  return segments;

  function learn({ kind, digest, time, length }: RecordHeader, segment: Segment, offset: number, whole: boolean): void {
    const place = index.place(digest);
    weigh(place, -1);
    if (kind === DROP) index.droppedUntil[place] = Math.max(index.droppedUntil[place]!, time);
    else {
      if (kind === PUT && (whole ? time >= index.time[place]! || !usable(place) || damaged.has(place) : !usable(place))) {
        index.segment[place] = segment.number;
        index.offset[place] = offset;
        index.length[place] = length;
        if (whole) damaged.delete(place);
        else damaged.add(place);
      }
      index.time[place] = Math.max(index.time[place]!, time);
      lastTime = Math.max(lastTime, time);
    }
    weigh(place, 1);
  }

  function weigh(place: number, sign: 1 | -1): void {
    if (!alive(place)) return;
    files.all[index.segment[place]!]!.liveBytes += sign * (RECORD_HEADER_BYTES + index.length[place]!);
  }

  function alive(place: number): boolean {
    return (
      index.segment[place] !== NOWHERE &&
      index.time[place]! > index.droppedUntil[place]! &&
      !files.all[index.segment[place]!]!.gone
    );
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

  async function content(digest: Digest, start: number, end: number): Promise<{ bytes: Buffer; segment: Segment } | null> {
    const key = keyOf(digest);
    for (let looks = 0; ; looks++) {
      const place = index.find(key);
      if (place === -1 || !alive(place)) return null;
      const segment = files.all[index.segment[place]!]!;
      const length = Math.max(0, Math.min(end, index.length[place]!) - start);
      const from = index.offset[place]! + RECORD_HEADER_BYTES + start;
      const bytes = Buffer.allocUnsafe(length);
      const read = await segment.file.read(bytes, 0, length, from).catch((cause) => {
        if (segment.gone) return null; // taken away between the look and the reading
        throw cause;
      });
      if (read?.bytesRead === length) return { bytes, segment };
      if (looks === 2) throw missing(digest);
      await files.refresh();
    }
  }

  /** Rises with every record, also where the clock was set back. */
  function nextTime(): number {
    lastTime = Math.max(now() * 1000, lastTime + 1);
    return lastTime;
  }
}

const keyOf = (digest: Digest): Buffer => Buffer.from(digest.slice(-2 * DIGEST_BYTES), "hex");
