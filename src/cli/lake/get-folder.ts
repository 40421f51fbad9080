import { lstat, mkdir } from "node:fs/promises";
import { join, sep } from "node:path";

/** A folder out of which nothing is written: names that lead outside are refused, and links within it are not followed. */
export interface Folder {
  readonly root: string;
  /** Makes the folders that lead to a path and gives the path. Errors: where something else than a folder is in the way. */
  place(parts: readonly string[]): Promise<string>;
}

export async function createFolder(root: string): Promise<Folder> {
  await mkdir(root, { recursive: true });
  const made = new Map<string, Promise<void>>();

  const ensure = (parts: readonly string[]): Promise<void> => {
    if (parts.length === 0) return Promise.resolve();
    const folder = join(root, ...parts);
    let making = made.get(folder);
    if (!making) {
      making = ensure(parts.slice(0, -1)).then(() => makeFolder(folder));
      made.set(folder, making);
    }
    return making;
  };

  return {
    root,
    async place(parts) {
      await ensure(parts.slice(0, -1));
      return join(root, ...parts);
    },
  };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is in the way: it is no folder`);
  }
}

/** The parts of an object's path as names of folders and, last, a file (empty: a folder alone); null: there can be no such file below a folder. */
export function localPartsOf(path: string): readonly string[] | null {
  const parts = path.split("/");
  const names = parts.at(-1) === "" ? parts.slice(0, -1) : parts;
  return names.length > 0 && names.every(isName) ? parts : null;
}

const isName = (name: string): boolean =>
  name !== "" && name !== "." && name !== ".." && !name.includes("\0") && (sep === "/" || !/[\\:]/.test(name));
