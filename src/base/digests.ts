import { createHash, hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { MillError } from "./errors.ts";

/** JSON as a value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** `sha256:` and 64 hexadecimal digits. */
export type Digest = `sha256:${string}`;

export const isDigest = (text: string): text is Digest => /^sha256:[0-9a-f]{64}$/.test(text);

export const digestOf = (bytes: Uint8Array | string): Digest => `sha256:${hash("sha256", bytes, "hex")}`;

/** Digest of a value's canonical JSON: equal values have equal digests, whatever the order of their keys. */
export const digestOfJson = (value: unknown): Digest => digestOf(canonicalJson(value));

export async function digestOfFile(path: string): Promise<Digest> {
  const sha256 = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) sha256.update(chunk);
  return `sha256:${sha256.digest("hex")}`;
}

/** For people: as many digits as tell one from others. */
export const shortDigest = (digest: string): string => digest.slice("sha256:".length, "sha256:".length + 12);

/**
 * JSON in the form of RFC 8785: keys sorted by UTF-16 code units, no white space, numbers as ECMAScript prints them.
 * `undefined` fields are left out, as JSON.stringify does; what JSON cannot say (NaN, bigint, functions) is refused.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && !ArrayBuffer.isView(value)) {
    const fields = value as Record<string, unknown>;
    const keys = Object.keys(fields).filter((key) => fields[key] !== undefined);
    return `{${keys
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(fields[key])}`)
      .join(",")}}`;
  }
  throw new MillError("internal.not-json", `A digest needs JSON, got ${typeof value === "number" ? value : typeof value}.`);
}
