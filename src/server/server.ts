/** HTTP: who sends it, what it asks, one verb, the answer. Routes, forms and permissions come from the verb table. */
import type { Server as TlsServer } from "node:https";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { newId } from "../base/index.ts";
import {
  type AccessEntry,
  type Actor,
  type Call,
  type Certificate,
  type Login,
  type OidcLogin,
  STRANGER,
  type Tokens,
} from "../guard/index.ts";
import { type Metrics, mlflowRoutes, openInferenceRoutes } from "../protocols/index.ts";
import { authenticate } from "./authenticate.ts";
import { boundPatience } from "./bytes.ts";
import { accessOf, DATA_PLANE, doorOf, enter, isControl, isStreaming } from "./doors.ts";
import { addExperimentPages } from "./experiment-pages.ts";
import { addForeign, foreignOf } from "./foreign.ts";
import { addPage } from "./front-page.ts";
import { createLimits, type LimitOptions } from "./limits.ts";
import type { Log } from "./log.ts";
import { addLogin, FORMS, headerOf } from "./login.ts";
import { addOpen } from "./open-doors.ts";
import { listenFault } from "./port-holder.ts";
import { BODY_BYTES_MAX } from "./problem.ts";
import { unpack } from "./read-input.ts";
import { createDoorkeeper, isLoopback } from "./strangers.ts";
import { answerProblem, answerTheRest, collectRoutes } from "./the-rest.ts";
import { addVerbs, bound } from "./verb-routes.ts";

export interface ServerOptions {
  readonly call: Call;
  readonly tokens: Pick<Tokens, "bearer">;
  readonly login: Login;
  /** null: people log in with passwords alone. */
  readonly oidc?: OidcLogin | null | undefined;
  /** null: the server speaks http. */
  readonly certificate?: Certificate | null | undefined;
  readonly limits?: LimitOptions | undefined;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Millwright's. */
  readonly version: string;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Told of each request of the data plane, once it is answered. */
  readonly access?: ((entry: AccessEntry) => void) | undefined;
  /** Whether every endpoint is loaded. */
  ready(): { readonly ready: boolean; readonly why?: string };
}

export interface Server {
  /** As in `http://127.0.0.1:4747`. */
  readonly url: string;
  /** Takes no more requests, cancels streams, lets the others finish (10 s at most). */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 10_000;
/** A connection whose last answer was sent during the stop is kept alive by its client: it must be closed then. */
const IDLE_SWEEP_MS = 50;
const REQUEST_TIMEOUT_MS = 60_000;
const REQUEST_ID = /^[\w.-]{1,64}$/;

/** The caller's own id where it sends a fit one, so that its log and ours can be laid side by side. */
const requestId = (sent: string | string[] | undefined): string =>
  typeof sent === "string" && REQUEST_ID.test(sent) ? sent : newId();

declare module "fastify" {
  interface FastifyRequest {
    actor: Actor;
    /** Of the session that says who it is, where one does. */
    cookie: string | undefined;
    /** The verb, or a fixed word for what is none: the label of metrics and logs. */
    door: string;
    startedMs: number;
  }
}

/** Errors: `server.port-taken`, `server.not-listening`. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const stopping = new AbortController();
  const { certificate = null } = options;
  const app = fastify({
    ...(certificate && ({ https: certificate.current() } as object)), // of the same type then: only the way to it differs
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: 0, // of those that stream; the others have theirs from `boundPatience`
    forceCloseConnections: "idle",
    genReqId: ({ headers }) => requestId(headers["x-request-id"]),
    frameworkErrors: (error, request, reply) => answerProblem(error, request, reply, options.log),
    routerOptions: { maxParamLength: 200 },
  });
  app.server.headersTimeout = REQUEST_TIMEOUT_MS;
  const routes = collectRoutes(app);
  prepare(app, options);
  addVerbs(app, options, stopping.signal);
  const watched = options.metrics.watching(options.call);
  addForeign(app, [...openInferenceRoutes(options.version), ...mlflowRoutes()], (request) => bound(watched, request));
  addOpen(app, options);
  addLogin(app, { call: options.call, login: options.login, oidc: options.oidc ?? null, log: options.log, enter });
  addPage(app, options);
  addExperimentPages(app, options);
  answerTheRest(app, routes, options.log);

  const url = await listen(app, options);
  certificate?.onChange((material) => (app.server as unknown as TlsServer).setSecureContext(material));
  return {
    url,
    async stop() {
      stopping.abort();
      const force = setTimeout(() => app.server.closeAllConnections(), STOP_GRACE_MS);
      const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_SWEEP_MS);
      await app.close();
      clearTimeout(force);
      clearInterval(idle);
      options.log.flush();
    },
  };
}

/** What happens to every request, before and after its route. */
function prepare(app: FastifyInstance, options: ServerOptions): void {
  const { host, tokens, login, certificate, metrics, log, access } = options;
  const doorkeeper = createDoorkeeper(host, certificate?.names);
  const loopback = isLoopback(host);
  const limits = createLimits(options.limits);

  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, async (request: FastifyRequest, body: Buffer) =>
    unpack(body, request.headers["content-encoding"]),
  );

  app.decorateRequest("door", "none");
  app.decorateRequest("startedMs", 0);
  app.addHook("onRequest", async (request, reply) => {
    request.startedMs = performance.now();
    if (!isStreaming(request)) boundPatience(request, reply, REQUEST_TIMEOUT_MS);
    reply.headers({ "x-request-id": request.id, "x-content-type-options": "nosniff", "cache-control": "no-store" });
    doorkeeper.admit(request.headers.host, request.headers.origin);
    const { actor, cookie } = await authenticate(request, loopback, { tokens, login }).catch((refused) => {
      limits.stranger(request.ip);
      throw refused;
    });
    request.actor = actor;
    request.cookie = cookie;
    if (actor === STRANGER && !PROBES.has(request.routeOptions.url ?? "")) limits.stranger(request.ip);
    else if (isControl(request)) limits.actor(actor.id);
    if (cookie !== undefined && request.method === "POST" && !FORMS.has(request.routeOptions.url ?? ""))
      login.requireCsrf(cookie, headerOf(request));
  });
  app.addHook("onResponse", async (request, reply) => {
    const ms = performance.now() - request.startedMs;
    metrics.request(request.door, reply.statusCode, ms / 1000);
    const door = request.door === "none" ? doorOf(request) : request.door; // who is turned away at once comes to no door
    if (access && (DATA_PLANE.has(door) || foreignOf(request))) access(accessOf(request, reply, door, ms));
    const level = QUIET.has(request.door) && reply.statusCode < 400 ? "debug" : "info";
    log[level]("request", {
      requestId: request.id,
      method: request.method,
      path: request.routeOptions.url ?? "none",
      door: request.door,
      actor: request.actor?.id,
      status: reply.statusCode,
      ms: Math.round(ms * 100) / 100,
    });
  });
}

const PROBES: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/** What watchers ask again and again. */
const QUIET = new Set(["health", "metrics", "page"]);

async function listen(app: FastifyInstance, { host, port, certificate }: ServerOptions): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw await listenFault(error as NodeJS.ErrnoException, host, port);
  }
  const address = app.server.address() as { port: number };
  return `${certificate ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
}
