/** A log file that another machine writes, read by offset: never more of it than one block in memory. */
import { open } from "node:fs/promises";
import { splitLines } from "../lines.ts";

export interface LogTail {
  /** Reads what has come since; a file that is not there yet has nothing. */
  read(): Promise<void>;
  /** Gives the last line also when it has no end. */
  end(): void;
}

const BLOCK_BYTES = 64 << 10;

export function tailLog(path: string, onLine: (line: string) => void): LogTail {
  const lines = splitLines(onLine);
  let offset = 0;
  return {
    async read() {
      const file = await open(path).catch(() => null);
      if (!file) return;
      try {
        const block = Buffer.allocUnsafe(BLOCK_BYTES);
        for (;;) {
          const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, offset);
          if (bytesRead === 0) return;
          offset += bytesRead;
          lines.push(block.subarray(0, bytesRead));
        }
      } finally {
        await file.close();
      }
    },
    end: lines.end,
  };
}

/** The last bytes of a file as text; of one that is not there, nothing. */
export async function readEnd(path: string, sizeBytes: number): Promise<string> {
  const file = await open(path).catch(() => null);
  if (!file) return "";
  try {
    const { size } = await file.stat();
    const length = Math.min(size, sizeBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}
