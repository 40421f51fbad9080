/**
 * Makes and removes the folders of attempts. On ext4 that takes longer than all that is written to most of them, so a folder that is empty again
 * keeps its name until the next attempt takes it over under its own.
 */
import { mkdirSync, renameSync } from "node:fs";
import { emptyFolder, removeFolder } from "./attempt-folder.ts";

export interface Folders {
  /** With mode 0700; one that is there already stays as it is. */
  make(folder: string): void;
  /** With all that is in it; nobody waits for that. What cannot be removed is swept by the next recovery. */
  remove(folder: string): void;
  /** Waits for what is being removed. */
  close(): Promise<void>;
}

const SPARE_MOST = 64;

export function createFolders(): Folders {
  const spare: string[] = [];
  const removing = new Set<Promise<void>>();

  return {
    make(folder) {
      const from = spare.pop();
      if (from === undefined || !renamed(from, folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    },

    remove(folder) {
      if (spare.length < SPARE_MOST && emptyFolder(folder)) return void spare.push(folder);
      const removed = removeFolder(folder)
        .catch(() => undefined)
        .finally(() => removing.delete(removed));
      removing.add(removed);
    },

    async close() {
      for (const folder of spare.splice(0)) await removeFolder(folder).catch(() => undefined);
      await Promise.all(removing);
    },
  };
}

function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false; // swept by another ledger, or `to` is there
  }
}
