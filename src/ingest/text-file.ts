/**
 * Text files as the SQL engine can read them: UTF-8, no byte order mark, one kind of line end. Most files are that already and are read where they lie;
 * the others are rewritten into the step's scratch folder.
 */
import { isUtf8 } from "node:buffer";
import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { MillError } from "../base/index.ts";

export type Encoding = "utf-8" | "utf-16" | "latin-1";

export interface TextFile {
  readonly path: string;
  readonly gzip: boolean;
  readonly encoding: Encoding;
  readonly lineEnd: "\n" | "\r";
  /** The first characters, to find a header and a delimiter in. */
  readonly head: string;
  /** The head is all there is. */
  readonly whole: boolean;
}

const HEAD_BYTES = 1 << 18;
const CHUNK_BYTES = 1 << 20;

/** Errors: `source.unreadable`. */
export async function openTextFile(given: {
  readonly path: string;
  readonly name: string;
  readonly encoding: Encoding | undefined;
  readonly scratch: string;
  readonly index: number;
}): Promise<TextFile> {
  const { path, scratch, index } = given;
  const gzip = path.endsWith(".gz");
  const seen = await look(path, gzip, given.encoding).catch((cause) => {
    throw new MillError("source.unreadable", `The file "${given.name}" cannot be read: ${(cause as Error).message}`, {
      at: given.name,
      fix: gzip ? "Check that it is whole and really compressed by gzip." : "Check that it is a file that this account may read.",
      cause,
    });
  });
  const fine = seen.decoder === "utf-8" && seen.bomBytes === 0 && seen.lineEnds.size < 2;
  const common = { encoding: seen.encoding, head: seen.head, whole: seen.sizeBytes <= HEAD_BYTES };
  if (fine) return { ...common, path, gzip, lineEnd: seen.lineEnds.has("\r") ? "\r" : "\n" };
  const rewritten = join(scratch, `text-${index}`);
  await pipeline(rewrite(readBytes(path, gzip), seen.decoder, seen.bomBytes), createWriteStream(rewritten));
  return { ...common, path: rewritten, gzip: false, lineEnd: "\n" };
}

/** The bytes of a file, decompressed. */
export function readBytes(path: string, gzip: boolean): AsyncIterable<Buffer> {
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  if (!gzip) return file;
  const plain = createGunzip({ chunkSize: CHUNK_BYTES });
  file.on("error", (error) => plain.destroy(error));
  return file.pipe(plain);
}

type Decoder = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";
type LineEnd = "\n" | "\r\n" | "\r";

interface Seen {
  readonly encoding: Encoding;
  readonly decoder: Decoder;
  readonly bomBytes: number;
  readonly lineEnds: ReadonlySet<LineEnd>;
  readonly head: string;
  readonly sizeBytes: number;
}

async function look(path: string, gzip: boolean, stated: Encoding | undefined): Promise<Seen> {
  const heads: Buffer[] = [];
  const lineEnds = new Set<LineEnd>();
  const utf8 = createUtf8Check();
  let sizeBytes = 0;
  let last = 0;
  for await (const chunk of readBytes(path, gzip)) {
    if (sizeBytes < HEAD_BYTES) heads.push(chunk.subarray(0, HEAD_BYTES - sizeBytes));
    utf8.add(chunk);
    noteLineEnds(chunk, last, lineEnds);
    last = chunk.at(-1) ?? last;
    sizeBytes += chunk.length;
  }
  if (last === 13) lineEnds.add("\r");
  const head = Buffer.concat(heads);
  const { encoding, decoder, bomBytes } = stated ? statedEncoding(stated, head) : foundEncoding(head, utf8.state());
  const text = new TextDecoder(decoder).decode(head.subarray(bomBytes), { stream: true });
  return { encoding, decoder, bomBytes, head: text, sizeBytes, lineEnds: decoder.startsWith("utf-16") ? new Set() : lineEnds };
}

/** Counts a "\r" that ends a chunk when the next one starts. */
function noteLineEnds(chunk: Buffer, last: number, into: Set<LineEnd>): void {
  if (last === 13 && chunk[0] !== 10) into.add("\r");
  for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1))
    into.add((at === 0 ? last : chunk[at - 1]) === 13 ? "\r\n" : "\n");
  for (let at = chunk.indexOf(13); at !== -1 && !into.has("\r"); at = chunk.indexOf(13, at + 1))
    if (at + 1 < chunk.length && chunk[at + 1] !== 10) into.add("\r");
}

function statedEncoding(encoding: Encoding, head: Buffer): Pick<Seen, "encoding" | "decoder" | "bomBytes"> {
  if (encoding === "utf-16") return { encoding, decoder: utf16Order(head) ?? "utf-16le", bomBytes: bomOf(head)?.bomBytes ?? 0 };
  if (encoding === "latin-1") return { encoding, decoder: "windows-1252", bomBytes: 0 };
  return { encoding, decoder: "utf-8", bomBytes: bomOf(head)?.decoder === "utf-8" ? 3 : 0 };
}

function foundEncoding(head: Buffer, utf8: "valid" | "broken" | "none"): Pick<Seen, "encoding" | "decoder" | "bomBytes"> {
  const bom = bomOf(head);
  if (bom) return { encoding: bom.decoder === "utf-8" ? "utf-8" : "utf-16", ...bom };
  const order = utf16Order(head);
  if (order) return { encoding: "utf-16", decoder: order, bomBytes: 0 };
  return utf8 === "none" ? statedEncoding("latin-1", head) : statedEncoding("utf-8", head);
}

function bomOf(head: Buffer): { readonly decoder: Decoder; readonly bomBytes: number } | null {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { decoder: "utf-8", bomBytes: 3 };
  if (head[0] === 0xff && head[1] === 0xfe) return { decoder: "utf-16le", bomBytes: 2 };
  if (head[0] === 0xfe && head[1] === 0xff) return { decoder: "utf-16be", bomBytes: 2 };
  return null;
}

/** Latin letters, digits and delimiters in UTF-16 are every other byte zero. */
function utf16Order(head: Buffer): "utf-16le" | "utf-16be" | null {
  const bom = bomOf(head)?.decoder;
  if (bom === "utf-16le" || bom === "utf-16be") return bom;
  const looked = Math.min(head.length, 4096) & ~1;
  const zeros = [0, 0];
  for (let at = 0; at < looked; at++) if (head[at] === 0) zeros[at & 1]!++;
  if (zeros[1]! > looked * 0.2 && zeros[0] === 0) return "utf-16le";
  if (zeros[0]! > looked * 0.2 && zeros[1] === 0) return "utf-16be";
  return null;
}

/**
 * `valid`: all is UTF-8. `broken`: it has both right and wrong sequences, so it is UTF-8 with damaged rows. `none`: other text has high bytes, but not one
 * right sequence to three wrong ones.
 */
function createUtf8Check() {
  let rest = Buffer.alloc(0);
  let [right, wrong] = [0, 0];
  return {
    add(chunk: Buffer) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      const end = bytes.length - unfinished(bytes);
      rest = Buffer.from(bytes.subarray(end));
      const body = bytes.subarray(0, end);
      if (isUtf8(body)) right += right < 1000 && !isAscii(body) ? 1 : 0;
      else {
        const text = body.toString("utf8");
        wrong += (text.match(/\ufffd/g) ?? []).length;
        right += (text.match(/[\u0080-\ufffc]/g) ?? []).length;
      }
    },
    state(): "valid" | "broken" | "none" {
      if (rest.length > 0) wrong++;
      if (wrong === 0) return "valid";
      return right * 3 >= wrong ? "broken" : "none";
    },
  };
}

const isAscii = (bytes: Buffer) => !bytes.some((byte) => byte > 127);

/** Bytes at the end that may be the start of a longer sequence. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

async function* rewrite(bytes: AsyncIterable<Buffer>, decoder: Decoder, bomBytes: number): AsyncIterable<Buffer> {
  const text = decoder === "utf-8" ? null : new TextDecoder(decoder, { ignoreBOM: true });
  let skip = bomBytes;
  let heldReturn = false;
  // A "\r" that ends a chunk waits for the next one: it may be half of a "\r\n".
  const lines = (chunk: Buffer): Buffer => {
    let latin = (heldReturn ? "\r" : "") + chunk.toString("latin1");
    heldReturn = latin.endsWith("\r");
    if (heldReturn) latin = latin.slice(0, -1);
    return Buffer.from(latin.includes("\r") ? latin.replace(/\r\n?/g, "\n") : latin, "latin1");
  };
  for await (const chunk of bytes) {
    const body = chunk.subarray(Math.min(skip, chunk.length));
    skip -= chunk.length - body.length;
    yield lines(text ? Buffer.from(text.decode(body, { stream: true })) : body);
  }
  if (text) yield lines(Buffer.from(text.decode()));
  if (heldReturn) yield Buffer.from("\n");
}
