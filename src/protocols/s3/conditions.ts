import type { IncomingHttpHeaders } from "node:http";
import type { Condition, Entry } from "../../lake/index.ts";
import { S3Error } from "./s3-error.ts";

export type Verdict = "go-on" | "not-modified" | "failed";

/**
 * The conditions of a read, in the precedence of RFC 9110 13.2.2: an If-Match that holds makes If-Unmodified-Since void, an If-None-Match makes
 * If-Modified-Since void. `prefix` is `x-amz-copy-source-` for the source of a copy.
 */
export function judgeRead(entry: Entry, headers: IncomingHttpHeaders, prefix = ""): Verdict {
  const modifiedMs = Math.floor(entry.modifiedMs / 1000) * 1000;
  const ifMatch = text(headers[`${prefix}if-match`]);
  const ifNoneMatch = text(headers[`${prefix}if-none-match`]);
  if (ifMatch !== undefined) {
    if (!listed(ifMatch, entry.etag)) return "failed";
  } else if (modifiedMs > momentOf(headers[`${prefix}if-unmodified-since`], Number.POSITIVE_INFINITY)) return "failed";
  if (ifNoneMatch !== undefined) {
    if (listed(ifNoneMatch, entry.etag)) return "not-modified";
  } else if (modifiedMs <= momentOf(headers[`${prefix}if-modified-since`], Number.NEGATIVE_INFINITY)) return "not-modified";
  return "go-on";
}

/** The conditions of a write, for the repository to hold at the moment of the change. Errors: NotImplemented, InvalidArgument. */
export function writeConditions(path: string, headers: IncomingHttpHeaders): readonly Condition[] {
  const ifMatch = text(headers["if-match"]);
  const ifNoneMatch = text(headers["if-none-match"]);
  if (ifMatch === undefined && ifNoneMatch === undefined) return NONE;
  if (ifMatch !== undefined && ifNoneMatch !== undefined)
    throw new S3Error("InvalidArgument", "A write takes If-Match or If-None-Match, not both.");
  return [
    {
      path,
      ...(ifMatch !== undefined && { ifMatch: single(ifMatch) }),
      ...(ifNoneMatch !== undefined && { ifNoneMatch: single(ifNoneMatch) }),
    },
  ];
}

/** An ETag as it stands in an entry: without quotes and without the mark of a weak one. */
export const bareEtag = (etag: string): string =>
  etag
    .trim()
    .replace(/^W\//, "")
    .replace(/^"(.*)"$/, "$1");

const NONE: readonly Condition[] = [];
const text = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value.join(",") : value);

function listed(header: string, etag: string): boolean {
  if (header.trim() === "*") return true;
  return header.split(",").some((one) => bareEtag(one) === etag);
}

function single(header: string): string {
  if (header.includes(",")) throw new S3Error("NotImplemented", "A conditional write takes one ETag.");
  return bareEtag(header);
}

/** A date that cannot be read counts as none. */
function momentOf(value: string | string[] | undefined, fallback: number): number {
  const parsed = value === undefined ? Number.NaN : Date.parse(String(value));
  return Number.isNaN(parsed) ? fallback : parsed;
}
