/** A route for each verb: its input from the request, one call, the answer. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { VERBS, type Verb, type VerbName } from "../contract/index.ts";
import type { BoundCall, Call, CallOptions } from "../guard/index.ts";
import type { Metrics } from "../protocols/index.ts";
import { addStreaming, sendBytes } from "./bytes.ts";
import { enter } from "./doors.ts";
import { sendLines } from "./lines.ts";
import { toMillError, toProblem } from "./problem.ts";
import { readInput } from "./read-input.ts";

export function addVerbs(
  app: FastifyInstance,
  { call: unwatched, metrics }: { readonly call: Call; readonly metrics: Metrics },
  stopping: AbortSignal,
): void {
  const call = metrics.watching(unwatched);
  const add = (to: FastifyInstance, name: VerbName, verb: Verb) =>
    to.route({
      method: verb.http.method,
      url: verb.http.path,
      onRequest: enter(name),
      handler: async (request, reply) => {
        const input = readInput(verb, {
          params: request.params as Record<string, string>,
          query: request.query as Record<string, string>,
          contentType: request.headers["content-type"],
          body: (request.body as Buffer | undefined) ?? EMPTY,
        });
        const options = { requestId: request.id, signal: stopping };
        if (verb.stream) {
          const signal = AbortSignal.any([stopping, whenLeft(reply)]);
          const lines: unknown = call(request.actor, name, input, { requestId: request.id, signal });
          return sendLines(reply, lines as AsyncIterable<unknown>, (error) => toProblem(toMillError(error), request.id));
        }
        const output: unknown = await call(
          request.actor,
          name,
          input,
          verb.bytes === "in" ? { ...options, bytes: request.raw } : options,
        );
        if (verb.bytes === "out") return sendBytes(reply, output as Parameters<typeof sendBytes>[1]);
        return reply.type("application/json; charset=utf-8").send(JSON.stringify(output));
      },
    });
  const verbs = Object.entries(VERBS) as [VerbName, Verb][];
  for (const [name, verb] of verbs) if (verb.bytes !== "in") add(app, name, verb);
  addStreaming(app, (streaming) => {
    for (const [name, verb] of verbs) if (verb.bytes === "in") add(streaming, name, verb);
  });
}

const EMPTY = Buffer.alloc(0);

/** Aborted when the asker closes the connection before the answer has ended. */
function whenLeft(reply: FastifyReply): AbortSignal {
  const left = new AbortController();
  reply.raw.on("close", () => {
    if (!reply.raw.writableFinished) left.abort();
  });
  return left.signal;
}

/** The call in the name of whoever sent the request. */
export const bound = (call: Call, { actor, id }: FastifyRequest): BoundCall =>
  ((verb: VerbName, input: unknown, options: CallOptions = {}) =>
    call(actor, verb, input, { ...options, requestId: id })) as BoundCall;
