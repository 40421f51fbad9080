/**
 * One file into the lake. It is read once, in bounded memory, and compared with itself before and after: what a writer changed meanwhile is read again.
 *
 *     known there, same size -> hash: same content, nothing is sent
 *     up to 64 KiB           -> with others in one request
 *     up to 1 MiB            -> one PUT, from memory
 *     up to 16 MiB           -> one PUT, as it is read
 *     above                  -> parts, four at a time, then joined by the door
 */
import { createHash, hash } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { MillError } from "../../base/index.ts";
import type { Bundles } from "./add-bundles.ts";
import type { LocalFile } from "./add-walk.ts";
import { contentTypeOf } from "./content-types.ts";
import { type DoorClient, elementOf, interrupted } from "./door-client.ts";
import { inParallel } from "./in-parallel.ts";
import type { ListedObject } from "./listed.ts";

export interface Sender {
  readonly door: DoorClient;
  /** Where an object of a path is asked for. */
  readonly target: (path: string) => string;
  readonly bundles: Bundles;
  readonly signal: AbortSignal;
  /** Bytes that went out. */
  sent(bytes: number): void;
}

export const CHANGED = "changed while it was read";
const BUNDLED_BYTES_MAX = 64 << 10;
const WHOLE_BYTES_MAX = 1 << 20;
const PUT_BYTES_MAX = 16 << 20;
const PART_BYTES = 8 << 20;
const PARTS_MAX = 10_000;
const PARTS_TOGETHER = 4;
const CHUNK_BYTES = 256 << 10;

/** `bundled`: it is on its way, and the bundles tell when it is there. Errors: those of the file system and of the door; an error with the message `CHANGED` when the file did not hold still. */
export async function sendFile(
  { file, path }: LocalFile,
  known: ListedObject["entry"] | null,
  sender: Sender,
): Promise<"bundled" | "sent" | "same"> {
  // a pipe that took the file's place would keep us waiting, and a link lead elsewhere
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const before = await handle.stat();
    if (!before.isFile()) throw new Error("it is no file any more");
    if (known?.sizeBytes === before.size && (await sha256Of(handle, before.size, sender.signal)) === known.digest)
      return await heldStill(handle, before, "same");
    if (before.size > PUT_BYTES_MAX) return await sendParts(handle, before, path, sender);
    const content = before.size > WHOLE_BYTES_MAX ? null : await readWhole(handle, before);
    if (content && content.byteLength <= BUNDLED_BYTES_MAX) {
      await sender.bundles.add(path, content);
      return "bundled";
    }
    const md5 = createHash("md5");
    const bytes = content ?? chunks(handle, 0, before.size, md5, sender);
    const { etag } = await sender.door.ask({
      method: "PUT",
      target: sender.target(path),
      headers: headersOf(path),
      content: { sizeBytes: before.size, bytes },
    });
    requireEtag(etag, content ? hash("md5", content, "hex") : md5.digest("hex"), path);
    if (content) sender.sent(content.byteLength);
    return content ? "sent" : await heldStill(handle, before, "sent");
  } finally {
    await handle.close();
  }
}

async function sendParts(handle: FileHandle, before: Stats, path: string, sender: Sender): Promise<"sent"> {
  const { door, signal } = sender;
  const target = sender.target(path);
  const partBytes = partBytesOf(before.size);
  const begun = await door.ask({ method: "POST", target: `${target}?uploads`, headers: headersOf(path) });
  const upload = `uploadId=${encodeURIComponent(elementOf(begun.text, "UploadId")!)}`;
  try {
    const md5s: Buffer[] = [];
    await inParallel(numbers(Math.ceil(before.size / partBytes), signal), PARTS_TOGETHER, async (index) => {
      const start = index * partBytes;
      const end = Math.min(before.size, start + partBytes);
      const md5 = createHash("md5");
      const content = { sizeBytes: end - start, bytes: chunks(handle, start, end, md5, sender) };
      const { etag } = await door.ask({ method: "PUT", target: `${target}?partNumber=${index + 1}&${upload}`, content });
      md5s[index] = md5.digest();
      requireEtag(etag, md5s[index].toString("hex"), path);
    });
    await heldStill(handle, before, "sent");
    const parts = md5s.map(
      (md5, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${md5.toString("hex")}</ETag></Part>`,
    );
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`);
    const content = { sizeBytes: body.byteLength, bytes: body };
    const { text } = await door.ask({ method: "POST", target: `${target}?${upload}`, content });
    const etag = elementOf(text, "ETag")?.replaceAll(/"|&#34;/g, "");
    requireEtag(etag, `${hash("md5", Buffer.concat(md5s), "hex")}-${md5s.length}`, path, text);
    return "sent";
  } catch (thrown) {
    await door.ask({ method: "DELETE", target: `${target}?${upload}` }).catch(() => undefined); // else it expires
    throw thrown;
  }
}

/** Whole mebibytes, so many that the number of parts is not exceeded. */
export const partBytesOf = (sizeBytes: number): number =>
  Math.max(PART_BYTES, Math.ceil(sizeBytes / PARTS_MAX / 2 ** 20) * 2 ** 20);

const headersOf = (path: string) => {
  const type = contentTypeOf(path);
  return type === undefined ? {} : { "content-type": type };
};

async function readWhole(handle: FileHandle, before: Stats): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(before.size);
  let length = 0;
  while (length < bytes.byteLength) {
    const { bytesRead } = await handle.read(bytes, length, bytes.byteLength - length, length);
    if (bytesRead === 0) throw new Error(CHANGED);
    length += bytesRead;
  }
  await heldStill(handle, before, null);
  return bytes;
}

/** Bytes `start` to `end`; ends with an error where the file is shorter by now. */
async function* chunks(
  handle: FileHandle,
  start: number,
  end: number,
  hashing: ReturnType<typeof createHash>,
  { sent, signal }: Pick<Sender, "sent" | "signal">,
): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; ) {
    if (signal.aborted) throw interrupted();
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - at));
    const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, at);
    if (bytesRead === 0) throw new Error(CHANGED);
    const chunk = buffer.subarray(0, bytesRead);
    hashing.update(chunk);
    sent(bytesRead);
    yield chunk;
    at += bytesRead;
  }
}

export async function sha256Of(handle: FileHandle, sizeBytes: number, signal: AbortSignal): Promise<string> {
  const sha256 = createHash("sha256");
  for await (const _ of chunks(handle, 0, sizeBytes, sha256, { sent: () => undefined, signal }));
  return `sha256:${sha256.digest("hex")}`;
}

async function heldStill<T>(handle: FileHandle, before: Stats, outcome: T): Promise<T> {
  const after = await handle.stat();
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) throw new Error(CHANGED);
  return outcome;
}

function requireEtag(got: string | undefined, expected: string, path: string, text = ""): void {
  if (got === expected) return;
  throw new MillError("cli.door-refused", "The S3 door received other bytes than were sent.", {
    at: path,
    expected,
    got: elementOf(text, "Message") ?? got ?? "no ETag",
    fix: "Run the same command again; when it happens again, something between changes what is sent.",
  });
}

async function* numbers(count: number, signal: AbortSignal): AsyncGenerator<number> {
  for (let index = 0; index < count && !signal.aborted; index++) yield index;
}
