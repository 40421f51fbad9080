import { S3Error } from "./s3-error.ts";

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** What a `Range` header asks of so many bytes; null: all (none, several ranges, or one that cannot be read). Errors: InvalidRange. */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | null {
  const match = header === undefined ? null : /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header);
  if (!match) return null;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return null;
  if (first === "") {
    const length = Math.min(Number(last), sizeBytes);
    if (length === 0) throw unsatisfiable(header!, sizeBytes);
    return { start: sizeBytes - length, end: sizeBytes };
  }
  if (last !== "" && Number(last) < Number(first)) return null;
  if (Number(first) >= sizeBytes) throw unsatisfiable(header!, sizeBytes);
  return { start: Number(first), end: last === "" ? sizeBytes : Math.min(Number(last) + 1, sizeBytes) };
}

/** The range of a part's copy: `bytes=FIRST-LAST`, both given, wholly inside. Errors: InvalidArgument, InvalidRange. */
export function parseCopyRange(header: string, sizeBytes: number): ByteRange {
  const match = /^bytes=(\d+)-(\d+)$/.exec(header);
  if (!match || Number(match[2]) < Number(match[1]))
    throw new S3Error("InvalidArgument", "x-amz-copy-source-range must be bytes=FIRST-LAST.", {
      ArgumentName: "x-amz-copy-source-range",
      ArgumentValue: header,
    });
  if (Number(match[2]) >= sizeBytes) throw unsatisfiable(header, sizeBytes);
  return { start: Number(match[1]), end: Number(match[2]) + 1 };
}

const unsatisfiable = (range: string, sizeBytes: number) =>
  new S3Error("InvalidRange", undefined, { RangeRequested: range, ActualObjectSize: String(sizeBytes) });
