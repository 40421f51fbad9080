import type { IncomingMessage, ServerResponse } from "node:http";
import type { Reply } from "./reply.ts";
import type { S3Error } from "./s3-error.ts";
import { element, XML_HEAD } from "./xml.ts";

/** What is left of a refused body is read and thrown away up to this size, so that the client comes to read why; beyond it the connection is closed. */
const DISCARDED_BYTES_MAX = 64 * 1024 ** 2;

/** Writes an answer; gives the bytes of its body. */
export async function send(response: ServerResponse, { status, headers, body }: Reply, method: string): Promise<number> {
  response.statusCode = status;
  for (const name in headers) response.setHeader(name, headers[name]!);
  if (body === undefined || method === "HEAD") {
    if (status !== 304 && status !== 204 && !response.hasHeader("content-length")) response.setHeader("content-length", 0);
    response.end();
    return 0;
  }
  if (typeof body === "string" || body instanceof Uint8Array) {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    response.setHeader("content-length", bytes.byteLength);
    response.end(bytes);
    return bytes.byteLength;
  }
  return sendStream(response, body);
}

/** Chunks as fast as the client takes them. A source that fails breaks the connection off: the client sees that the body is not whole. */
async function sendStream(response: ServerResponse, chunks: AsyncIterable<string | Uint8Array>): Promise<number> {
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      if (response.destroyed) return bytes;
      bytes += chunk.length;
      if (!response.write(chunk)) await drained(response);
    }
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

export async function sendError(incoming: IncomingMessage, response: ServerResponse, error: S3Error, id: string): Promise<void> {
  if (response.headersSent || incoming.socket.destroyed) return void response.destroy();
  for (const name of response.getHeaderNames()) if (!KEPT.has(name)) response.removeHeader(name);
  const mayGoOn = incoming.complete || Number(incoming.headers["content-length"] ?? 0) <= DISCARDED_BYTES_MAX;
  if (!mayGoOn || incoming.headers.expect !== undefined) response.setHeader("connection", "close");
  const elements = Object.entries(error.elements).map(([name, value]) => element(name, value));
  const xml = `${XML_HEAD}<Error>${element("Code", error.code)}${element("Message", error.message)}${elements.join("")}${element(
    "RequestId",
    id,
  )}</Error>`;
  const hasBody = incoming.method !== "HEAD";
  response.statusCode = error.status;
  if (hasBody) response.setHeader("content-type", "application/xml");
  response.setHeader("content-length", hasBody ? Buffer.byteLength(xml) : 0);
  response.end(hasBody ? xml : undefined);
}

const KEPT = new Set(["x-amz-request-id", "x-amz-id-2", "server", "connection"]);
