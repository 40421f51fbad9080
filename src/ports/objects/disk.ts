import { type FileHandle, open, rename, stat } from "node:fs/promises";
import { type Digest, MillError } from "../../base/index.ts";

/** The writes that a full or failing disk can refuse; tests hand in ones that fail. */
export interface FileEffects {
  /** All of the chunks, one after the other, from `position` on. */
  write(file: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void>;
  /** Everything is on the disk when this resolves; of a folder: its names. */
  sync(file: FileHandle): Promise<void>;
  /** Content and length are on the disk when this resolves. */
  syncData(file: FileHandle): Promise<void>;
  rename(from: string, to: string): Promise<void>;
}

export const DISK: FileEffects = {
  async write(file, chunks, position) {
    let rest = chunks;
    while (rest.length > 0) {
      const { bytesWritten } = await file.writev(rest.slice(0, IO_VECTORS_MAX), position);
      position += bytesWritten;
      rest = without(rest, bytesWritten);
    }
  },
  sync: (file) => file.sync(),
  syncData: (file) => file.datasync(),
  rename,
};

/** What one call of Linux takes. */
const IO_VECTORS_MAX = 1024;

function without(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let at = 0;
  while (at < chunks.length && bytes >= chunks[at]!.byteLength) bytes -= chunks[at++]!.byteLength;
  const rest = chunks.slice(at);
  return bytes === 0 ? rest : [rest[0]!.subarray(bytes), ...rest.slice(1)];
}

/** A name made or changed in a folder is there after a power cut only once the folder is synced. */
export async function syncFolder(path: string, { sync }: Pick<FileEffects, "sync">): Promise<void> {
  const handle = await open(path, "r");
  try {
    await sync(handle);
  } finally {
    await handle.close();
  }
}

export const statOf = (path: string) =>
  stat(path).catch((error) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });

export function ignoreMissing(error: NodeJS.ErrnoException): false {
  if (error.code === "ENOENT") return false;
  throw error;
}

export function notWritten(cause: unknown, folder: string): unknown {
  if (cause instanceof MillError) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG")
    return new MillError("object.disk-full", `There is no room left in ${folder}; nothing was stored.`, {
      at: folder,
      got: code,
      fix: "Free some space, or move the workspace with --workspace DIR, and run the same command again.",
      cause,
    });
  return new MillError("object.not-writable", `An object could not be written into ${folder}.`, {
    at: folder,
    got: cause instanceof Error ? cause.message : String(cause),
    fix: "Check that the folder belongs to the user who runs Millwright and that its disk is sound.",
    cause,
  });
}

export const missing = (digest: Digest, cause?: unknown) =>
  new MillError("object.missing", `The object ${digest} is not stored here.`, {
    fix: "Run `mill run`: the step that makes it runs again. If it was made elsewhere, restore it from a backup.",
    cause,
  });

export function unreadable(digest: Digest, cause: NodeJS.ErrnoException): never {
  if (cause.code === "ENOENT") throw missing(digest, cause);
  throw new MillError("object.unreadable", `The object ${digest} could not be read.`, { got: cause.message, cause });
}

export function unreadableFile(path: string, cause: NodeJS.ErrnoException): never {
  throw new MillError("object.unreadable", `${path} could not be read, so it was not stored.`, {
    at: path,
    expected: "a readable file",
    got: cause.message,
    cause,
  });
}

export const corrupt = (digest: Digest, at: string) =>
  new MillError("object.corrupt", `The bytes stored for ${digest} are not the bytes that were written.`, {
    at,
    expected: digest,
    fix: "Check the disk, then run `mill run` (the step that makes it runs again; bytes put again replace these) or restore a backup.",
  });
