/** Files of a folder, written only where they differ, each whole or not at all; nothing is written outside of it. */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface FolderWriter {
  /** Whether something was written. */
  text(path: string, content: string): Promise<boolean>;
  /** The same of many bytes; those that are there are compared where they are as many. */
  bytes(path: string, sizeBytes: number, read: () => AsyncIterable<Uint8Array>): Promise<boolean>;
  folder(path: string): Promise<void>;
  /** A file for each key with its value, and no others. Gives whether something changed; keys that cannot be files are told. */
  keys(path: string, values: Readonly<Record<string, string>>, left: (key: string, why: string) => void): Promise<boolean>;
  has(path: string): Promise<boolean>;
  /** Moves a folder, where it is. */
  move(path: string, to: string): Promise<void>;
}

export function createFolderWriter(root: string): FolderWriter {
  const made = new Set<string>();
  const parent = async (file: string) => {
    const folder = dirname(file);
    if (!made.has(folder)) await mkdir(folder, { recursive: true });
    if (made.size < FOLDERS_MAX) made.add(folder);
  };

  async function replace(file: string, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    await parent(file);
    const temporary = join(dirname(file), `.${randomBytes(6).toString("hex")}.part`);
    try {
      const handle = await open(temporary, "wx");
      try {
        for await (const bytes of content) await handle.writeFile(bytes);
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
    } catch (thrown) {
      await rm(temporary, { force: true });
      throw thrown;
    }
  }

  const writer: FolderWriter = {
    async text(path, content) {
      const file = join(root, path);
      if ((await readFile(file, "utf8").catch(() => null)) === content) return false;
      await replace(file, [Buffer.from(content)]);
      return true;
    },

    async bytes(path, sizeBytes, read) {
      const file = join(root, path);
      const found = await stat(file).catch(() => null);
      if (found?.isFile() && found.size === sizeBytes && (await digestOf(createReadStream(file))) === (await digestOf(read())))
        return false;
      await replace(file, read());
      return true;
    },

    async folder(path) {
      await mkdir(join(root, path), { recursive: true });
    },

    async keys(path, values, left) {
      let changed = false;
      for (const [key, value] of Object.entries(values)) {
        const why = isFilePath(key) ? null : "its key is no path of a file";
        const written = why === null && (await writer.text(`${path}/${key}`, value).catch(notAFile));
        if (typeof written === "string" || why !== null) left(key, why ?? String(written));
        else changed ||= written;
      }
      for (const key of await filesBelow(join(root, path)))
        if (!Object.hasOwn(values, key)) {
          await rm(join(root, path, key));
          changed = true;
        }
      return changed;
    },

    has: async (path) => (await stat(join(root, path)).catch(() => null)) !== null,

    async move(path, to) {
      if ((await stat(join(root, path)).catch(() => null)) === null) return;
      made.clear();
      await parent(join(root, to));
      await rename(join(root, path), join(root, to));
    },
  };
  return writer;
}

/** Folders that are known to be there. */
const FOLDERS_MAX = 10_000;

export const isFilePath = (key: string): boolean =>
  !key.includes("\0") && key.split("/").every((part) => part !== "" && part !== "." && part !== "..");

/** Why a key cannot be a file here, in words. Errors: any other. */
export function notAFile(thrown: NodeJS.ErrnoException): string {
  if (thrown.code === "ENAMETOOLONG") return "its key is too long for the name of a file";
  if (thrown.code === "EISDIR" || thrown.code === "ENOTDIR" || thrown.code === "EEXIST" || thrown.code === "ENOTEMPTY")
    return "its key is the beginning of another one's path";
  throw thrown;
}

async function filesBelow(folder: string, prefix = ""): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map((entry) =>
      entry.isDirectory() ? filesBelow(join(folder, entry.name), `${prefix}${entry.name}/`) : [prefix + entry.name],
    ),
  );
  return found.flat();
}

async function digestOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of content) hash.update(bytes);
  return hash.digest("hex");
}
