/** Files of runs and models on this machine: those that lie below the folder that was named, by no link. */
import { createReadStream } from "node:fs";
import { opendir, realpath, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { FileThere, Tell } from "./source.ts";

/** The folder that a location means; null: none on this machine. A relative one lies beside what names it. */
export function localPath(uri: string, beside: string): string | null {
  if (/^file:/i.test(uri)) {
    try {
      return fileURLToPath(uri.replace(/^file:(?!\/\/)/i, "file://"));
    } catch {
      return null;
    }
  }
  return /^[a-z][a-z0-9+.-]+:/i.test(uri) ? null : resolve(beside, uri);
}

/** Whether a folder lies in another one, links resolved. */
export async function isWithin(folder: string, root: string): Promise<boolean> {
  const [real, of] = await Promise.all([realpath(folder).catch(() => null), realpath(root).catch(() => null)]);
  return real !== null && of !== null && (real === of || real.startsWith(of.endsWith(sep) ? of : of + sep));
}

export async function* filesBelow(folder: string, whose: string, tell: Tell, prefix = ""): AsyncGenerator<FileThere> {
  const entries = await opendir(folder).catch(() => null);
  if (entries === null) return;
  for await (const entry of entries) {
    const [file, path] = [join(folder, entry.name), prefix + entry.name];
    if (entry.isDirectory()) yield* filesBelow(file, whose, tell, `${path}/`);
    else if (entry.isFile()) {
      const { size, mtimeMs } = await stat(file);
      yield { path, sizeBytes: size, stamp: `${size}:${Math.floor(mtimeMs)}`, read: () => createReadStream(file) };
    } else tell({ what: `${path} of ${whose}`, why: "it is a link or no plain file, and is not followed", broken: false });
  }
}
