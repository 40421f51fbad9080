/**
 * What a long step keeps of its work, so that the next attempt of the same key goes on from there: after a crash, a kill, or a cancel. `steps/checkpoints/KEY.json`
 * holds the digest of the state's text in a line, then the text; it is exchanged by renaming, what does not hold together is none, and it goes when the key has its
 * result. Whoever of two attempts wrote it: the same key makes the same work.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Digest, digestOf, type Json } from "../base/index.ts";

export interface Checkpoint {
  /** What was kept last, by this attempt or an earlier one of the same key. */
  read(): Json | null;
  /** Replaces what was kept. Not more often than every some seconds: it is written while the step waits. */
  keep(state: Json): void;
}

export const CHECKPOINTS = "checkpoints";

const KEPT_MS = 7 * 24 * 3600 * 1000;

export const checkpointFile = (folder: string, key: Digest) =>
  join(folder, CHECKPOINTS, `${key.slice(key.indexOf(":") + 1)}.json`);

/** Keeps nothing. */
export const noCheckpoint: Checkpoint = { read: () => null, keep: () => {} };

export function openCheckpoint(file: string): Checkpoint {
  return {
    read() {
      try {
        const kept = readFileSync(file, "utf8");
        const text = kept.slice(kept.indexOf("\n") + 1);
        return kept === `${digestOf(text)}\n${text}` ? JSON.parse(text) : null;
      } catch {
        return null; // there is none, or it was cut short
      }
    },
    keep(state) {
      const text = JSON.stringify(state);
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      const partial = `${file}.${process.pid}`;
      writeFileSync(partial, `${digestOf(text)}\n${text}`, { mode: 0o600 });
      renameSync(partial, file);
    },
  };
}

/** Removes what nobody came back for within a week. */
export async function sweepCheckpoints(folder: string, nowMs: number): Promise<void> {
  const names = await readdir(join(folder, CHECKPOINTS)).catch(() => []);
  for (const name of names) {
    const file = join(folder, CHECKPOINTS, name);
    const found = await stat(file).catch(() => null);
    if (found && nowMs - found.mtimeMs > KEPT_MS) await rm(file, { force: true });
  }
}
