/**
 * An entry as bytes, the same for equal entries: what it is stands apart from when it was written and what else is known of it.
 *
 *     | modified ms, 6 | length | checksums | flags, 1 | digest, 32 | size | etag | content type | metadata | headers |
 *                                            `------------------------- identity -------------------------'
 *
 * Lengths, counts and sizes are LEB128 numbers; texts are a length and UTF-8; pairs are sorted by name. Flags: 1 and 2 the form of the ETag (0 a text,
 * 1 an MD5 of 16 bytes, 2 an MD5 and the number of parts), 4 content type, 8 metadata, 16 headers are there.
 */
import { type Digest, MillError } from "../../base/index.ts";
import type { Entry } from "./entry.ts";

/** Room for a path's metadata and headers in a node of the tree. */
const BYTES_MAX = 8192;

const CONTENT_TYPE = 4;
const METADATA = 8;
const HEADERS = 16;

type Pairs = Readonly<Record<string, string>>;

/** Errors: `lake.bad-entry`. */
export function encodeEntry(entry: Entry): Buffer {
  const { contentType, metadata, headers } = entry;
  const etag = encodeEtag(entry.etag);
  const flags =
    etag.form |
    (contentType === undefined ? 0 : CONTENT_TYPE) |
    (isEmpty(metadata) ? 0 : METADATA) |
    (isEmpty(headers) ? 0 : HEADERS);
  const modified = Buffer.alloc(6);
  modified.writeUIntBE(Math.max(0, Math.floor(entry.modifiedMs)), 0, 6);
  const checksums = isEmpty(entry.checksums) ? Buffer.alloc(0) : encodePairs(entry.checksums!);
  const bytes = Buffer.concat([
    modified,
    encodeNumber(checksums.length),
    checksums,
    Buffer.from([flags]),
    Buffer.from(entry.digest.slice(7), "hex"),
    encodeNumber(entry.sizeBytes),
    etag.bytes,
    ...(contentType === undefined ? [] : [encodeText(contentType)]),
    ...(flags & METADATA ? [encodePairs(metadata!)] : []),
    ...(flags & HEADERS ? [encodePairs(headers!)] : []),
  ]);
  if (bytes.length > BYTES_MAX)
    throw new MillError("lake.bad-entry", "The metadata and headers of an entry are too long.", {
      expected: `at most ${BYTES_MAX} bytes`,
      got: `${bytes.length} bytes`,
      fix: "Keep less with the object, or put it into an object of its own.",
    });
  return bytes;
}

/** Errors: `lake.corrupt-entry`. */
export function decodeEntry(bytes: Uint8Array): Entry {
  try {
    return readEntry(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (cause) {
    throw new MillError("lake.corrupt-entry", "The bytes of an entry cannot be read.", {
      got: `${bytes.byteLength} bytes`,
      fix: "The workspace was written by another version of Millwright, or is damaged: restore a backup.",
      cause,
    });
  }
}

/** Whether two entries are the same thing, whenever they were written and whatever checksums came with them. */
export function sameEntry(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return Buffer.compare(identityOf(a), identityOf(b)) === 0;
}

/** The digest of what an entry names, without decoding the rest. Errors: `lake.corrupt-entry`. */
export function digestOfEntry(bytes: Uint8Array): Digest {
  const identity = identityOf(bytes);
  const digest = Buffer.from(identity.buffer, identity.byteOffset + 1, Math.max(0, Math.min(32, identity.byteLength - 1)));
  if (digest.length < 32) return decodeEntry(bytes).digest; // which says what is wrong
  return `sha256:${digest.toString("hex")}`;
}

function identityOf(bytes: Uint8Array): Uint8Array {
  const cursor = { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 6 };
  const checksums = readNumber(cursor);
  return bytes.subarray(cursor.at + checksums);
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

function readEntry(bytes: Buffer): Entry {
  const cursor: Cursor = { bytes, at: 6 };
  const modifiedMs = bytes.readUIntBE(0, 6);
  const checksums = readNumber(cursor) > 0 ? readPairs(cursor) : undefined;
  const flags = take(cursor, 1)[0]!;
  const digest: Digest = `sha256:${take(cursor, 32).toString("hex")}`;
  const sizeBytes = readNumber(cursor);
  const etag = readEtag(flags & 3, cursor);
  const contentType = flags & CONTENT_TYPE ? readText(cursor) : undefined;
  const metadata = flags & METADATA ? readPairs(cursor) : undefined;
  const headers = flags & HEADERS ? readPairs(cursor) : undefined;
  if (cursor.at !== bytes.length) throw new RangeError(`${bytes.length - cursor.at} bytes too many`);
  return {
    digest,
    sizeBytes,
    etag,
    modifiedMs,
    ...(contentType !== undefined && { contentType }),
    ...(metadata && { metadata }),
    ...(headers && { headers }),
    ...(checksums && { checksums }),
  };
}

function encodeEtag(etag: string): { readonly form: 0 | 1 | 2; readonly bytes: Buffer } {
  const [, md5, parts] = /^([0-9a-f]{32})(?:-([1-9][0-9]{0,8}))?$/.exec(etag) ?? [];
  if (md5 === undefined) return { form: 0, bytes: encodeText(etag) };
  if (parts === undefined) return { form: 1, bytes: Buffer.from(md5, "hex") };
  return { form: 2, bytes: Buffer.concat([Buffer.from(md5, "hex"), encodeNumber(Number(parts))]) };
}

function readEtag(form: number, cursor: Cursor): string {
  if (form === 0) return readText(cursor);
  const md5 = take(cursor, 16).toString("hex");
  return form === 1 ? md5 : `${md5}-${readNumber(cursor)}`;
}

const isEmpty = (pairs: Pairs | undefined) => pairs === undefined || Object.keys(pairs).length === 0;

function encodePairs(pairs: Pairs): Buffer {
  const names = Object.keys(pairs).sort();
  return Buffer.concat([encodeNumber(names.length), ...names.flatMap((name) => [encodeText(name), encodeText(pairs[name]!)])]);
}

function readPairs(cursor: Cursor): Record<string, string> {
  const count = readNumber(cursor);
  const pairs: [string, string][] = [];
  for (let index = 0; index < count; index++) pairs.push([readText(cursor), readText(cursor)]);
  return Object.fromEntries(pairs);
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([encodeNumber(bytes.length), bytes]);
}

const readText = (cursor: Cursor) => take(cursor, readNumber(cursor)).toString();

function encodeNumber(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

function readNumber(cursor: Cursor): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = take(cursor, 1)[0]!;
    value += (byte % 128) * scale;
    if (byte < 128) return value;
  }
}

function take(cursor: Cursor, length: number): Buffer {
  const end = cursor.at + length;
  if (end > cursor.bytes.length) throw new RangeError("the bytes end too early");
  const taken = cursor.bytes.subarray(cursor.at, end);
  cursor.at = end;
  return taken;
}
