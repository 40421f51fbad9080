import { open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { newId } from "../../base/index.ts";
import { type FileEffects, notWritten, syncFolder } from "./disk.ts";
import { openHeld, SEALED, SEGMENT, type Segment, type SegmentFiles } from "./segment-files.ts";
import {
  DROP,
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
  /** Of a removal: up to when it counts; else null: now. */
  readonly time: number | null;
  /** As it is stored; empty unless it is a put. */
  readonly content: Uint8Array;
  /** Of a touch: the segment whose bytes it counts on, and these bytes for when that is taken away. */
  readonly reliesOn?: { readonly segment: Segment; content(): Uint8Array };
}

export interface SegmentWriter {
  /** Resolves when the record is on the disk and `learn` was told; records wanted while the last sync runs share the next write and sync. */
  append(wanted: Wanted): Promise<void>;
  /** Waits for what is under way and writes the index of the segment that was appended to. */
  complete(): Promise<void>;
}

export interface SegmentPlace {
  readonly folder: string;
  /** On the same file system: what is written here is renamed into the folder. */
  readonly temporary: string;
  readonly effects: FileEffects;
  readonly segmentBytesMax: number;
}

export interface WriterOptions extends SegmentPlace {
  /** Later than every moment that any known record names. */
  readonly nextTime: () => number;
  readonly isDropped: (digest: Uint8Array, time: number) => boolean;
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
  readonly entries: EntryList;
}

/** Appends records to segments of this process alone, in groups: one write and one sync each. */
export function createSegmentWriter(files: SegmentFiles, options: WriterOptions): SegmentWriter {
  const { folder, effects, segmentBytesMax, nextTime, isDropped } = options;
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

    async complete() {
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

  /** Whoever must be written again comes back. */
  async function writeGroup(group: readonly Waiting[]): Promise<readonly Waiting[]> {
    const { segment, entries } = await openActive();
    const start = segment.bytes;
    const headers = group.map(({ wanted }) => headerOf(wanted, wanted.time ?? nextTime()));
    const records = Buffer.allocUnsafe(group.reduce((sum, { wanted }) => sum + sizeOf(wanted), 0));
    group.reduce((at, { wanted }, member) => writeRecord(records, at, segment.tag, headers[member]!, wanted.content), 0);
    const first = start === SEGMENT_HEADER_BYTES;
    try {
      await files.hold(segment, async (file) => {
        if (first) await effects.write(file, [segmentHeader(segment.tag), records], 0);
        else await effects.write(file, [records], start);
        await effects.syncData(file);
      });
      if (first) await syncFolder(folder, effects);
    } catch (cause) {
      await abandon(start);
      throw cause;
    }

    // Whoever takes a segment away or writes its index changes its names first and reads the records then; whoever removes an object writes
    // that first, too. So either they see what was just written, or it is seen here that they came.
    await files.refresh();
    if (segment.claimed || segment.sealed) {
      segment.mine = false;
      active = null;
      return group;
    }
    segment.bytes = start + records.byteLength;
    segment.durableBytes = segment.bytes;
    const again: Waiting[] = [];
    let offset = start;
    for (const [member, waiting] of group.entries()) {
      const { wanted, resolve } = waiting;
      const header = headers[member]!;
      entries.add(header, offset);
      files.met(header, segment, offset, true);
      offset += sizeOf(wanted);
      const { kind, digest, time, reliesOn } = wanted;
      const lost = reliesOn && (reliesOn.segment.claimed || reliesOn.segment.gone);
      if (lost) waiting.wanted = { kind: PUT, digest, time, content: reliesOn.content() };
      if (lost || (kind !== DROP && isDropped(digest, header.time))) again.push(waiting);
      else resolve();
    }
    if (segment.bytes >= segmentBytesMax) {
      seal(active!);
      active = null;
    }
    return again;
  }

  async function openActive(): Promise<Active> {
    if (active && !active.segment.claimed && !active.segment.sealed) return active;
    if (active) active.segment.mine = false;
    const id = files.newName();
    const file = await openHeld(join(folder, id + SEGMENT), "wx+");
    const segment = files.add({ id, tag: newTag(), file, bytes: SEGMENT_HEADER_BYTES, sealed: false, mine: true });
    active = { segment, entries: createEntryList() };
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
    await files.giveUp(new Set([segment]));
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
export async function writeIndex(
  { folder, temporary, effects }: SegmentPlace,
  segment: Segment,
  list: EntryList,
  segmentBytes = segment.bytes,
): Promise<void> {
  const path = join(temporary, newId());
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await effects.write(file, encodeIndex(segment.tag, { segmentBytes, ...list }), 0);
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
const headerOf = ({ kind, digest, content }: Wanted, time: number): RecordHeader => ({
  kind,
  digest,
  time,
  length: content.byteLength,
});
