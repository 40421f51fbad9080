import { S3Error } from "./s3-error.ts";

/** What a request's address names, percent-decoded once. An empty bucket: the service; an empty key: the bucket. */
export interface Address {
  readonly bucket: string;
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
}

export const KEY_BYTES_MAX = 1024;
const NO_QUERY: ReadonlyMap<string, string> = new Map();

/**
 * Path style (`/BUCKET/KEY`) and, where `domain` is set, virtual-host style (`BUCKET.DOMAIN`, `/KEY`). A key is what the client sent: `..`, `//`,
 * control characters and `+` are plain characters of it. Errors: InvalidURI.
 */
export function parseAddress(url: string, host: string | undefined, domain: string | undefined): Address {
  const target = url.startsWith("/") ? url : withoutOrigin(url);
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? NO_QUERY : parseQuery(target.slice(mark + 1));
  const bucket = domain === undefined ? null : bucketOfHost(host, domain);
  if (bucket !== null) return { bucket, key: decode(path.slice(1)), query };
  const slash = path.indexOf("/", 1);
  return slash < 0
    ? { bucket: decode(path.slice(1)), key: "", query }
    : { bucket: decode(path.slice(1, slash)), key: decode(path.slice(slash + 1)), query };
}

/** The bucket and key that `x-amz-copy-source` names. Errors: InvalidArgument, NoSuchVersion. */
export function parseCopySource(header: string): { readonly bucket: string; readonly key: string } {
  const mark = header.indexOf("?");
  const path = (mark < 0 ? header : header.slice(0, mark)).replace(/^\//, "");
  const version = mark < 0 ? undefined : parseQuery(header.slice(mark + 1)).get("versionId");
  if (version !== undefined && version !== "null") throw new S3Error("NoSuchVersion");
  const decoded = decode(path);
  const slash = decoded.indexOf("/");
  if (slash <= 0 || slash === decoded.length - 1)
    throw new S3Error("InvalidArgument", "x-amz-copy-source must be BUCKET/KEY, percent-encoded.");
  return { bucket: decoded.slice(0, slash), key: decoded.slice(slash + 1) };
}

/** The form that a proxy is asked in: `http://HOST/PATH`. */
function withoutOrigin(url: string): string {
  const match = /^https?:\/\/[^/?]*/i.exec(url);
  if (!match) throw new S3Error("InvalidURI");
  const rest = url.slice(match[0].length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** The bucket in a host below the domain; null: none is. */
export function bucketOfHost(host: string | undefined, domain: string): string | null {
  const name = host?.replace(/:\d+$/, "").toLowerCase();
  return name?.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : null;
}

function parseQuery(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decodeQuery(equals < 0 ? pair : pair.slice(0, equals));
    if (!query.has(name)) query.set(name, equals < 0 ? "" : decodeQuery(pair.slice(equals + 1)));
  }
  return query;
}

const decodeQuery = (text: string): string => decode(text.includes("+") ? text.replaceAll("+", " ") : text);

function decode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error("InvalidURI", "The URI holds an escape that is not UTF-8.");
  }
}
