/**
 * Rows that are on disk before they are acknowledged: segments of NDJSON, one folder a data set.
 *
 *     append -> | waiting rows | -> one write, one fdatasync -> all of them resolve
 *     0197...-a1.ndjson   closed: to be sealed into the lake, then removed
 *     0197...-f8.ndjson   open: the only one that is written to
 *
 * A segment's name is a time-sorted id that is never used again: the lake remembers which segments it has sealed.
 * A crash can only tear the end of the segment that was open: what was acknowledged lies before it, and the rest is cut off.
 */
import { type FileHandle, mkdir, open, readdir, readFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { type Json, MillError, newId } from "../base/index.ts";

export type JournalRow = Readonly<Record<string, Json | undefined>>;

export interface Journal {
  /** Resolves when the rows are on disk. Errors: `lake.disk-full`, `lake.journal`: none of these rows is kept, earlier ones are intact. */
  append(rows: readonly JournalRow[]): Promise<void>;
  /** Ends the open segment; later rows go to the next one. The closed segments, oldest first. */
  rotate(): Promise<Segment[]>;
  /** Removes a segment whose rows are in the lake. */
  remove(segment: string): Promise<void>;
  /** Every acknowledged row of the segments that `skip` does not name, in order. */
  rows(skip: ReadonlySet<string>): Promise<JournalRow[]>;
  close(): Promise<void>;
}

export interface Segment {
  readonly name: string;
  readonly path: string;
}

/** What a journal does to files, for a test to break. */
export interface JournalEffects {
  write(file: FileHandle, bytes: Buffer, position: number): Promise<void>;
  sync(file: FileHandle): Promise<void>;
}

const REAL: JournalEffects = {
  async write(file, bytes, position) {
    for (let done = 0; done < bytes.length; )
      done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  },
  sync: (file) => file.datasync(),
};

interface OpenSegment extends Segment {
  readonly file: FileHandle;
  /** Bytes that are acknowledged; behind them may be the remains of a failed write. */
  size: number;
}

interface Waiting {
  readonly text: string;
  resolve(): void;
  reject(error: unknown): void;
}

/** Opens the journal in `folder`, cutting off what a crash has torn. */
export async function openJournal(folder: string, effects: JournalEffects = REAL): Promise<Journal> {
  const closed = await recover(folder).catch((thrown) => {
    throw journalError(thrown, folder);
  });
  let current: OpenSegment | null = null;
  let lastMs = Math.max(0, ...closed.map(({ name }) => Number.parseInt(name.slice(0, 13).replace("-", ""), 16)));
  let waiting: Waiting[] = [];
  let writing: Promise<void> | null = null;

  const openNext = async (): Promise<OpenSegment> => {
    lastMs = Math.max(Date.now(), lastMs + 1);
    const name = `${newId(lastMs)}.ndjson`;
    const path = join(folder, name);
    const file = await open(path, "wx", 0o600);
    await syncFolder(folder);
    return { name, path, file, size: 0 };
  };

  const writeWaiting = async () => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        current ??= await openNext();
        await writeBatch(current, Buffer.from(batch.map(({ text }) => text).join("")), effects);
        for (const { resolve } of batch) resolve();
      } catch (thrown) {
        const error = journalError(thrown, folder);
        for (const { reject } of batch) reject(error);
      }
    }
    writing = null;
  };

  const settled = async () => {
    while (writing !== null) await writing;
  };

  const endCurrent = async () => {
    await settled();
    if (current === null) return;
    const { name, path, file, size } = current;
    current = null;
    await file.truncate(size);
    await file.close();
    if (size === 0) await rm(path);
    else closed.push({ name, path });
  };

  return {
    append(rows) {
      if (rows.length === 0) return Promise.resolve();
      const text = rows.map((row) => `${lineOf(row)}\n`).join("");
      return new Promise((resolve, reject) => {
        waiting.push({ text, resolve, reject });
        // The next turn: rows that arrive together share one write.
        writing ??= new Promise<void>((next) => setImmediate(next)).then(writeWaiting);
      });
    },
    async rotate() {
      await endCurrent();
      return [...closed];
    },
    async remove(segment) {
      const at = closed.findIndex(({ name }) => name === segment);
      if (at !== -1) closed.splice(at, 1);
      await rm(join(folder, segment), { force: true });
    },
    async rows(skip) {
      await settled();
      const sizes = [...closed.map((segment) => ({ ...segment, size: Number.POSITIVE_INFINITY })), ...(current ? [current] : [])];
      const texts = await Promise.all(
        sizes
          .filter(({ name }) => !skip.has(name))
          .map(async ({ path, size }) => (await readFile(path)).subarray(0, size).toString("utf8")),
      );
      return texts.flatMap((text) =>
        text
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as JournalRow),
      );
    },
    close: endCurrent,
  };
}

const MAYBE_HALF = /\\ud[89a-f]/;

/** Half a character would make the whole segment unreadable to the engine: what it stood for is lost already. */
function lineOf(row: JournalRow): string {
  const text = JSON.stringify(row);
  return MAYBE_HALF.test(text)
    ? JSON.stringify(row, (_, value) => (typeof value === "string" ? value.toWellFormed() : value))
    : text;
}

async function writeBatch(segment: OpenSegment, bytes: Buffer, effects: JournalEffects): Promise<void> {
  try {
    await effects.write(segment.file, bytes, segment.size);
    await effects.sync(segment.file);
    segment.size += bytes.length;
  } catch (thrown) {
    await segment.file.truncate(segment.size).catch(() => undefined);
    throw thrown;
  }
}

const SEGMENT = /^[0-9a-f-]{36}\.ndjson$/;

/** The segments that an earlier process left, each ending with a whole row. */
async function recover(folder: string): Promise<Segment[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const segments = await segmentsIn(folder);
  for (const segment of segments) await cutTornEnd(segment);
  return segments;
}

async function segmentsIn(folder: string): Promise<Segment[]> {
  const names = (await readdir(folder)).filter((name) => SEGMENT.test(name));
  return names.sort().map((name) => ({ name, path: join(folder, name) }));
}

/** Cuts a segment behind its last whole row. */
async function cutTornEnd({ path }: Segment): Promise<void> {
  const bytes = await readFile(path);
  let end = 0;
  for (let next = bytes.indexOf(10); next !== -1 && isRow(bytes.subarray(end, next)); next = bytes.indexOf(10, end))
    end = next + 1;
  if (end < bytes.length) await truncate(path, end);
}

function isRow(line: Buffer): boolean {
  try {
    return typeof JSON.parse(line.toString("utf8")) === "object";
  } catch {
    return false;
  }
}

/** A new file is there after a crash only when its folder is on disk too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function journalError(thrown: unknown, folder: string): MillError {
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG")
    return new MillError("lake.disk-full", "The disk is full: the rows were not taken, and earlier rows are intact.", {
      at: folder,
      fix: "Free space in the workspace, then send the rows again.",
      cause: thrown,
    });
  return new MillError("lake.journal", `The journal cannot be written: ${message}`, {
    at: folder,
    fix: "Check the workspace's folder and its permissions, then send the rows again.",
    cause: thrown,
  });
}
