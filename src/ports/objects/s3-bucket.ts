import type { GetObjectCommandOutput, S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { MillError } from "../../base/index.ts";
import type { Range } from "./codec.ts";

/** Where a bucket is, and who asks. JSON but for the credentials. */
export interface BucketPlace {
  readonly bucket: string;
  /** `http://127.0.0.1:7480`; default: the region's own. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** `endpoint/bucket/key`, not `bucket.endpoint/key`. Default: true when an endpoint is given. */
  readonly pathStyle?: boolean | undefined;
  /** Default: what the environment says (`AWS_ACCESS_KEY_ID`, a profile, the machine's role). */
  readonly credentials?:
    | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
    | undefined;
}

export interface BucketLimits {
  /** How often a request is sent at most. */
  readonly attemptsMax: number;
  /** Without a connection, or an answer's next byte, for so long a request has failed. */
  readonly idleMs: number;
}

export interface BucketEntry {
  readonly key: string;
  readonly storedBytes: number;
  /** Not before the last write, and at most a second after it. */
  readonly modifiedMs: number;
}

/**
 * The few requests that the objects need, with bounded attempts. Errors: `object.unreachable` (no answer, no bucket, a fault of the server) and
 * `object.denied`; what is not there is `null` or `false`.
 */
export interface Bucket {
  /** False: `onlyNew` was asked for, and the key is there. */
  put(key: string, bytes: Uint8Array, options?: { readonly onlyNew?: boolean }): Promise<boolean>;
  /** Bytes of any length, in parts; `source` is asked for the next only when few are on their way. Nothing shows if it fails. */
  putParts(key: string, storedBytes: number, source: AsyncIterable<Uint8Array>): Promise<void>;
  head(key: string): Promise<{ readonly storedBytes: number; readonly etag: string } | null>;
  /** Goes on where it was when the connection breaks. Null: it is not there. */
  read(key: string, range?: Range): Promise<AsyncIterable<Uint8Array> | null>;
  /** In order of keys. */
  list(prefix: string): AsyncIterable<BucketEntry>;
  /** On the server; false: `from` is not there. */
  copy(from: string, to: string): Promise<boolean>;
  /** The key again with other last bytes, the rest copied on the server; false: it is no longer what `etag` says. */
  replaceTail(key: string, storedBytes: number, etag: string, tail: Uint8Array): Promise<boolean>;
  remove(key: string): Promise<void>;
  /** Ends uploads in parts that were begun so long ago that their process must be gone. */
  abandonUploads(prefix: string, olderThanMs: number): Promise<void>;
  close(): void;
}

/** A part of an upload; larger where 10,000 of these would not do. */
export const PART_BYTES = 8 << 20;
const PARTS_MAX = 9_000;
const PARTS_AT_ONCE = 4;
/** The longest copy that a server makes in one request is 5 GiB, the shortest part but the last 5 MiB. */
const COPY_BYTES = 1 << 30;

type Sdk = typeof import("@aws-sdk/client-s3");

export function openBucket(place: BucketPlace, limits: BucketLimits): Bucket {
  const Bucket = place.bucket;
  let connected: Promise<{ sdk: Sdk; client: S3Client }> | null = null;
  const connect = () => {
    connected ??= import("@aws-sdk/client-s3").then((sdk) => ({ sdk, client: new sdk.S3Client(clientConfig(place, limits)) }));
    return connected;
  };
  /** One request; `absent` names the errors that are an answer. */
  const ask = async <T, A = never>(
    send: (sdk: Sdk, client: S3Client) => Promise<T>,
    absent: Readonly<Record<string, A>> = {},
  ): Promise<T | A> => {
    const { sdk, client } = await connect();
    try {
      return await send(sdk, client);
    } catch (error) {
      const answer = answerOf(error as S3ServiceException, absent);
      if (answer !== undefined) return answer;
      throw asObjectError(error as S3ServiceException, place);
    }
  };
  /** Servers that do not know conditional writes refuse or ignore them. */
  let conditional = true;

  const bucket: Bucket = {
    async put(Key, Body, { onlyNew = false } = {}) {
      for (let attempt = 1; ; attempt++) {
        const condition = onlyNew && conditional ? { IfNoneMatch: "*" } : {};
        const put = await ask((sdk, client) => client.send(new sdk.PutObjectCommand({ Bucket, Key, Body, ...condition })), {
          PreconditionFailed: "there" as const,
          412: "there" as const,
          ...(attempt < limits.attemptsMax && { ConditionalRequestConflict: "again" as const, 409: "again" as const }),
          ...("IfNoneMatch" in condition && { NotImplemented: "plain" as const, 501: "plain" as const }),
        });
        if (put === "there") return false;
        if (put === "plain") conditional = false;
        else if (put !== "again") return true;
      }
    },

    async putParts(Key, storedBytes, source) {
      const partBytes = Math.max(PART_BYTES, Math.ceil(storedBytes / PARTS_MAX));
      await inParts(Key, async (part) => {
        for await (const bytes of inPieces(source, partBytes)) await part((at) => ({ kind: "bytes", at, bytes }));
      });
    },

    async head(Key) {
      const head = await ask((sdk, client) => client.send(new sdk.HeadObjectCommand({ Bucket, Key })), {
        NotFound: null,
        404: null,
      });
      return head && { storedBytes: head.ContentLength ?? 0, etag: head.ETag ?? "" };
    },

    async read(key, range) {
      const first = await getFrom(key, range);
      return first && resumed(key, first, range);
    },

    async *list(Prefix) {
      let token: string | undefined;
      do {
        const page = await ask((sdk, client) =>
          client.send(new sdk.ListObjectsV2Command({ Bucket, Prefix, ...(token && { ContinuationToken: token }) })),
        );
        for (const { Key, Size, LastModified } of page.Contents ?? [])
          if (Key !== undefined) yield { key: Key, storedBytes: Size ?? 0, modifiedMs: endOfSecond(LastModified) };
        token = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (token);
    },

    async copy(from, Key) {
      const CopySource = encodeURI(`${Bucket}/${from}`);
      const copied = await ask((sdk, client) => client.send(new sdk.CopyObjectCommand({ Bucket, Key, CopySource })), {
        NoSuchKey: null,
        404: null,
      });
      return copied !== null;
    },

    async replaceTail(Key, storedBytes, etag, tail) {
      const kept = storedBytes - tail.byteLength;
      const count = Math.max(1, Math.floor(kept / COPY_BYTES));
      const copied = await inParts(Key, async (part) => {
        for (let i = 0; i < count; i++) {
          const [start, end] = [i * COPY_BYTES, i === count - 1 ? kept : (i + 1) * COPY_BYTES];
          if (!(await part((at) => ({ kind: "copy", at, start, end, etag })))) return false;
        }
        return part((at) => ({ kind: "bytes", at, bytes: tail }));
      });
      return copied;
    },

    async remove(Key) {
      await ask((sdk, client) => client.send(new sdk.DeleteObjectCommand({ Bucket, Key })), { NoSuchKey: null });
    },

    async abandonUploads(Prefix, olderThanMs) {
      const page = await ask((sdk, client) => client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix })));
      for (const { Key, UploadId, Initiated } of page.Uploads ?? [])
        if (Key && UploadId && Initiated && Initiated.getTime() < olderThanMs) await abort(Key, UploadId);
    },

    close() {
      connected?.then(({ client }) => client.destroy()).catch(() => undefined);
    },
  };
  return bucket;

  type Part =
    | { kind: "bytes"; at: number; bytes: Uint8Array }
    | { kind: "copy"; at: number; start: number; end: number; etag: string };

  /** An upload whose parts `fill` hands out; a part resolves when there is room for the next. False: something copied is not what it was. */
  async function inParts(
    Key: string,
    // biome-ignore lint/suspicious/noConfusingVoidType: a filler that cannot be refused returns nothing
    fill: (part: (make: (at: number) => Part) => Promise<boolean>) => Promise<boolean | void>,
  ): Promise<boolean> {
    const { UploadId } = await ask((sdk, client) => client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key })));
    const done: { PartNumber: number; ETag: string | undefined }[] = [];
    const under = new Set<Promise<void>>();
    let refused = false;
    let failed: unknown;
    const send = async (part: Part): Promise<void> => {
      const PartNumber = part.at;
      if (part.kind === "bytes") {
        const { ETag } = await ask((sdk, client) =>
          client.send(new sdk.UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body: part.bytes })),
        );
        done.push({ PartNumber, ETag });
        return;
      }
      const copied = await ask(
        (sdk, client) =>
          client.send(
            new sdk.UploadPartCopyCommand({
              Bucket,
              Key,
              UploadId,
              PartNumber,
              CopySource: encodeURI(`${Bucket}/${Key}`),
              CopySourceRange: `bytes=${part.start}-${part.end - 1}`,
              CopySourceIfMatch: part.etag,
            }),
          ),
        { PreconditionFailed: null, 412: null, NoSuchKey: null, 404: null },
      );
      if (copied === null) refused = true;
      else done.push({ PartNumber, ETag: copied.CopyPartResult?.ETag });
    };
    let at = 0;
    const part = async (make: (at: number) => Part) => {
      const sent: Promise<void> = send(make(++at))
        .catch((error) => {
          failed ??= error;
        })
        .finally(() => under.delete(sent));
      under.add(sent);
      if (under.size >= PARTS_AT_ONCE) await Promise.race(under);
      if (failed) throw failed;
      return !refused;
    };
    try {
      await fill(part);
      await Promise.all(under);
      if (failed) throw failed;
      if (refused) {
        await abort(Key, UploadId!);
        return false;
      }
      const Parts = done.sort((a, b) => a.PartNumber - b.PartNumber);
      await ask((sdk, client) =>
        client.send(new sdk.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } })),
      );
      return true;
    } catch (error) {
      await Promise.allSettled(under);
      await abort(Key, UploadId!).catch(() => undefined);
      throw error;
    }
  }

  async function abort(Key: string, UploadId: string): Promise<void> {
    await ask((sdk, client) => client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId })), {
      NoSuchUpload: null,
      404: null,
    });
  }

  async function getFrom(Key: string, range?: Range): Promise<GetObjectCommandOutput | null> {
    const Range = range && { Range: `bytes=${range.start}-${range.end - 1}` };
    return ask((sdk, client) => client.send(new sdk.GetObjectCommand({ Bucket, Key, ...Range })), { NoSuchKey: null, 404: null });
  }

  async function* resumed(key: string, first: GetObjectCommandOutput, range?: Range): AsyncGenerator<Uint8Array> {
    let answer = first;
    let at = range?.start ?? 0;
    const end = at + (first.ContentLength ?? 0);
    for (let attempt = 1; at < end; attempt++) {
      let broken: unknown = new Error("the connection ended early");
      try {
        for await (const bytes of answer.Body as AsyncIterable<Uint8Array>) {
          at += bytes.byteLength;
          yield bytes;
        }
      } catch (error) {
        broken = error;
      }
      if (at >= end) return;
      if (attempt >= limits.attemptsMax) throw asObjectError(broken as S3ServiceException, place);
      const next = await getFrom(key, { start: at, end });
      if (!next) throw asObjectError(broken as S3ServiceException, place);
      answer = next;
    }
  }
}

function clientConfig({ endpoint, region, pathStyle, credentials }: BucketPlace, { attemptsMax, idleMs }: BucketLimits) {
  return {
    region: region ?? "us-east-1",
    ...(endpoint && { endpoint }),
    ...(credentials && { credentials }),
    forcePathStyle: pathStyle ?? endpoint !== undefined,
    maxAttempts: attemptsMax,
    // Servers that do not know the newer checksums refuse them; objects are checked against their digests anyway.
    requestChecksumCalculation: "WHEN_REQUIRED" as const,
    responseChecksumValidation: "WHEN_REQUIRED" as const,
    requestHandler: { connectionTimeout: Math.min(idleMs, 5_000), socketTimeout: idleMs },
  };
}

/** LastModified is often cut to whole seconds. */
function endOfSecond(time: Date | undefined): number {
  const ms = time?.getTime() ?? 0;
  return ms % 1000 === 0 ? ms + 999 : ms;
}

function answerOf<A>(error: S3ServiceException, absent: Readonly<Record<string, A>>): A | undefined {
  if (error.name === "NoSuchBucket") return undefined;
  if (error.name in absent) return absent[error.name];
  return absent[String(error.$metadata?.httpStatusCode)];
}

/** Says what the server said, and nothing of what it was sent: the error of the SDK holds the request with its signature. */
function asObjectError(
  error: S3ServiceException & { readonly code?: string },
  { bucket, endpoint, region }: BucketPlace,
): unknown {
  if (error instanceof MillError) return error;
  const status = error.$metadata?.httpStatusCode;
  const at = `bucket ${bucket} at ${endpoint ? endpoint.replace(/\/\/[^/@]*@/, "//") : `S3 in ${region ?? "us-east-1"}`}`;
  const got = [error.name, error.code, status].filter((part) => part !== undefined && part !== "Error").join(" ");
  if (status === 401 || status === 403 || error.name === "CredentialsProviderError")
    return new MillError("object.denied", "The store of the objects refuses our access key, or does not let it do this.", {
      at,
      got,
      fix: "Check the access key and its secret (the settings of the object store), and that the key may list, read, write and delete in this bucket.",
    });
  if (error.name === "NoSuchBucket")
    return new MillError("object.unreachable", `There is no bucket ${bucket}.`, {
      at,
      got,
      fix: "Create the bucket, or correct its name.",
    });
  return new MillError("object.unreachable", "The store of the objects was not reached, or failed.", {
    at,
    got: got || error.message,
    fix: "Check that the server runs and that its address is right; nothing was lost, and the same command may be run again.",
  });
}

/** The same bytes in pieces of `pieceBytes`, copied, the last one shorter; one empty piece for none. */
async function* inPieces(source: AsyncIterable<Uint8Array>, pieceBytes: number): AsyncGenerator<Uint8Array> {
  let piece = Buffer.allocUnsafe(pieceBytes);
  let filled = 0;
  let any = false;
  for await (let bytes of source) {
    while (bytes.byteLength > 0) {
      const taken = Math.min(pieceBytes - filled, bytes.byteLength);
      piece.set(bytes.subarray(0, taken), filled);
      filled += taken;
      bytes = bytes.subarray(taken);
      if (filled === pieceBytes) {
        yield piece;
        any = true;
        piece = Buffer.allocUnsafe(pieceBytes);
        filled = 0;
      }
    }
  }
  if (filled > 0 || !any) yield piece.subarray(0, filled);
}
