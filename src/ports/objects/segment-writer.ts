import { open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { newId } from "../../base/index.ts";
import { type FileEffects, notWritten, statOf, syncFolder } from "./disk.ts";
import { type Learn, openHeld, SEALED, SEGMENT, type Segment, type SegmentFiles } from "./segment-files.ts";
import {
  ENTRY_BYTES,
  encodeIndex,
  newTag,
  PUT,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  SEGMENT_HEADER_BYTES,
  segmentHeader,
  writeEntry,
  writeRecord,
} from "./segment-format.ts";

/** A record on its way; nobody changes its content until it is settled. */
export interface Wanted {
  readonly kind: RecordHeader["kind"];
  readonly digest: Uint8Array;
  readonly time: number;
  /** As it is stored; empty unless it is a put. */
  readonly content: Uint8Array;
  /** Of a touch: the segment whose bytes it counts on, and these bytes for when that is taken away. */
  readonly reliesOn?: { readonly segment: Segment; content(): Uint8Array };
}

export interface SegmentWriter {
  /** Resolves when the record is on the disk and `learn` was told; records wanted while the last sync runs share the next write and sync. */
  append(wanted: Wanted): Promise<void>;
  /** Waits for what is under way and writes the index of the segment that was appended to. */
  close(): Promise<void>;
}

export interface SegmentPlace {
  readonly folder: string;
  /** On the same file system: what is written here is renamed into the folder. */
  readonly temporary: string;
  readonly effects: FileEffects;
  readonly segmentBytesMax: number;
}

export interface WriterOptions extends SegmentPlace {
  readonly learn: Learn;
  /** A segment got its index. */
  readonly sealed: () => void;
}

/** What one write takes at most: a bound on memory. */
const GROUP_BYTES = 8 << 20;

interface Waiting {
  wanted: Wanted;
  resolve(): void;
  reject(cause: unknown): void;
}

/** The segment that this process appends to, with the entries of its index to be. */
interface Active {
  readonly segment: Segment;
  readonly inode: number;
  readonly entries: EntryList;
}

/** Appends records to segments of this process alone, in groups: one write and one sync each. */
export function createSegmentWriter(files: SegmentFiles, options: WriterOptions): SegmentWriter {
  const { folder, effects, segmentBytesMax, learn } = options;
  let active: Active | null = null;
  let queue: Waiting[] = [];
  let writing: Promise<void> | null = null;
  const sealing = new Set<Promise<void>>();

  return {
    append: (wanted) =>
      new Promise((resolve, reject) => {
        queue.push({ wanted, resolve, reject });
        writing ??= writeAll();
      }),

    async close() {
      while (writing) await writing;
      if (active) seal(active);
      active = null;
      await Promise.all(sealing);
    },
  };

  async function writeAll(): Promise<void> {
    await new Promise(setImmediate); // whatever else this turn of the loop asks for comes along
    while (queue.length > 0) {
      const group = takeGroup();
      try {
        const again = await writeGroup(group);
        queue = [...again, ...queue];
      } catch (cause) {
        for (const { reject } of group) reject(notWritten(cause, folder));
      }
    }
    writing = null;
  }

  function takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < queue.length && bytes < GROUP_BYTES) bytes += sizeOf(queue[count++]!.wanted);
    return queue.splice(0, count);
  }

  /** Whoever must be written again comes back: the segment, or what a touch counts on, is being taken away. */
  async function writeGroup(group: readonly Waiting[]): Promise<readonly Waiting[]> {
    const { segment, inode, entries } = await openActive();
    const start = segment.bytes;
    const records = Buffer.allocUnsafe(group.reduce((sum, { wanted }) => sum + sizeOf(wanted), 0));
    let at = 0;
    for (const { wanted } of group) at = writeRecord(records, at, segment.tag, headerOf(wanted), wanted.content);
    try {
      const first = start === SEGMENT_HEADER_BYTES;
      if (first) await effects.write(segment.file, [segmentHeader(segment.tag), records], 0);
      else await effects.write(segment.file, [records], start);
      await effects.syncData(segment.file);
      if (first) await syncFolder(folder, effects);
    } catch (cause) {
      await abandon(start);
      throw cause;
    }

    // Who rewrites a segment renames it first and reads the records then: either it sees ours, or we see that it came.
    if ((await statOf(join(folder, segment.id + SEGMENT)))?.ino !== inode) {
      segment.mine = false;
      segment.claimed = true;
      active = null;
      return group;
    }
    const lost = await lostAmong(group);
    segment.bytes = start + at;
    segment.durableBytes = segment.bytes;
    at = 0;
    const again: Waiting[] = [];
    for (const waiting of group) {
      const { wanted, resolve } = waiting;
      const record = headerOf(wanted);
      entries.add(record, start + at);
      learn(record, segment, start + at, true);
      at += sizeOf(wanted);
      if (wanted.reliesOn && lost.has(wanted.reliesOn.segment)) {
        const { digest, time, reliesOn } = wanted;
        waiting.wanted = { kind: PUT, digest, time, content: reliesOn.content() };
        again.push(waiting);
      } else resolve();
    }
    if (segment.bytes >= segmentBytesMax) {
      seal(active!);
      active = null;
    }
    return again;
  }

  async function lostAmong(group: readonly Waiting[]): Promise<Set<Segment>> {
    const relied = new Set<Segment>();
    for (const { wanted } of group) if (wanted.reliesOn && !wanted.reliesOn.segment.mine) relied.add(wanted.reliesOn.segment);
    const lost = new Set<Segment>();
    for (const segment of relied) if (!(await statOf(join(folder, segment.id + SEGMENT)))) lost.add(segment);
    return lost;
  }

  async function openActive(): Promise<Active> {
    if (active && !active.segment.claimed && !active.segment.gone) return active;
    if (active) active.segment.mine = false;
    const id = newId();
    const file = await openHeld(join(folder, id + SEGMENT), "wx+");
    const segment = files.add({ id, tag: newTag(), file, bytes: SEGMENT_HEADER_BYTES, sealed: false, mine: true });
    active = { segment, inode: (await file.stat()).ino, entries: createEntryList() };
    return active;
  }

  /** What a failed write left behind is cut off, as far as the disk lets us; nothing is appended to that segment any more. */
  async function abandon(bytes: number): Promise<void> {
    const { segment } = active!;
    active = null;
    segment.mine = false;
    await segment.file.truncate(bytes).catch(() => undefined);
    if (bytes > SEGMENT_HEADER_BYTES) return;
    await unlink(join(folder, segment.id + SEGMENT)).catch(() => undefined);
    files.forget(segment);
  }

  function seal({ segment, entries }: Active): void {
    const work = writeIndex(options, segment, entries)
      .catch(() => undefined) // without an index the segment is read itself
      .then(() => {
        segment.mine = false;
        sealing.delete(work);
        options.sealed();
      });
    sealing.add(work);
  }
}

/** The index of everything in a segment that is on the disk; the segment is complete, or its owner is gone. */
export async function writeIndex({ folder, temporary, effects }: SegmentPlace, segment: Segment, list: EntryList): Promise<void> {
  const path = join(temporary, newId());
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await effects.write(file, encodeIndex(segment.tag, { segmentBytes: segment.bytes, ...list }), 0);
      await effects.sync(file);
    } finally {
      await file.close();
    }
    await effects.rename(path, join(folder, segment.id + SEALED));
  } catch (cause) {
    await unlink(path).catch(() => undefined);
    throw cause;
  }
  await syncFolder(folder, effects);
  segment.sealed = true;
}

export interface EntryList {
  entries: Buffer;
  count: number;
  add(record: RecordHeader, offset: number): void;
}

export function createEntryList(): EntryList {
  const list: EntryList = {
    entries: Buffer.allocUnsafe(1024 * ENTRY_BYTES),
    count: 0,
    add(record, offset) {
      if (list.count * ENTRY_BYTES === list.entries.length) list.entries = Buffer.concat([list.entries], list.entries.length * 2);
      writeEntry(list.entries, list.count++ * ENTRY_BYTES, record, offset);
    },
  };
  return list;
}

const sizeOf = ({ content }: Wanted): number => RECORD_HEADER_BYTES + content.byteLength;
const headerOf = ({ kind, digest, time, content }: Wanted): RecordHeader => ({ kind, digest, time, length: content.byteLength });
