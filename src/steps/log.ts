/**
 * What an attempt says. Its last lines are part of its row; while it runs, all of it, up to 10 MB, is `log.txt` in its folder, and what does
 * not fit the row becomes an object when the attempt ends. Read by offset in bytes, also while it grows.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, MillError } from "../base/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import { attemptFolder } from "./attempt-folder.ts";
import type { LogLine } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";

export interface AttemptLog {
  add(text: string): void;
  /** The last lines, each cut. */
  readonly lines: readonly LogLine[];
  /** At the end: the whole log as an object, where it is longer than `lines`, else null; also where it cannot be stored, which is no fault of the step. */
  keep(): Promise<Digest | null>;
  close(): void;
}

export interface LogPart {
  /** UTF-8; may end within a line, not within a character. */
  readonly text: string;
  /** Offset in bytes of what follows. */
  readonly next: number;
  /** Nothing will follow. */
  readonly ended: boolean;
}

const LINES_KEPT = 200;
const LINE_CHARACTERS = 2000;
export const LOG_BYTES_MAX = 10 * 1024 * 1024;
const PART_BYTES = 256 * 1024;
const CUT = `--- cut: a log is kept up to ${LOG_BYTES_MAX} bytes ---\n`;

const logFile = (folder: string) => join(folder, "log.txt");

export function createLog({ objects, clock }: Surroundings, folder: string): AttemptLog {
  const lines: LogLine[] = [];
  let file: number | null = null;
  let sizeBytes = 0;
  let full = false;
  let whole = true;

  return {
    lines,
    add(text) {
      if (text.length > LINE_CHARACTERS) whole = false;
      lines.push({ at: clock(), text: text.length > LINE_CHARACTERS ? cut(text) : text });
      if (lines.length > LINES_KEPT) {
        whole = false;
        lines.shift();
      }
      write(Buffer.from(`${text}\n`));
    },
    keep: async () => (whole ? null : objects.putFile(logFile(folder)).catch(() => null)),
    close() {
      if (file !== null) closeSync(file);
      file = null;
    },
  };

  function write(line: Buffer): void {
    if (full) return;
    sizeBytes += line.byteLength;
    full = sizeBytes > LOG_BYTES_MAX;
    try {
      file ??= openSync(logFile(folder), "w", 0o600);
      writeSync(file, full ? Buffer.from(CUT) : line);
    } catch {
      full = true; // a full disk: thrown from here it would end the server, which only listens
    }
  }
}

/** A copy: a slice would keep the whole text. */
const cut = (text: string) => Buffer.from(text.slice(0, LINE_CHARACTERS)).toString();

/** The log of an attempt whose server has left it, with a last line that says what became of it. */
export async function keepLeftLog(surroundings: Surroundings, folder: string, last: string) {
  const left = await readFile(logFile(folder), "utf8").catch(() => "");
  const log = createLog(surroundings, folder);
  for (const line of [...left.split("\n").filter(Boolean), last]) log.add(line);
  const logObject = await log.keep();
  log.close();
  return { log: log.lines, logObject };
}

const WHOLE_KEPT_MS = 90 * 24 * 3600 * 1000;

/** A whole log is kept for 90 days after its attempt ended; its last lines stay. */
export async function letGoOfOldLogs({ records, clock }: Surroundings): Promise<void> {
  const old = "log_object IS NOT NULL AND ended_at < ?";
  const params = [clock() - WHOLE_KEPT_MS];
  await records.commit([
    { sql: `DELETE FROM pins WHERE holder IN (SELECT 'log:' || step_id || '-' || fence FROM attempts WHERE ${old})`, params },
    { sql: `UPDATE attempts SET log_object = NULL WHERE ${old}`, params },
  ]);
}

/** What an attempt has said from `offset` on, at most 256 KiB. Errors: `step.unknown`. */
export async function readLog(surroundings: Surroundings, stepId: string, fence: number, offset: number): Promise<LogPart> {
  const [attempt] = await surroundings.records.query<{ endedAt: number | null; log: string | null; logObject: Digest | null }>(
    `SELECT ended_at AS "endedAt", log, log_object AS "logObject" FROM attempts WHERE step_id = ? AND fence = ?`,
    [stepId, fence],
  );
  if (!attempt) throw unknownAttempt(stepId, fence);
  if (attempt.endedAt === null) {
    const growing = await readGrowing(logFile(attemptFolder(surroundings.folder, stepId, fence)), offset);
    return growing ?? { text: "", next: offset, ended: false }; // it has said nothing, or is on another machine, or has just ended
  }
  const { bytes, sizeBytes } = attempt.logObject
    ? await readStored(surroundings.objects, attempt.logObject, offset)
    : sliceOf(textOf(attempt.log), offset);
  const { text, next } = partOf(bytes, offset);
  return { text, next, ended: next >= sizeBytes };
}

interface Slice {
  /** From the offset on, at most `PART_BYTES`. */
  readonly bytes: Uint8Array;
  /** Of the whole. */
  readonly sizeBytes: number;
}

async function readStored(objects: Objects, log: Digest, offset: number): Promise<Slice> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of objects.read(log, { start: offset, end: offset + PART_BYTES })) chunks.push(chunk);
  return { bytes: Buffer.concat(chunks), sizeBytes: (await objects.sizeOf(log)) ?? 0 };
}

const sliceOf = (whole: Uint8Array, offset: number): Slice => ({
  bytes: whole.subarray(offset, offset + PART_BYTES),
  sizeBytes: whole.byteLength,
});

function textOf(log: string | null): Uint8Array {
  const lines: LogLine[] = log === null ? [] : JSON.parse(log);
  return Buffer.from(lines.map(({ text }) => `${text}\n`).join(""));
}

async function readGrowing(path: string, offset: number): Promise<LogPart | null> {
  const file = await open(path).catch(() => null);
  if (!file) return null;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(PART_BYTES), 0, PART_BYTES, offset);
    return { ...partOf(buffer.subarray(0, bytesRead), offset), ended: false };
  } finally {
    await file.close();
  }
}

function partOf(bytes: Uint8Array, offset: number): { text: string; next: number } {
  const end = bytes.byteLength - cutCharacterBytes(bytes);
  return { text: Buffer.from(bytes.subarray(0, end)).toString("utf8"), next: offset + end };
}

/** How many bytes at the end begin a UTF-8 character that goes on behind them. */
function cutCharacterBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.byteLength); back++) {
    const byte = bytes[bytes.byteLength - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

const unknownAttempt = (stepId: string, fence: number) =>
  new MillError("step.unknown", `The step ${stepId} has no attempt ${fence}.`, {
    got: `${stepId}, attempt ${fence}`,
    fix: "GET /v1/steps/ID tells a step's attempts.",
  });
