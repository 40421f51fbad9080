export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** What a `Range` header asks of so many bytes; null: all (none, several ranges, or one that cannot be read). */
export function readRange(header: string | undefined, sizeBytes: number): ByteRange | null | "unsatisfiable" {
  const match = header === undefined ? null : /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header);
  if (!match) return null;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return null;
  if (first === "") {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? "unsatisfiable" : { start: sizeBytes - length, end: sizeBytes };
  }
  if (last !== "" && Number(last) < Number(first)) return null;
  if (Number(first) >= sizeBytes) return "unsatisfiable";
  return { start: Number(first), end: last === "" ? sizeBytes : Math.min(Number(last) + 1, sizeBytes) };
}
