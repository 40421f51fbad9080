import { type FileHandle, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  decodeIndex,
  ENTRY_BYTES,
  type IndexEntries,
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
  /** Of removals and touches that a compaction had to keep. */
  keptBytes: number;
  /** An index lies beside it: its process appends no more. */
  sealed: boolean;
  /** This process appends to it. */
  mine: boolean;
  /** Somebody rewrites it and takes it away then: nothing may count on it any more. */
  claimed: boolean;
  gone: boolean;
}

/** `whole` is false where the content was read and has not the digest. */
export type Learn = (record: RecordHeader, segment: Segment, offset: number, whole: boolean) => void;

export interface SegmentFiles {
  readonly all: readonly Segment[];
  /** Reads what segments and records have come since, this process's and others'; calls at the same time share a look that begins after them. */
  refresh(): Promise<void>;
  add(made: Pick<Segment, "id" | "tag" | "file" | "bytes" | "sealed" | "mine">): Segment;
  /** Reads on where the last look at this segment ended. */
  readOn(segment: Segment): Promise<void>;
  forget(segment: Segment): void;
  close(): Promise<void>;
}

export const SEALED = ".idx";
export const SEGMENT = ".seg";
export const CLAIMED = ".old";

const ENTRIES_AT_ONCE = 1 << 16;

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
export function openSegmentFiles(folder: string, learn: Learn): SegmentFiles {
  const all: Segment[] = [];
  const known = new Map<string, Segment>();
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;

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

    add(made) {
      const segment: Segment = {
        number: all.length,
        durableBytes: made.bytes,
        liveBytes: 0,
        keptBytes: 0,
        claimed: false,
        gone: false,
        ...made,
      };
      all.push(segment);
      known.set(segment.id, segment);
      return segment;
    },

    async readOn(segment) {
      segment.bytes = await scanSegment(segment.file, segment.tag, segment.bytes, (record) =>
        learn(record, segment, record.offset, record.whole),
      );
    },

    forget(segment) {
      segment.gone = true;
      known.delete(segment.id);
      closeFile(segment.file).catch(() => undefined);
    },

    async close() {
      await Promise.all([...known.values()].map(({ file }) => closeFile(file)));
      known.clear();
    },
  };
  return files;

  async function look(): Promise<void> {
    const names = await listing();
    for (const [id, segment] of known) {
      segment.claimed = !names.has(id + SEGMENT);
      if (!segment.mine && segment.claimed && !names.has(id + CLAIMED)) files.forget(segment);
    }
    for (const name of names) {
      const id = name.slice(0, -SEGMENT.length);
      if (!name.endsWith(SEGMENT) && !name.endsWith(CLAIMED)) continue;
      const segment = known.get(id) ?? (await meet(id, name));
      if (!segment || segment.mine) continue;
      const { size } = await segment.file.stat();
      if (size > segment.bytes) await files.readOn(segment);
    }
    for (const segment of known.values()) {
      if (segment.sealed || !names.has(segment.id + SEALED)) continue;
      const index = await readIndex(join(folder, segment.id + SEALED), segment.tag);
      if (!index) continue;
      segment.sealed = true;
      segment.durableBytes = index.segmentBytes;
    }
  }

  /**
   * The names in the folder. Where one of ours vanished, its records lie in a segment made before that, which this listing may have missed:
   * it is made once more.
   */
  async function listing(): Promise<Set<string>> {
    let names = new Set(await readdir(folder));
    for (;;) {
      const before = vanished(names);
      if (before === 0) return names;
      names = new Set(await readdir(folder));
      if (vanished(names) === before) return names;
    }
  }

  function vanished(names: Set<string>): number {
    let count = 0;
    for (const { id, mine } of known.values()) if (!mine && !names.has(id + SEGMENT) && !names.has(id + CLAIMED)) count++;
    return count;
  }

  /** null: taken away in the meantime, or not (yet) a segment. */
  async function meet(id: string, name: string): Promise<Segment | null> {
    const file = await openHeld(join(folder, name), "r").catch((error) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (!file) return null;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SEGMENT_HEADER_BYTES), 0, SEGMENT_HEADER_BYTES, 0);
    const tag = tagOf(buffer.subarray(0, bytesRead));
    if (!tag) {
      await closeFile(file);
      return null;
    }
    const segment = files.add({ id, tag, file, bytes: SEGMENT_HEADER_BYTES, sealed: false, mine: false });
    segment.claimed = name.endsWith(CLAIMED);
    const index = await readIndex(join(folder, id + SEALED), tag);
    if (index) await learnFrom(index, segment);
    return segment;
  }

  async function learnFrom({ entries, count, segmentBytes }: IndexEntries, segment: Segment): Promise<void> {
    for (let entry = 0; entry < count; entry++) {
      const record = readEntry(entries, entry * ENTRY_BYTES);
      learn(record, segment, record.offset, true);
      if (entry % ENTRIES_AT_ONCE === ENTRIES_AT_ONCE - 1) await new Promise(setImmediate);
    }
    segment.bytes = segmentBytes;
    segment.durableBytes = segmentBytes;
    segment.sealed = true;
  }
}

async function readIndex(path: string, tag: Buffer): Promise<IndexEntries | null> {
  const bytes = await readFile(path).catch((error) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  return bytes && decodeIndex(bytes, tag);
}
