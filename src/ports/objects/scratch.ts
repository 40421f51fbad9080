import { type FileHandle, open, readdir, rename, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, newId } from "../../base/index.ts";
import { ignoreMissing, notWritten, statOf } from "./disk.ts";

export interface ScratchOptions {
  readonly folder: string;
  readonly temporary: string;
  readonly now: () => number;
}

const MINUTE_MS = 60_000;
/** Asked for again before this, a copy is used again; so each path is good for at least the difference to `KEPT_MS`. */
const RENEWED_MS = 20 * MINUTE_MS;
const KEPT_MS = 60 * MINUTE_MS;
/** Where copies take more than this, those go early that nobody asked for in `RENEWED_MS`. */
const ROOM_BYTES = 256 << 20;
const SWEEP_EVERY_MS = 10 * MINUTE_MS;

/** Small objects written out as files for engines that read paths. Copies: losing one loses nothing, so nothing is synced. */
export function createScratch({ folder, temporary, now }: ScratchOptions) {
  let sweptMs = 0;

  return {
    /** A path with these bytes, good for at least ten minutes. */
    async pathOf(digest: Digest, read: () => Promise<Uint8Array>): Promise<string> {
      if (now() - sweptMs > SWEEP_EVERY_MS) {
        sweptMs = now();
        await sweep().catch(() => undefined);
      }
      const path = join(folder, digest.slice(7));
      const bytes = await read();
      const found = await statOf(path);
      const time = new Date(now());
      const fresh = found?.size === bytes.byteLength && found.mtimeMs > now() - RENEWED_MS;
      if (fresh && (await utimes(path, time, time).then(() => true, ignoreMissing))) return path;
      const copy = join(temporary, newId());
      try {
        await write(copy, bytes, time);
        await rename(copy, path);
      } catch (cause) {
        await unlink(copy).catch(() => undefined);
        throw notWritten(cause, folder);
      }
      return path;
    },
  };

  async function write(path: string, bytes: Uint8Array, time: Date): Promise<void> {
    const file: FileHandle = await open(path, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.utimes(time, time);
    } finally {
      await file.close();
    }
  }

  async function sweep(): Promise<void> {
    const copies: { path: string; size: number; mtimeMs: number }[] = [];
    for (const name of await readdir(folder)) {
      const found = await statOf(join(folder, name));
      if (found) copies.push({ path: join(folder, name), size: found.size, mtimeMs: found.mtimeMs });
    }
    copies.sort((a, b) => b.mtimeMs - a.mtimeMs);
    let bytes = 0;
    for (const { path, size, mtimeMs } of copies) {
      bytes += size;
      if (mtimeMs < now() - (bytes > ROOM_BYTES ? RENEWED_MS : KEPT_MS)) await discard(path);
    }
  }

  /** Through `temporary`: a copy that was asked for again at this very moment is put back. */
  async function discard(path: string): Promise<void> {
    const trash = join(temporary, newId());
    if (!(await rename(path, trash).then(() => true, ignoreMissing))) return;
    if ((await stat(trash)).mtimeMs > now() - RENEWED_MS) await rename(trash, path);
    else await unlink(trash);
  }
}
