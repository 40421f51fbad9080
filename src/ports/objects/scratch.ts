import { createHash } from "node:crypto";
import { open, readdir, rename, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, newId } from "../../base/index.ts";
import { corrupt, ignoreMissing, notWritten, statOf } from "./disk.ts";

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
    /** A path with the bytes that `read` gives, good for at least ten minutes. Errors: those of `read`; `object.corrupt`. */
    async pathOf(digest: Digest, sizeBytes: number, read: () => AsyncIterable<Uint8Array>): Promise<string> {
      if (now() - sweptMs > SWEEP_EVERY_MS) {
        sweptMs = now();
        await sweep().catch(() => undefined);
      }
      const path = join(folder, digest.slice(7));
      const found = await statOf(path);
      const time = new Date(now());
      const fresh = found?.size === sizeBytes && found.mtimeMs > now() - RENEWED_MS;
      if (fresh && (await utimes(path, time, time).then(() => true, ignoreMissing))) return path;
      await copy(digest, path, read());
      return path;
    },
  };

  async function copy(digest: Digest, path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const half = join(temporary, newId());
    const sha256 = createHash("sha256");
    try {
      const file = await open(half, "wx", 0o600);
      try {
        for await (const chunk of content) {
          sha256.update(chunk);
          await file.writeFile(chunk).catch((cause) => Promise.reject(notWritten(cause, folder)));
        }
        await file.utimes(new Date(now()), new Date(now()));
      } finally {
        await file.close();
      }
      if (`sha256:${sha256.digest("hex")}` !== digest) throw corrupt(digest, path);
      await rename(half, path);
    } catch (cause) {
      await unlink(half).catch(() => undefined);
      throw cause;
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
