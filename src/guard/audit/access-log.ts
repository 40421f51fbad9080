/**
 * Who asked what of the data plane: an object of JSON a line, never rows, bodies or tokens.
 *
 *     note -> | waiting lines | -> one write -> 0197...-a1.ndjson (full) ... 0197...-f8.ndjson (open)      the oldest goes when all take more than the bound
 *
 * Nobody waits for a line: a crash loses those of the last quarter of a second, and what a disk cannot take is counted and left out.
 */
import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { newId } from "../../base/index.ts";

export interface AccessEntry {
  readonly requestId: string;
  /** null: nobody who was let in. */
  readonly actor: string | null;
  /** The verb, or of another protocol its method. */
  readonly verb: string;
  /** An endpoint, or of objects BUCKET/KEY. */
  readonly target: string | null;
  readonly status: number;
  /** Of the content sent or taken in, whichever is longer; null: it came as a stream. */
  readonly bytes: number | null;
  readonly ms: number;
}

export interface AccessLog {
  /** Takes less than a microsecond or three, and never fails. */
  note(entry: AccessEntry): void;
  /** Writes what waits. */
  close(): Promise<void>;
}

export interface AccessLogOptions {
  /** All files together take about so much. */
  readonly bytesMax: number;
  /** Told when lines begin to be lost. */
  readonly onFault?: (error: Error) => void;
  readonly now?: () => number;
}

const FILES = 8;
const FLUSH_MS = 250;
/** So many lines are written at once, a small part of a file. */
const TOGETHER = 100;
/** So many waiting lines are not left to the clock; beyond ten times as many, lines are left out. */
const LINES_MAX = 2000;
const TARGET_LENGTH_MAX = 500;

/** Makes the folder (0700, files 0600). Errors: those of the file system, at the start only. */
export async function openAccessLog(folder: string, options: AccessLogOptions): Promise<AccessLog> {
  const { bytesMax, onFault, now = Date.now } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lines: string[] = [];
  let dropped = 0;
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> | null = null;
  let current: { readonly file: FileHandle; size: number } | null = null;

  const write = async (): Promise<void> => {
    while (lines.length > 0) {
      const batch = lines.splice(0, TOGETHER);
      const counted = dropped;
      dropped = 0;
      const told = counted === 0 ? "" : `${JSON.stringify({ at: new Date(now()).toISOString(), dropped: counted })}\n`;
      try {
        const bytes = Buffer.from(batch.join("") + told);
        current ??= { file: await open(join(folder, `${newId(now())}.ndjson`), "ax", 0o600), size: 0 };
        await current.file.writeFile(bytes);
        current.size += bytes.byteLength;
        if (current.size >= bytesMax / FILES) await endFile();
      } catch (thrown) {
        if (counted === 0) onFault?.(thrown as Error);
        dropped += counted + batch.length;
        await endFile().catch(() => undefined);
      }
    }
    writing = null;
  };

  const endFile = async () => {
    const ended = current;
    current = null;
    await ended?.file.close();
    await forgetOldest(folder, bytesMax);
  };

  const flush = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (lines.length > 0) writing ??= write();
    return writing;
  };

  return {
    note({ target, ...entry }) {
      if (lines.length >= 10 * LINES_MAX) dropped++;
      else {
        const line = { at: new Date(now()).toISOString(), ...entry, target: target?.slice(0, TARGET_LENGTH_MAX) ?? null };
        lines.push(`${JSON.stringify(line)}\n`);
      }
      if (lines.length >= LINES_MAX) void flush();
      else timer ??= setTimeout(flush, FLUSH_MS).unref();
    },
    async close() {
      await flush();
      await current?.file.close();
      current = null;
    },
  };
}

/** Names sort by time. Room for the file that comes next is left. */
async function forgetOldest(folder: string, bytesMax: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".ndjson")).sort();
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  let total = sizes.reduce((sum, size) => sum + size, 0) + bytesMax / FILES;
  for (let oldest = 0; total > bytesMax && oldest < names.length; oldest++) {
    await rm(join(folder, names[oldest]!), { force: true });
    total -= sizes[oldest]!;
  }
}
