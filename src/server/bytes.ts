/** Bodies and answers of any length: they pass through as they come, and silence ends them, not their length. */
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Content } from "../contract/index.ts";

const SILENCE_MS = 60_000;

/** Routes that are added here get the bytes of a request as they come: `request.raw`. */
export function addStreaming(app: FastifyInstance, add: (to: FastifyInstance) => void): void {
  app.register(async (streaming) => {
    streaming.removeAllContentTypeParsers();
    streaming.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    streaming.addHook("onRequest", async ({ raw }) => {
      raw.setTimeout(SILENCE_MS, () => raw.destroy());
    });
    add(streaming);
  });
}

/** Answers what a verb gave, with its bytes. */
export function sendBytes(reply: FastifyReply, { sizeBytes, ...output }: Content & { readonly sizeBytes: number }): FastifyReply {
  return reply
    .headers({ "content-length": sizeBytes, "content-disposition": "attachment" })
    .type("application/octet-stream")
    .send(Readable.from(output.content(), { objectMode: false }));
}

/** A body that is read whole must be here in time; how long one may take that passes through is not bounded. */
export function boundPatience({ raw }: FastifyRequest, reply: FastifyReply, timeoutMs: number): void {
  if (raw.complete || (raw.headers["content-length"] === undefined && raw.headers["transfer-encoding"] === undefined)) return;
  const late = setTimeout(() => {
    if (raw.complete) return;
    if (!reply.raw.headersSent)
      raw.socket.write("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    raw.destroy();
  }, timeoutMs);
  late.unref();
  for (const event of ["end", "close"]) raw.once(event, () => clearTimeout(late));
}
