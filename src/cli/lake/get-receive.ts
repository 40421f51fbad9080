/**
 * One object into a file. It is written beside its place under a name made of its content's digest, checked, and then put there in one step; a long
 * one goes on where an earlier attempt ended.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sha256Of } from "./add-send.ts";
import type { DoorClient } from "./door-client.ts";
import type { Folder } from "./get-folder.ts";
import type { ListedObject } from "./listed.ts";

export interface Receiver {
  readonly door: DoorClient;
  readonly folder: Folder;
  readonly signal: AbortSignal;
  /** Bytes that came in. */
  received(bytes: number): void;
}

const CHUNK_BYTES = 256 << 10;

/** Errors: those of the file system and of the door, and a plain one for content that is not what was listed. */
export async function receiveFile(
  parts: readonly string[],
  entry: ListedObject["entry"],
  target: string,
  receiver: Receiver,
): Promise<"written" | "same"> {
  const file = await receiver.folder.place(parts);
  if (parts.at(-1) === "") return "same"; // the marker of a folder, which is there now
  if (await holds(file, entry, receiver.signal)) return "same";
  const beside = join(
    dirname(file),
    `.mill-${createHash("sha256")
      .update(`${entry.digest} ${parts.join("/")}`)
      .digest("hex")
      .slice(0, 32)}.part`,
  );
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const handle = await open(beside, flags, 0o666);
  try {
    const { sha256, sizeBytes } = await continueFrom(handle, entry.sizeBytes);
    if (sizeBytes < entry.sizeBytes) await download(handle, sizeBytes, sha256, entry, target, receiver);
    if (`sha256:${sha256.digest("hex")}` !== entry.digest) {
      await rm(beside, { force: true });
      throw new Error("its content is not what was listed: it was changed meanwhile, or on the way");
    }
  } finally {
    await handle.close();
  }
  await rename(beside, file);
  return "written";
}

/** Whether a file has this content. Errors: where a folder is in its place. */
async function holds(file: string, { sizeBytes, digest }: ListedObject["entry"], signal: AbortSignal): Promise<boolean> {
  const found = await lstat(file).catch(() => null);
  if (found?.isDirectory()) throw new Error(`${file} is in the way: it is a folder`);
  if (!found?.isFile() || found.size !== sizeBytes) return false;
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return (await sha256Of(handle, sizeBytes, signal)) === digest;
  } finally {
    await handle.close();
  }
}

/** What an earlier attempt left, hashed. */
async function continueFrom(handle: FileHandle, sizeMaxBytes: number) {
  const sha256 = createHash("sha256");
  const { size } = await handle.stat();
  if (size > sizeMaxBytes) await handle.truncate(0);
  let sizeBytes = 0;
  if (size > 0 && size <= sizeMaxBytes) {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, sizeBytes);
      if (bytesRead === 0) break;
      sha256.update(buffer.subarray(0, bytesRead));
      sizeBytes += bytesRead;
    }
  }
  return { sha256, sizeBytes };
}

async function download(
  handle: FileHandle,
  start: number,
  sha256: ReturnType<typeof createHash>,
  { etag, sizeBytes }: ListedObject["entry"],
  target: string,
  { door, received }: Receiver,
): Promise<void> {
  const headers = { "if-match": `"${etag}"`, ...(start > 0 && { range: `bytes=${start}-${sizeBytes - 1}` }) };
  let at = start;
  for await (const chunk of door.read({ method: "GET", target, headers })) {
    if (at + chunk.byteLength > sizeBytes) throw new Error("more bytes came than were listed");
    sha256.update(chunk);
    await writeAll(handle, chunk, at);
    at += chunk.byteLength;
    received(chunk.byteLength);
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; )
    done += (await handle.write(bytes, done, bytes.byteLength - done, at + done)).bytesWritten;
}
