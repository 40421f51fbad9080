import type { Lines, Reject } from "./opened.ts";
import { readBytes, type TextFile } from "./text-file.ts";

const [QUOTE, LF, CR] = [34, 10, 13];

/**
 * The lines of a CSV file on which records start, from 1. A record may hold line ends inside quotes; a reject is passed over by its size, as the reader did.
 * `ordinals` count the records that are neither header nor reject nor (unless `blankLines`) blank, from 0, and are sorted.
 */
export async function locateRecords(
  file: TextFile,
  { blankLines }: { readonly blankLines: boolean },
  ordinals: readonly number[],
  rejects: readonly Reject[],
): Promise<Lines> {
  const found: { records: Map<number, number>; rejects: Map<number, number> } = { records: new Map(), rejects: new Map() };
  const rejected = [...rejects].sort((a, b) => a.place - b.place);
  const lineEnd = file.lineEnd === "\r" ? CR : LF;
  const record = { offset: 0, line: 1, ordinal: -1, blank: true, quoted: false, passUntil: -1 };
  let [line, nextOrdinal, nextReject, offset] = [1, 0, 0, 0];

  const begin = (at: number) => {
    Object.assign(record, { offset: at, line, blank: true, quoted: false, passUntil: -1 });
    const reject = rejected[nextReject];
    if (reject === undefined || reject.place > at) return;
    record.passUntil = reject.place + reject.sizeBytes;
    found.rejects.set(reject.place, line);
    nextReject++;
  };
  const end = () => {
    if (record.passUntil !== -1 || (record.blank && !blankLines)) return;
    if (record.ordinal === ordinals[nextOrdinal]) {
      found.records.set(record.ordinal, record.line);
      nextOrdinal++;
    }
    record.ordinal++;
  };

  for await (const chunk of readBytes(file.path, file.gzip)) {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (byte === lineEnd) {
        line++;
        if (record.quoted || offset + at < record.passUntil) continue;
        end();
        begin(offset + at + 1);
      } else if (byte !== CR) {
        record.blank = false;
        if (byte === QUOTE && record.passUntil === -1) record.quoted = !record.quoted;
      }
    }
    offset += chunk.length;
    if (nextOrdinal >= ordinals.length && nextReject >= rejected.length) break;
  }
  if (offset > record.offset) end();
  return found;
}
