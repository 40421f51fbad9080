/** The S3 door: a server of its own. Parse, authenticate, find the operation, answer; nothing else is decided here. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { MillError, newId } from "../../base/index.ts";
import type { Repositories, Uploads } from "../../lake/index.ts";
import type { Objects } from "../../ports/objects/index.ts";
import { parseAddress } from "./address.ts";
import { RequestBody } from "./body.ts";
import { toS3Error } from "./faults.ts";
import { createDoorLimits, type DoorLimitOptions, type DoorLimits } from "./limits.ts";
import { operationOf } from "./operations.ts";
import { createBuckets } from "./place.ts";
import type { Resources, S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";
import { type Common, send, sendError } from "./send.ts";
import { type AccessKeyFinder, type Authenticator, type AuthenticatorOptions, createAuthenticator } from "./signature.ts";

/** One line a request; never a secret, a signature or a body. */
export interface AccessLine {
  readonly requestId: string;
  readonly actor: string | undefined;
  readonly method: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly status: number;
  /** Of the content sent, or taken in. */
  readonly bytes: number;
  readonly ms: number;
}

/** PEM. */
export interface DoorTls {
  readonly key: string | Uint8Array;
  readonly cert: string | Uint8Array;
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
}

export interface S3DoorOptions {
  readonly repositories: Repositories;
  readonly uploads: Uploads;
  readonly objects: Objects;
  readonly keys: AccessKeyFinder;
  /** Who bears the platform's own token: it is taken in place of a signature. Absent: only signed requests are let in. */
  readonly bearer?: AuthenticatorOptions["bearer"];
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** PEM: the door then speaks HTTPS alone. */
  readonly tls?: DoorTls;
  /** Buckets may then come in the host as well: `BUCKET.DOMAIN`. */
  readonly domain?: string;
  readonly region?: string;
  /** Left out: none. */
  readonly limits?: DoorLimitOptions;
  readonly clock?: () => number;
  readonly log: {
    access(line: AccessLine): void;
    error(event: string, fields: Readonly<Record<string, string | number>>): void;
  };
}

export interface S3Door {
  /** As in `http://127.0.0.1:4748`. */
  readonly url: string;
  /** Of a door that speaks HTTPS: shows another certificate from now on, to who connects anew. */
  renew(tls: DoorTls): void;
  /** Takes no more requests and lets those under way finish (10 s at most). */
  stop(): Promise<void>;
}

/** A connection on which nothing moves for so long is closed. */
const SILENCE_MS = 60_000;
const STOP_GRACE_MS = 10_000;
const IDLE_SWEEP_MS = 50;
const HEADER_BYTES_MAX = 32 * 1024;
const CHUNK_BYTES = 256 * 1024;

/** Errors: `server.port-taken`, `server.not-listening`. */
export async function startS3Door(options: S3DoorOptions): Promise<S3Door> {
  const { repositories, uploads, objects, log, clock = Date.now, region = "us-east-1", domain } = options;
  const authenticator = createAuthenticator({
    keys: options.keys,
    now: clock,
    domain: domain?.toLowerCase(),
    ...(options.bearer && { bearer: options.bearer }),
  });
  const limits = createDoorLimits(options.limits ?? { requests: 0, strangers: 0 }, clock);
  const report = (requestId: string, thrown: unknown): S3Error => {
    const fault = toS3Error(thrown);
    if (fault.status >= 500 && !(thrown instanceof S3Error)) log.error("s3 request failed", { requestId, ...told(thrown) });
    return fault;
  };
  const resources: Resources = { repositories, buckets: createBuckets(repositories), uploads, objects, region, clock, report };
  const stopping = { now: false };

  /** Connections, each with its newest request. */
  const connections = new Map<Socket, ServerResponse | null>();

  const closing = (common: Common): Common => (stopping.now ? { ...common, connection: "close" } : common);

  const serve = async (incoming: IncomingMessage, response: ServerResponse, waiting: boolean): Promise<void> => {
    const startedMs = performance.now();
    const id = requestId();
    const common: Common = { "x-amz-request-id": id, "x-amz-id-2": HOST_ID, server: "Millwright" };
    connections.set(incoming.socket, response);
    let request: S3Request | undefined;
    let bytes = 0;
    try {
      request = await admit(incoming, response, id, waiting, { authenticator, limits, domain: domain?.toLowerCase() });
      bytes = await send(response, await operationOf(request)(request, resources), request.method, closing(common));
    } catch (thrown) {
      sendError(incoming, response, report(id, thrown), closing(common));
    }
    log.access({
      requestId: id,
      actor: request?.actor.id,
      method: incoming.method ?? "",
      bucket: request?.bucket,
      key: request?.key,
      status: response.statusCode,
      bytes: bytes || (request?.body.sizeBytes ?? 0),
      ms: Math.round((performance.now() - startedMs) * 100) / 100,
    });
  };

  const server = listenerOf(options.tls);
  const safely = (incoming: IncomingMessage, response: ServerResponse, waiting: boolean) =>
    serve(incoming, response, waiting).catch((thrown) => {
      log.error("s3 answer failed", told(thrown));
      response.destroy();
    });
  server.on("request", (incoming, response) => safely(incoming, response, false));
  server.on("checkContinue", (incoming, response) => safely(incoming, response, true));
  server.on("checkExpectation", (incoming, response) => safely(incoming, response, false));
  server.on("clientError", refuseMalformed);
  server.on(options.tls ? "secureConnection" : "connection", (socket: Socket) => {
    connections.set(socket, null);
    socket.once("close", () => connections.delete(socket));
  });
  server.headersTimeout = SILENCE_MS;
  server.requestTimeout = 0; // 5 GiB over a slow line take hours: silence ends a request, length does not
  server.keepAliveTimeout = SILENCE_MS;
  server.setTimeout(SILENCE_MS, (socket: Socket) => closeSilent(socket, connections.get(socket)));

  const url = await listen(server, options);
  return {
    url,
    renew: (tls) => server instanceof TlsServer && server.setSecureContext(secured(tls)),
    async stop() {
      stopping.now = true;
      const closed = once(server, "close");
      server.close();
      const closeIdle = () => {
        for (const [socket, response] of connections) if (!response || response.writableFinished) socket.destroy();
      };
      closeIdle();
      const idle = setInterval(closeIdle, IDLE_SWEEP_MS);
      const force = setTimeout(() => server.closeAllConnections(), STOP_GRACE_MS);
      await closed;
      clearInterval(idle);
      clearTimeout(force);
    },
  };
}

/** The silence of a client ends the connection; ours, while we work on what it sent, does not. */
function closeSilent(socket: Socket, response: ServerResponse | null | undefined): void {
  const ours = response?.req.complete && !response.headersSent;
  if (!ours) socket.destroy();
}

interface Admittance {
  readonly authenticator: Authenticator;
  readonly limits: DoorLimits;
  readonly domain: string | undefined;
}

async function admit(
  incoming: IncomingMessage,
  response: ServerResponse,
  id: string,
  waiting: boolean,
  { authenticator, limits, domain }: Admittance,
): Promise<S3Request> {
  const { method = "", url = "", headers } = incoming;
  const address = incoming.socket.remoteAddress ?? "";
  limits.arrived(address);
  const { bucket, key, query } = parseAddress(url, headers.host, domain);
  const { actor, keyId, signing } = await authenticator.authenticate({ method, url, headers }).catch((refused) => {
    limits.refused(address);
    throw refused;
  });
  limits.admitted(keyId || actor.id);
  if (query.has("X-Amz-Signature") || query.has("Signature")) takeHoisted(query, headers);
  return { id, method, bucket, key, query, headers, actor, body: new RequestBody(incoming, response, signing, waiting) };
}

/** Headers that a presigned address carries in its query, signed with it. */
function takeHoisted(query: ReadonlyMap<string, string>, headers: IncomingMessage["headers"]): void {
  for (const [name, value] of query) {
    const lower = name.toLowerCase();
    if (HOISTED.test(lower)) headers[lower] ??= value;
  }
}

const HOISTED =
  /^x-amz-(meta-.|acl$|storage-class$|copy-source|metadata-directive$|tagging|server-side-encryption|object-lock|checksum-mode$)|^content-(md5|type)$/;

const PROCESS_ID = newId().replaceAll("-", "").slice(20).toUpperCase();
const HOST_ID = Buffer.from(PROCESS_ID).toString("base64");
let requests = 0;

/** Unique in the log: the process, then a count. */
const requestId = (): string =>
  PROCESS_ID + (requests = (requests + 1) % 0x1_0000_0000).toString(16).toUpperCase().padStart(8, "0");

function listenerOf(tls: S3DoorOptions["tls"]): Server {
  const http = { maxHeaderSize: HEADER_BYTES_MAX, highWaterMark: CHUNK_BYTES, noDelay: true };
  return tls ? createTlsServer({ ...http, ...secured(tls) }) : createServer(http);
}

const secured = ({ key, cert, minVersion = "TLSv1.2" }: DoorTls) => ({ key: key as Buffer, cert: cert as Buffer, minVersion });

async function listen(server: Server, { host, port, tls }: S3DoorOptions): Promise<string> {
  server.listen({ host, port });
  try {
    await once(server, "listening");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const at = `${host}:${port}`;
    if (code === "EADDRINUSE")
      throw new MillError("server.port-taken", `Port ${port}, for S3 clients, is taken.`, {
        at,
        expected: "a free port",
        fix: "Stop the process that listens on it, or choose another port (0 picks a free one).",
        cause,
      });
    throw new MillError("server.not-listening", `The S3 door cannot listen on ${at}: ${message}`, { at, cause });
  }
  const { address, port: taken } = server.address() as AddressInfo;
  return `${tls ? "https" : "http"}://${address.includes(":") ? `[${address}]` : address}:${taken}`;
}

/** Bytes that are no HTTP: there is no request to answer, only a connection to close. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: import("node:stream").Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const status =
    error.code === "HPE_HEADER_OVERFLOW"
      ? "431 Request Header Fields Too Large"
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "408 Request Timeout"
        : "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function told(thrown: unknown): Readonly<Record<string, string>> {
  if (!(thrown instanceof Error)) return { message: String(thrown) };
  const code = thrown instanceof MillError ? { code: thrown.code } : { stack: thrown.stack ?? "" };
  return { message: thrown.message, ...code };
}
