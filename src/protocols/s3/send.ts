import type { IncomingMessage, ServerResponse } from "node:http";
import { letGo } from "./let-go.ts";
import type { Reply } from "./reply.ts";
import type { S3Error } from "./s3-error.ts";
import { element, XML_HEAD } from "./xml.ts";

/** What is left of a refused body is read and thrown away up to this size, so that the client comes to read why; beyond it the connection is closed. */
const DISCARDED_BYTES_MAX = 64 * 1024 ** 2;

/** What every answer has. */
export interface Common {
  readonly "x-amz-request-id": string;
  readonly "x-amz-id-2": string;
  readonly server: string;
  /** "close": the last answer on its connection. */
  readonly connection?: string;
}

/** Writes an answer; gives the bytes of its body. */
export async function send(
  response: ServerResponse,
  { status, headers, body }: Reply,
  method: string,
  common: Common,
): Promise<number> {
  const all: Record<string, string | number> = { ...headers, ...common };
  if (body === undefined || method === "HEAD") {
    if (status !== 304 && status !== 204) all["content-length"] ??= 0;
    response.writeHead(status, all).end();
    return 0;
  }
  if (typeof body === "string" || body instanceof Uint8Array) {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    all["content-length"] = bytes.byteLength;
    response.writeHead(status, all).end(bytes);
    return bytes.byteLength;
  }
  return sendStream(response, status, all, body);
}

/** Chunks as fast as the client takes them. A source that fails breaks the connection off: the client sees that the body is not whole. */
async function sendStream(
  response: ServerResponse,
  status: number,
  headers: Record<string, string | number>,
  chunks: AsyncIterable<string | Uint8Array>,
): Promise<number> {
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      if (response.destroyed) return bytes;
      if (bytes === 0) response.writeHead(status, headers);
      bytes += chunk.length;
      if (!response.write(chunk, () => typeof chunk !== "string" && letGo(chunk))) await drained(response);
    }
    const promised = headers["content-length"];
    if (promised !== undefined && promised !== bytes)
      throw new Error(`the body has ${bytes} bytes where ${promised} were promised`);
    response.end();
    return bytes;
  } catch (thrown) {
    if (response.headersSent) response.destroy();
    throw thrown;
  }
}

/** Until there is room, or nobody there. */
const drained = (response: ServerResponse) =>
  new Promise<void>((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });

/** Writes a refusal, or breaks the connection off when an answer was begun. */
export function sendError(incoming: IncomingMessage, response: ServerResponse, error: S3Error, common: Common): void {
  if (response.headersSent || incoming.socket.destroyed) return void response.destroy();
  const left = incoming.complete ? 0 : Number(incoming.headers["content-length"] ?? 0);
  const last = left > DISCARDED_BYTES_MAX || incoming.headers.expect !== undefined;
  const elements = Object.entries(error.elements).map(([name, value]) => element(name, value));
  const xml = `${XML_HEAD}<Error>${element("Code", error.code)}${element("Message", error.message)}${elements.join("")}${element(
    "RequestId",
    common["x-amz-request-id"],
  )}</Error>`;
  const body = incoming.method === "HEAD" ? "" : xml;
  response
    .writeHead(error.status, {
      ...common,
      ...(last && { connection: "close" }),
      ...(body !== "" && { "content-type": "application/xml" }),
      "content-length": Buffer.byteLength(body),
    })
    .end(body);
}
