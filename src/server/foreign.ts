/** The routes of foreign protocols: which bytes they get, and how their answers and errors go out. */
import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { BoundCall } from "../guard/index.ts";
import type { ForeignReply, ForeignRequest, ForeignRoute } from "../protocols/index.ts";
import { addStreaming } from "./bytes.ts";
import { originOf } from "./cookies.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    readonly foreign?: ForeignRoute;
  }
}

/** The foreign route that a request came to, if it did. */
export const foreignOf = ({ routeOptions }: FastifyRequest): ForeignRoute | undefined =>
  (routeOptions.config as FastifyContextConfig | undefined)?.foreign;

export function addForeign(
  app: FastifyInstance,
  routes: readonly ForeignRoute[],
  callFor: (request: FastifyRequest) => BoundCall,
): void {
  const add = (to: FastifyInstance, route: ForeignRoute) =>
    to.route({
      method: route.method,
      url: route.path,
      config: { foreign: route },
      onRequest: async (request) => {
        request.door = route.door;
      },
      handler: async (request, reply) => answerForeign(reply, await route.handle(toForeign(request), callFor(request))),
    });
  for (const route of routes) if (!route.streams) add(app, route);
  addStreaming(app, (streaming) => {
    for (const route of routes) if (route.streams) add(streaming, route);
  });
}

export function answerForeign(reply: FastifyReply, { status, headers = {}, body }: ForeignReply): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}

const toForeign = (request: FastifyRequest): ForeignRequest => ({
  params: request.params as Record<string, string>,
  query: request.query as Record<string, string | readonly string[]>,
  headers: request.headers as Record<string, string>,
  origin: originOf(request),
  body: Buffer.isBuffer(request.body) ? request.body : EMPTY,
  stream: request.raw,
});

const EMPTY = Buffer.alloc(0);
