/**
 * The canonical request of Signature Version 4, as S3 has it: what both sides hash. Source: AWS, "Signature Version 4 signing process" and
 * "Authenticating Requests: Using the Authorization Header" (S3 API reference).
 *
 *     METHOD \n path \n query, sorted \n name:value \n ... \n \n names;of;signed;headers \n digest of the payload
 *
 * All texts are Latin-1: one character is one byte of the wire.
 */
import type { IncomingHttpHeaders } from "node:http";

export interface SignedRequest {
  readonly method: string;
  /** As on the wire: the path, still percent-encoded, with the query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** As node gives them; only needed to tell a header that came twice from one with a comma. */
  readonly rawHeaders?: readonly string[];
}

/** A query as it is on the wire, not decoded. */
export type QueryPairs = readonly (readonly [name: string, value: string])[];

export function splitUrl(url: string): { readonly path: string; readonly query: QueryPairs } {
  const start = url.startsWith("/") ? 0 : Math.max(url.indexOf("/", url.indexOf("://") + 3), 0);
  const mark = url.indexOf("?", start);
  const path = mark === -1 ? url.slice(start) : url.slice(start, mark);
  return { path: path === "" ? "/" : path, query: mark === -1 ? [] : pairsOf(url.slice(mark + 1)) };
}

const pairsOf = (text: string): QueryPairs =>
  text
    .split("&")
    .filter((piece) => piece !== "")
    .map((piece) => {
      const equals = piece.indexOf("=");
      return equals === -1 ? [piece, ""] : [piece.slice(0, equals), piece.slice(equals + 1)];
    });

/**
 * The canonical requests that a client may mean, the likeliest first. Most sign path and query as they send them; some send fewer characters encoded than
 * they sign, as S3 decodes and encodes again. All of them name the same resource.
 */
export function* canonicalRequests(
  { method, headers, rawHeaders }: SignedRequest,
  path: string,
  query: QueryPairs,
  signedHeaders: string,
  payload: string,
): Generator<string> {
  const rest = `${headerLines(signedHeaders, headers, rawHeaders)}\n${signedHeaders}\n${payload}`;
  const wire = `${method}\n${path}\n${sorted(query)}\n${rest}`;
  yield wire;
  const strictQuery = sorted(query.map(([name, value]) => [strict(spaced(name)), strict(spaced(value))]));
  const mixed = `${method}\n${path}\n${strictQuery}\n${rest}`;
  if (mixed !== wire) yield mixed;
  const both = `${method}\n${strict(path, "/")}\n${strictQuery}\n${rest}`;
  if (both !== mixed && both !== wire) yield both;
}

/** By name, then by value, each by bytes: not as one text, where `-` would come before the `=` behind a shorter name. */
function sorted(query: QueryPairs): string {
  if (query.length > 1) query = [...query].sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0));
  return query.map(([name, value]) => `${name}=${value}`).join("&");
}

function headerLines(signedHeaders: string, headers: IncomingHttpHeaders, rawHeaders: readonly string[] | undefined): string {
  let lines = "";
  for (const name of signedHeaders.split(";")) lines += `${name}:${headerValue(name, headers, rawHeaders)}\n`;
  return lines;
}

function headerValue(name: string, headers: IncomingHttpHeaders, rawHeaders: readonly string[] | undefined): string {
  const value = headers[name];
  if (typeof value !== "string") return Array.isArray(value) ? value.map(collapsed).join(",") : "";
  if (rawHeaders !== undefined && value.includes(", ")) {
    const values = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === name);
    if (values.length > 1) return values.map(collapsed).join(",");
  }
  return collapsed(value);
}

/** Without white space at the ends, and one space for each run of it within. Not `\s`: that would take a byte of a UTF-8 character for a space. */
const collapsed = (value: string): string =>
  /^[ \t]|[ \t]$|\t| {2}/.test(value) ? value.replace(/^[ \t]+|[ \t]+$/g, "").replace(/[ \t]+/g, " ") : value;

const spaced = (text: string): string => (text.includes("+") ? text.replaceAll("+", "%20") : text);

/** Decoded, and encoded as AWS's UriEncode does: all but `A-Z a-z 0-9 - . _ ~` as `%XX`. */
const strict = (text: string, keep = ""): string =>
  /^[A-Za-z0-9\-._~/]*$/.test(text) && (keep === "/" || !text.includes("/"))
    ? text
    : text.replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~]/g, (found) =>
        found === keep ? found : encoded(found.length === 3 ? Number.parseInt(found.slice(1), 16) : found.charCodeAt(0)),
      );

function encoded(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[A-Za-z0-9\-._~]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}
