import { statSync } from "node:fs";
import { type FileHandle, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { newId } from "../../base/index.ts";
import { ignoreMissing } from "./disk.ts";
import {
  decodeIndex,
  ENTRY_BYTES,
  type IndexEntries,
  PUT,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  readEntry,
  SEGMENT_HEADER_BYTES,
  scanSegment,
  tagOf,
} from "./segment-format.ts";

/** A segment that this process knows of. */
export interface Segment {
  readonly number: number;
  readonly id: string;
  readonly tag: Buffer;
  readonly file: FileHandle;
  /** Records up to here are known. */
  bytes: number;
  /** Records up to here are on the disk for sure, whoever wrote them. */
  durableBytes: number;
  /** Of contents that count; the rest can be won back. */
  liveBytes: number;
  /** Of touches and removals, which may count still. */
  markBytes: number;
  /** An index lies beside it: its process appends no more. */
  sealed: boolean;
  /** It is sealed, and all of it is known. */
  complete: boolean;
  /** This process appends to it. */
  mine: boolean;
  /** Somebody rewrites it and takes it away then: nothing may count on it any more. */
  claimed: boolean;
  /** Its names are gone; what is known of it is looked up elsewhere. */
  vanished: boolean;
  /** Given up; its file stays open while somebody reads in it. */
  gone: boolean;
  readers: number;
}

/** `whole` is false where the content was read and has not the digest. */
export type Learn = (record: RecordHeader, segment: Segment, offset: number, whole: boolean) => void;

export interface SegmentFiles {
  readonly all: readonly Segment[];
  /** Reads what segments and records have come since, this process's and others'; calls at the same time share a look that begins after them. */
  refresh(): Promise<void>;
  /** The name of a segment that this process is about to make: it is met through `add` alone. */
  newName(): string;
  add(made: Pick<Segment, "id" | "tag" | "file" | "bytes" | "sealed" | "mine">): Segment;
  /** A record that was not known before. */
  met: Learn;
  /** Reads what was appended since the last look at this segment. */
  readOn(segment: Segment): Promise<void>;
  /** Every record of a segment, from its index where it has one, and where the last one ends; `digest` is good during the visit only. */
  visit(segment: Segment, visitor: (record: RecordHeader, offset: number) => void): Promise<number>;
  /** Keeps the file open while `work` reads in it; null: it is gone. */
  hold<T>(segment: Segment, work: (file: FileHandle) => Promise<T>): Promise<T | null>;
  /** Segments that were taken away; contents that were known there and lie elsewhere too are looked up first. */
  giveUp(segments: ReadonlySet<Segment>): Promise<void>;
  close(): Promise<void>;
}

export const SEALED = ".idx";
export const SEGMENT = ".seg";
export const CLAIMED = ".old";

const ENTRIES_AT_ONCE = 1 << 16;
/** Two changes of a folder that are further apart have different times, on whatever file system. */
const TIME_GRAIN_MS = 2500;

/** A store that is not closed may be collected as garbage; Node complains when a handle is collected with it. */
const heldOpen = new Set<FileHandle>();

export async function closeFile(file: FileHandle): Promise<void> {
  heldOpen.delete(file);
  await file.close();
}

export async function openHeld(path: string, flags: string): Promise<FileHandle> {
  const file = await open(path, flags, 0o600);
  heldOpen.add(file);
  return file;
}

/** The segments in a folder, of this process and of others, and what their records say. */
export function openSegmentFiles(
  folder: string,
  learn: Learn,
  locatesIn: (segments: ReadonlySet<Segment>) => boolean,
  /** Whether something was put of which only a touch was seen, or a copy that is gone. */
  unlocated: () => boolean,
): SegmentFiles {
  const all: Segment[] = [];
  const known = new Map<string, Segment>();
  const ours = new Set<string>();
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  /** The folder's time with the moment at which it was first seen, and the names while it stays so. */
  let seen: { readonly time: bigint; readonly atMs: number; names: Set<string> | null } = { time: -1n, atMs: 0, names: null };

  const files: SegmentFiles = {
    all,

    refresh() {
      if (!running) {
        running = look().finally(() => {
          running = null;
        });
        return running;
      }
      next ??= running
        .catch(() => undefined)
        .then(() => {
          next = null;
          return files.refresh();
        });
      return next;
    },

    newName() {
      const id = newId();
      ours.add(id);
      return id;
    },

    add(made) {
      const segment: Segment = {
        number: all.length,
        durableBytes: made.bytes,
        liveBytes: 0,
        markBytes: 0,
        claimed: false,
        vanished: false,
        gone: false,
        complete: false,
        readers: 0,
        ...made,
      };
      all.push(segment);
      known.set(segment.id, segment);
      return segment;
    },

    met(record, segment, offset, whole) {
      if (record.kind !== PUT) segment.markBytes += RECORD_HEADER_BYTES;
      learn(record, segment, offset, whole);
    },

    async readOn(segment) {
      await files.hold(segment, async (file) => {
        const { size } = await file.stat();
        if (size <= segment.bytes) return;
        segment.bytes = await scanSegment(file, segment.tag, segment.bytes, (record) =>
          files.met(record, segment, record.offset, record.whole),
        );
      });
    },

    async visit(segment, visitor) {
      const index = segment.sealed ? await readIndex(join(folder, segment.id + SEALED), segment.tag) : null;
      if (index) await eachEntry(index, visitor);
      const start = index?.segmentBytes ?? SEGMENT_HEADER_BYTES;
      const scan = (file: FileHandle) => scanSegment(file, segment.tag, start, (record) => visitor(record, record.offset));
      return (await files.hold(segment, scan)) ?? start;
    },

    async hold(segment, work) {
      if (segment.gone) return null;
      segment.readers++;
      try {
        return await work(segment.file);
      } finally {
        segment.readers--;
        if (segment.gone) closeUnread(segment);
      }
    },

    async giveUp(segments) {
      if (segments.size === 0) return;
      for (const segment of segments) segment.vanished = true;
      if (locatesIn(segments)) await learnAgain();
      for (const segment of segments) {
        segment.gone = true;
        known.delete(segment.id);
        ours.delete(segment.id);
        closeUnread(segment);
      }
    },

    async close() {
      await Promise.all([...known.values()].map(({ file }) => closeFile(file)));
      known.clear();
    },
  };
  return files;

  function closeUnread(segment: Segment): void {
    if (segment.readers === 0) closeFile(segment.file).catch(() => undefined);
  }

  async function look(): Promise<void> {
    let before: readonly Segment[];
    let names: Set<string>;
    do {
      before = [...known.values()]; // a listing says nothing of what is made while it is
      names = await listing();
    } while (!(await readAll(names, before)));
    // Only now: what replaces a segment is known before the segment is given up.
    await files.giveUp(new Set([...known.values()].filter(({ vanished }) => vanished)));
    if (unlocated()) await learnAgain();
  }

  async function learnAgain(): Promise<void> {
    for (const segment of [...known.values()])
      if (!segment.vanished) await files.visit(segment, (record, offset) => learn(record, segment, offset, true));
  }

  /** Nobody appends to a segment once it has an index, but something may have been while the index was made. */
  async function readSealed(segment: Segment): Promise<void> {
    const index = await readIndex(join(folder, segment.id + SEALED), segment.tag);
    if (index) {
      segment.sealed = true;
      segment.durableBytes = index.segmentBytes;
    }
    if (segment.mine) return;
    await files.readOn(segment);
    segment.complete = index !== null;
  }

  /** Whether all of them were there still; where one is not, what replaces it has come since. */
  async function readAll(names: ReadonlySet<string>, before: readonly Segment[]): Promise<boolean> {
    for (const segment of before) {
      segment.claimed = !names.has(segment.id + SEGMENT);
      segment.vanished ||= segment.claimed && !names.has(segment.id + CLAIMED);
    }
    for (const name of names) {
      if (!name.endsWith(SEGMENT) && !name.endsWith(CLAIMED)) continue;
      const id = name.slice(0, -SEGMENT.length);
      const segment = known.get(id) ?? (ours.has(id) ? null : await meet(id));
      if (segment === "gone") return false;
      if (!segment || segment.complete) continue;
      if (names.has(id + SEALED)) await readSealed(segment);
      else if (!segment.mine) await files.readOn(segment);
    }
    return true;
  }

  /** The names in the folder: those of the last look where its time says that they are the same, which is no question for another thread. */
  async function listing(): Promise<Set<string>> {
    const time = statSync(folder, { bigint: true }).mtimeNs;
    const atMs = performance.now();
    if (time !== seen.time) seen = { time, atMs, names: null };
    if (seen.names) return seen.names;
    const look = seen;
    const names = await agreedListing();
    if (atMs - look.atMs > TIME_GRAIN_MS) look.names = names; // whatever changes from here on gives the folder another time
    return names;
  }

  /** The names once two listings agree: one that is made while a file is renamed or replaced may miss it. */
  async function agreedListing(): Promise<Set<string>> {
    let names = await readdir(folder);
    for (;;) {
      const before = names;
      names = await readdir(folder);
      if (names.length === before.length && names.every((name, at) => name === before[at])) return new Set(names);
    }
  }

  /** null: it is not a segment, or not yet. */
  async function meet(id: string): Promise<Segment | null | "gone"> {
    let claimed = false;
    const opened = (ending: string) => openHeld(join(folder, id + ending), "r").catch(ignoreMissing);
    let file = await opened(SEGMENT);
    if (!file) {
      claimed = true;
      file = await opened(CLAIMED);
    }
    if (!file) return "gone";
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SEGMENT_HEADER_BYTES), 0, SEGMENT_HEADER_BYTES, 0);
    const tag = tagOf(buffer.subarray(0, bytesRead));
    if (!tag) {
      await closeFile(file);
      return null;
    }
    const segment = files.add({ id, tag, file, bytes: SEGMENT_HEADER_BYTES, sealed: false, mine: false });
    segment.claimed = claimed;
    const index = await readIndex(join(folder, id + SEALED), tag);
    if (!index) return segment;
    await eachEntry(index, (record, offset) => files.met(record, segment, offset, true));
    segment.bytes = index.segmentBytes;
    segment.durableBytes = index.segmentBytes;
    segment.sealed = true;
    return segment;
  }
}

async function eachEntry(
  { entries, count }: IndexEntries,
  visitor: (record: RecordHeader, offset: number) => void,
): Promise<void> {
  for (let entry = 0; entry < count; entry++) {
    const record = readEntry(entries, entry * ENTRY_BYTES);
    visitor(record, record.offset);
    if (entry % ENTRIES_AT_ONCE === ENTRIES_AT_ONCE - 1) await new Promise(setImmediate);
  }
}

async function readIndex(path: string, tag: Buffer): Promise<IndexEntries | null> {
  const bytes = await readFile(path).catch((error) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  return bytes && decodeIndex(bytes, tag);
}
