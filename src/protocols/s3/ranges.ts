import { type ByteRange, readRange } from "../byte-range.ts";
import { S3Error } from "./s3-error.ts";

export type { ByteRange };

/** What a `Range` header asks of so many bytes; null: all. Errors: InvalidRange. */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | null {
  const range = readRange(header, sizeBytes);
  if (range === "unsatisfiable") throw unsatisfiable(header!, sizeBytes);
  return range;
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
