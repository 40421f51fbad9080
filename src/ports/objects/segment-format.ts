/**
 * Small objects lie one behind the other in segments: appending many of them takes one write and one sync.
 *
 *     ID.seg   | segment header | record | record | record | ...      only ever appended to, by the process that made it
 *     ID.idx   | header | entry | entry | entry | ... | checksum      written when nothing will be appended any more
 *
 * Segment header, 32 bytes: `MILLSEG1`, tag (8), zeros. The tag is random: a stored object cannot imitate a record.
 * Record: header of 64 bytes, then the content (of a `put` only).
 *
 *     0 tag 8 | 8 digest 32 | 40 time f64 | 48 length u32 | 52 kind u8, zeros | 56 CRC-32 of the content, u32 | 60 CRC-32 of bytes 0-59, u32
 *
 * Three kinds. `put`: these bytes were put at `time`. `touch`: the same bytes were put again at `time`. `drop`: whatever was put up to
 * `time` is removed. Times are microseconds since 1970; an object is there when it was put after the last moment that a drop names. So
 * records mean the same in whatever order, segment or number they are read, and a put that a remover did not see survives it.
 *
 * Index: `MILLIDX1`, tag (8), bytes of the segment f64, entries u32, zeros to 32; entries of 48 bytes; CRC-32 of everything before.
 *
 *     0 digest 32 | 32 time f64 | 40 offset of the record u32 | 44 length u24, kind u8
 *
 * Numbers are little-endian. A segment without an index (its process is at work, or died) is read record by record: a record that is cut
 * short or whose checksum is wrong is skipped, and reading goes on at the next tag.
 */
import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";

export const SEGMENT_HEADER_BYTES = 32;
export const RECORD_HEADER_BYTES = 64;
export const ENTRY_BYTES = 48;
export const DIGEST_BYTES = 32;
/** The largest object that a segment takes. */
export const SMALL_BYTES = 64 << 10;
/** The longest content of a record: stored bytes may be more than the object's. */
const CONTENT_BYTES_MAX = SMALL_BYTES + 4096;

export const PUT = 1;
export const TOUCH = 2;
export const DROP = 3;
export type Kind = typeof PUT | typeof TOUCH | typeof DROP;

export interface RecordHeader {
  readonly kind: Kind;
  /** The 32 bytes of the digest; a view that is overwritten by the next record when scanned. */
  readonly digest: Uint8Array;
  /** Microseconds since 1970. */
  readonly time: number;
  /** Bytes of content, as stored; 0 unless it is a put. */
  readonly length: number;
}

const NOTHING = new Uint8Array(0);

export interface Scanned extends RecordHeader {
  readonly offset: number;
  /** Empty unless it is a put. */
  readonly content: Buffer;
  /** Whether the content is the one that was written. */
  readonly whole: boolean;
}

const SEGMENT_MAGIC = Buffer.from("MILLSEG1");
const INDEX_MAGIC = Buffer.from("MILLIDX1");
const CHECKED_BYTES = 60;

export const newTag = (): Buffer => randomBytes(8);

export function segmentHeader(tag: Uint8Array): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  SEGMENT_MAGIC.copy(header);
  header.set(tag, 8);
  return header;
}

/** null: these bytes begin no segment. */
export function tagOf(header: Buffer): Buffer | null {
  if (header.length < SEGMENT_HEADER_BYTES || !header.subarray(0, 8).equals(SEGMENT_MAGIC)) return null;
  return Buffer.from(header.subarray(8, 16));
}

/** Writes a record and answers where the next one begins. */
export function writeRecord(
  into: Buffer,
  at: number,
  tag: Uint8Array,
  record: RecordHeader,
  content: Uint8Array = NOTHING,
): number {
  const { kind, digest, time, length } = record;
  into.fill(0, at, at + RECORD_HEADER_BYTES);
  into.set(tag, at);
  into.set(digest, at + 8);
  into.writeDoubleLE(time, at + 40);
  into.writeUInt32LE(length, at + 48);
  into[at + 52] = kind;
  into.writeUInt32LE(crc32(content), at + 56);
  into.writeUInt32LE(crc32(into.subarray(at, at + CHECKED_BYTES)), at + CHECKED_BYTES);
  into.set(content, at + RECORD_HEADER_BYTES);
  return at + RECORD_HEADER_BYTES + content.byteLength;
}

/** null: no sound record header lies here. */
function readRecordHeader(from: Buffer, at: number, tag: Buffer): RecordHeader | null {
  if (tag.compare(from, at, at + 8) !== 0) return null;
  if (crc32(from.subarray(at, at + CHECKED_BYTES)) !== from.readUInt32LE(at + CHECKED_BYTES)) return null;
  const kind = from[at + 52] as Kind;
  const length = from.readUInt32LE(at + 48);
  if (length > CONTENT_BYTES_MAX) return null;
  return { kind, digest: from.subarray(at + 8, at + 8 + DIGEST_BYTES), time: from.readDoubleLE(at + 40), length };
}

const WINDOW_BYTES = 1 << 20;

/**
 * Reads the records from `from` to the end of the file, in order, in bounded memory, and answers where the next look should begin: behind
 * the last whole record, for what follows may still be on its way.
 */
export async function scanSegment(
  file: FileHandle,
  tag: Buffer,
  from: number,
  visit: (record: Scanned) => void | Promise<void>,
): Promise<number> {
  const window = Buffer.allocUnsafe(WINDOW_BYTES);
  let [start, filled, at] = [from, 0, 0]; // the window holds the file from `start`; records up to `at` were seen
  let wholeUntil = from;
  for (;;) {
    window.copyWithin(0, at, filled);
    start += at;
    filled -= at;
    at = 0;
    while (filled < WINDOW_BYTES) {
      const { bytesRead } = await file.read(window, filled, WINDOW_BYTES - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    const ended = filled < WINDOW_BYTES;

    while (filled - at >= RECORD_HEADER_BYTES) {
      const header = readRecordHeader(window, at, tag);
      const next = header && at + RECORD_HEADER_BYTES + header.length;
      if (next && next <= filled) {
        const content = window.subarray(at + RECORD_HEADER_BYTES, next);
        const whole = crc32(content) === window.readUInt32LE(at + 56);
        await visit({ ...header, offset: start + at, content, whole });
        at = next;
        wholeUntil = start + at;
      } else if (next && !ended) break;
      else {
        const found = window.subarray(0, filled).indexOf(tag, at + 1);
        at = found === -1 ? Math.max(at + 1, filled - tag.length + 1) : found;
      }
    }
    if (ended) return wholeUntil;
  }
}

/** What an index says of each record of its segment, in the order of the segment. */
export interface IndexEntries {
  readonly segmentBytes: number;
  readonly count: number;
  readonly entries: Buffer;
}

export function writeEntry(into: Buffer, at: number, { kind, digest, time, length }: RecordHeader, offset: number): void {
  into.set(digest, at);
  into.writeDoubleLE(time, at + 32);
  into.writeUInt32LE(offset, at + 40);
  into.writeUIntLE(length, at + 44, 3);
  into[at + 47] = kind;
}

export function readEntry(from: Buffer, at: number): RecordHeader & { readonly offset: number } {
  return {
    kind: from[at + 47] as Kind,
    digest: from.subarray(at, at + DIGEST_BYTES),
    time: from.readDoubleLE(at + 32),
    offset: from.readUInt32LE(at + 40),
    length: from.readUIntLE(at + 44, 3),
  };
}

export function encodeIndex(tag: Uint8Array, { segmentBytes, count, entries }: IndexEntries): Buffer[] {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  INDEX_MAGIC.copy(header);
  header.set(tag, 8);
  header.writeDoubleLE(segmentBytes, 16);
  header.writeUInt32LE(count, 24);
  const body = entries.subarray(0, count * ENTRY_BYTES);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32(body, crc32(header)));
  return [header, body, checksum];
}

/** null: this is no index of the segment with this tag, or it is damaged; the segment itself must be read. */
export function decodeIndex(bytes: Buffer, tag: Buffer): IndexEntries | null {
  const end = bytes.length - 4;
  if (end < SEGMENT_HEADER_BYTES || !bytes.subarray(0, 8).equals(INDEX_MAGIC) || !bytes.subarray(8, 16).equals(tag)) return null;
  const count = bytes.readUInt32LE(24);
  if (end !== SEGMENT_HEADER_BYTES + count * ENTRY_BYTES || crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end))
    return null;
  return { segmentBytes: bytes.readDoubleLE(16), count, entries: bytes.subarray(SEGMENT_HEADER_BYTES, end) };
}
