/** What is open to all, wherever the server is bound: it tells nothing but health and counts. */
import type { FastifyInstance } from "fastify";
import { asMillError } from "../base/index.ts";
import type { OutputOf } from "../contract/index.ts";
import type { BoundCall } from "../guard/index.ts";
import { enter } from "./doors.ts";
import type { Log } from "./log.ts";
import { openApi } from "./openapi.ts";
import type { ServerOptions } from "./server.ts";
import { bound } from "./verb-routes.ts";

export function addOpen(
  app: FastifyInstance,
  { call, ready, metrics, version, log }: Pick<ServerOptions, "call" | "ready" | "metrics" | "version" | "log">,
): void {
  app.get("/healthz", { onRequest: enter("health") }, async () => ({ alive: true }));
  app.get("/readyz", { onRequest: enter("health") }, async (_, reply) => {
    const state = ready();
    return reply.code(state.ready ? 200 : 503).send(state);
  });
  app.get("/metrics", { onRequest: enter("metrics") }, async (_, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
  app.get("/openapi.json", { onRequest: enter("openapi") }, async (request) =>
    openApi(version, await endpointsSeenBy(bound(call, request), log)),
  );
}

/** Someone who may not look gets the document without the project's own endpoints. */
async function endpointsSeenBy(call: BoundCall, log: Log): Promise<OutputOf<"getEndpoint">[]> {
  try {
    const { items } = await call("listEndpoints", { limit: 1000 });
    return await Promise.all(items.filter(({ ready }) => ready).map(({ name }) => call("getEndpoint", { name })));
  } catch (error) {
    log.debug("openapi-without-endpoints", { code: asMillError(error).code });
    return [];
  }
}
