import { type FileHandle, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Codec } from "./codec.ts";
import { ignoreMissing, statOf } from "./disk.ts";
import { CLAIMED, closeFile, type Learn, openHeld, SEALED, SEGMENT, type Segment, type SegmentFiles } from "./segment-files.ts";
import {
  DROP,
  newTag,
  PUT,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  SEGMENT_HEADER_BYTES,
  segmentHeader,
  TOUCH,
  writeRecord,
} from "./segment-format.ts";
import type { SegmentIndex } from "./segment-index.ts";
import { createEntryList, type EntryList, type SegmentPlace, writeIndex } from "./segment-writer.ts";

export interface CompactionOptions extends SegmentPlace {
  readonly files: SegmentFiles;
  readonly index: SegmentIndex;
  readonly learn: Learn;
  readonly codec: Codec;
  readonly abandonedMs: number;
  readonly relocate: (place: number, segment: Segment, offset: number, length: number) => void;
  readonly alive: (place: number) => boolean;
  readonly usable: (place: number) => boolean;
}

export interface Compaction {
  /** Looks, in the background, whether segments are worth rewriting. */
  look(): void;
  /** Rewrites a segment, whatever it holds, if its process appends no more. What is rewritten comes under the current key. */
  rewrite(segment: Segment): Promise<void>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

/** A record that goes on to count, with its content. */
type Kept = Omit<RecordHeader, "length"> & { readonly content: Uint8Array };

/** A segment to be rewritten; `left`: somebody claimed it long ago and did not finish. */
interface Wanted {
  readonly segment: Segment;
  readonly left: boolean;
}

/** Segments shorter than this part of the longest are put together once there are more than so many. */
const SMALL_PART = 8;
const SMALL_MAX = 8;
/** Whether touches and removals are needed still is known only by looking everywhere: not more often than this. */
const MARKS_MS = 3600_000;
const BATCH_BYTES = 1 << 20;
/** After a failure (a full disk, most likely) nothing is tried for so long. */
const PAUSE_MS = 600_000;

/**
 * Takes the room back of what was removed or put again: what still counts in a few complete segments is written into a new one, and they are
 * unlinked. Their names change first (`ID.seg` to `ID.old`), which claims them and tells every process not to count on them any more; see
 * `openSegments` for why nothing gets lost on the way. A segment that was left behind gets its index, one whose claimer died is taken over.
 */
export function createCompaction(options: CompactionOptions): Compaction {
  const { folder, temporary, effects, segmentBytesMax, abandonedMs, files, index, learn, codec, relocate, alive, usable } =
    options;
  let running: Promise<void> | null = null;
  let again = false;
  let closed = false;
  let pausedUntilMs = 0;

  return {
    look() {
      again = true;
      if (running || closed || Date.now() < pausedUntilMs) return;
      running = work()
        .catch(() => {
          pausedUntilMs = Date.now() + PAUSE_MS; // what was to be rewritten is as good as before
        })
        .finally(() => {
          running = null;
        });
    },

    async rewrite(segment) {
      while (running) await running;
      if (closed || !isComplete(segment)) return;
      const rewriting = rewrite([{ segment, left: false }]);
      running = rewriting
        .catch(() => undefined)
        .finally(() => {
          running = null;
        });
      await rewriting;
    },

    async close() {
      closed = true;
      await running;
    },
  };

  async function work(): Promise<void> {
    while (again && !closed) {
      again = false;
      await sealAbandoned();
      await sweepIndexes();
      for (let victims = await worthwhile(); victims.length > 0 && !closed; victims = await worthwhile()) await rewrite(victims);
    }
  }

  async function sealAbandoned(): Promise<void> {
    for (const segment of files.all) {
      if (segment.sealed || segment.mine || segment.gone || segment.claimed) continue;
      const found = await statOf(join(folder, segment.id + SEGMENT));
      if (!found || found.mtimeMs > Date.now() - abandonedMs) continue;
      const entries = createEntryList();
      const bytes = await files.visit(segment, (record, offset) => entries.add(record, offset));
      await files.hold(segment, effects.syncData);
      await writeIndex(options, segment, entries, bytes);
    }
  }

  /** An index that was written while another process took its segment away. */
  async function sweepIndexes(): Promise<void> {
    const names = new Set(await readdir(folder));
    for (const name of names) {
      const id = name.slice(0, -SEALED.length);
      if (!name.endsWith(SEALED) || names.has(id + SEGMENT) || names.has(id + CLAIMED)) continue;
      const found = await statOf(join(folder, name));
      if (found && found.mtimeMs < Date.now() - abandonedMs) await unlink(join(folder, name)).catch(ignoreMissing);
    }
  }

  /** Segments to be rewritten together: none but complete ones, and no more than fill one. */
  async function worthwhile(): Promise<Wanted[]> {
    const complete = files.all.filter(isComplete);
    const small = complete.filter(({ bytes }) => bytes * SMALL_PART < segmentBytesMax);
    const wasted: Segment[] = [];
    for (const segment of complete) {
      const marked = segment.markBytes * 2 > segment.bytes && (await isOld(segment));
      if ((wastedBytes(segment) + (marked ? segment.markBytes : 0)) * 2 > segment.bytes) wasted.push(segment);
    }
    const chosen = new Map<Segment, Wanted>();
    for (const segment of files.all) {
      if (segment.gone || !segment.claimed) continue;
      const found = await statOf(join(folder, segment.id + CLAIMED));
      if (found && found.ctimeMs < Date.now() - abandonedMs) chosen.set(segment, { segment, left: true });
    }
    for (const segment of [...wasted, ...(small.length > SMALL_MAX ? small : [])]) chosen.set(segment, { segment, left: false });
    let room = segmentBytesMax;
    return [...chosen.values()].filter(({ segment }, at) => {
      room -= segment.bytes - wastedBytes(segment);
      return at === 0 || room > 0;
    });
  }

  async function isOld({ id }: Segment): Promise<boolean> {
    const found = await statOf(join(folder, id + SEGMENT));
    return found !== null && found.mtimeMs < Date.now() - MARKS_MS;
  }

  async function rewrite(wanted: readonly Wanted[]): Promise<void> {
    const victims = new Set<Segment>();
    try {
      for (const { segment, left } of wanted) if (left || (await claim(segment))) victims.add(segment);
      await files.refresh();
      // What a decision rests on must not vanish in a power cut that the decision survives.
      for (const segment of files.all) if (!segment.sealed && !segment.mine) await files.hold(segment, effects.syncData);
      await moveOut(victims);
    } catch (cause) {
      for (const { id } of victims)
        await effects.rename(join(folder, id + CLAIMED), join(folder, id + SEGMENT)).catch(() => undefined);
      throw cause;
    }
    for (const segment of victims) {
      await unlink(join(folder, segment.id + CLAIMED)).catch(ignoreMissing);
      await unlink(join(folder, segment.id + SEALED)).catch(ignoreMissing);
    }
    await files.giveUp(victims);
  }

  async function claim(segment: Segment): Promise<boolean> {
    const done = await effects
      .rename(join(folder, segment.id + SEGMENT), join(folder, segment.id + CLAIMED))
      .then(() => true, ignoreMissing);
    segment.claimed = true;
    return done;
  }

  async function moveOut(victims: ReadonlySet<Segment>): Promise<void> {
    const output = createOutput();
    try {
      const { touches, drops } = await marksToKeep(victims);
      for (let place = 0; place < index.count; place++) {
        const segment = alive(place) ? files.all[index.segment[place]!]! : null;
        if (!segment || !victims.has(segment)) continue;
        const [length, offset, time] = [index.length[place]!, index.offset[place]!, index.time[place]!];
        const read = await files.hold(segment, (file) =>
          file.read(Buffer.allocUnsafe(length), 0, length, offset + RECORD_HEADER_BYTES),
        );
        if (!read || read.bytesRead < length) continue; // taken over and moved by another process, or cut off
        const digest = Buffer.from(index.digestAt(place));
        await output.add({ kind: PUT, digest, time, content: underCurrentKey(read.buffer, digest) });
        touches.delete(place);
      }
      for (const [place, time] of touches) await output.add(markOf(TOUCH, Buffer.from(index.digestAt(place)), time));
      for (const record of drops) await output.add(record);
      await output.publish();
    } finally {
      await output.discard();
    }
  }

  /** When objects were last put, by their places, where a victim is what says so, and the removals that still have something to remove. */
  async function marksToKeep(victims: ReadonlySet<Segment>): Promise<{ touches: Map<number, number>; drops: Kept[] }> {
    const touches = new Map<number, number>();
    const drops = new Map<number, { readonly record: Kept; readonly segment: Segment; needed: boolean }>();
    for (const segment of victims) {
      await files.visit(segment, (record, offset) => {
        learn(record, segment, offset, true);
        const { kind, time, length } = record;
        const digest = Buffer.from(record.digest);
        const place = index.find(digest);
        if (kind === DROP) {
          const known = drops.get(place);
          if (time === index.droppedUntil[place])
            drops.set(place, { record: markOf(kind, digest, time), segment, needed: known !== undefined });
          return;
        }
        if (time > index.droppedUntil[place]! && time === index.time[place]) touches.set(place, time);
        // Another process takes away the copy that we knew: this one must stay.
        if (kind === PUT && !usable(place) && !victims.has(files.all[index.segment[place]!]!))
          relocate(place, segment, offset, length);
      });
    }
    if (drops.size > 0)
      for (const segment of files.all)
        if (!segment.gone)
          await files.visit(segment, ({ kind, digest, time }) => {
            const drop = drops.get(index.find(digest));
            if (drop && drop.segment !== segment && kind !== DROP && time <= drop.record.time) drop.needed = true;
          });
    return { touches, drops: [...drops.values()].filter(({ needed }) => needed).map(({ record }) => record) };
  }

  /** What no key opens stays as it is. */
  function underCurrentKey(content: Buffer, digest: Buffer): Buffer {
    const bodyBytes = Math.max(0, content.byteLength - codec.tailBytes);
    try {
      const renewed = codec.renew(content.subarray(bodyBytes), `sha256:${digest.toString("hex")}`);
      return renewed ? Buffer.concat([content.subarray(0, bodyBytes), renewed]) : content;
    } catch {
      return content;
    }
  }

  /** New segments, under temporary names until they are whole and on the disk. */
  function createOutput() {
    let current: {
      readonly id: string;
      readonly tag: Buffer;
      readonly file: FileHandle;
      readonly entries: EntryList;
      bytes: number;
    } | null = null;
    let batch: Kept[] = [];
    let batchBytes = 0;

    const output = {
      async add(record: Kept): Promise<void> {
        batch.push(record);
        batchBytes += RECORD_HEADER_BYTES + record.content.byteLength;
        if (batchBytes >= BATCH_BYTES) await flush();
        if (current && current.bytes >= segmentBytesMax) await output.publish();
      },

      async publish(): Promise<void> {
        if (batch.length > 0) await flush();
        if (!current) return;
        const { id, tag, file, bytes, entries } = current;
        await effects.sync(file);
        await effects.rename(join(temporary, id), join(folder, id + SEGMENT));
        current = null;
        const segment = files.add({ id, tag, file, bytes, sealed: false, mine: true });
        try {
          await writeIndex(options, segment, entries);
        } finally {
          segment.mine = false;
        }
        await files.visit(segment, (record, offset) => files.met(record, segment, offset, true));
      },

      async discard(): Promise<void> {
        if (!current) return;
        await closeFile(current.file);
        await unlink(join(temporary, current.id)).catch(() => undefined);
      },
    };
    return output;

    async function flush(): Promise<void> {
      if (!current) {
        const id = files.newName();
        const tag = newTag();
        current = {
          id,
          tag,
          file: await openHeld(join(temporary, id), "wx+"),
          entries: createEntryList(),
          bytes: SEGMENT_HEADER_BYTES,
        };
        await effects.write(current.file, [segmentHeader(tag)], 0);
      }
      const records = Buffer.allocUnsafe(batchBytes);
      let at = 0;
      for (const { kind, digest, time, content } of batch) {
        const record = { kind, digest, time, length: content.byteLength };
        current.entries.add(record, current.bytes + at);
        at = writeRecord(records, at, current.tag, record, content);
      }
      await effects.write(current.file, [records], current.bytes);
      current.bytes += at;
      [batch, batchBytes] = [[], 0];
    }
  }
}

/** Its process appends no more, and nobody takes it away. */
const isComplete = ({ gone, mine, sealed, claimed }: Segment): boolean => !gone && !mine && sealed && !claimed;

const wastedBytes = ({ bytes, liveBytes, markBytes }: Segment): number => bytes - SEGMENT_HEADER_BYTES - liveBytes - markBytes;

const NOTHING = new Uint8Array(0);
const markOf = (kind: Kept["kind"], digest: Uint8Array, time: number): Kept => ({ kind, digest, time, content: NOTHING });
