/** HTTP: who sends it, what it asks, one verb, the answer. Routes, forms and permissions come from the verb table. */
import type { Server as TlsServer } from "node:https";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { asMillError, MillError, newId } from "../base/index.ts";
import { type OutputOf, VERBS, type Verb, type VerbName } from "../contract/index.ts";
import {
  type AccessEntry,
  type Actor,
  type BoundCall,
  type Call,
  type CallOptions,
  type Certificate,
  type Login,
  mayDo,
  type OidcLogin,
  STRANGER,
  type Tokens,
} from "../guard/index.ts";
import { type Metrics, mlflowRoutes, openInferenceRoutes } from "../protocols/index.ts";
import { authenticate } from "./authenticate.ts";
import { addStreaming, boundPatience, sendBytes } from "./bytes.ts";
import { addForeign, answerForeign, foreignOf } from "./foreign.ts";
import { createLimits, type LimitOptions } from "./limits.ts";
import { sendLines } from "./lines.ts";
import type { Log } from "./log.ts";
import { addLogin, FORMS, headerOf, retryAfter } from "./login.ts";
import { openApi } from "./openapi.ts";
import { daysAskedFor } from "./page/monitor.ts";
import { readOverview } from "./page/overview.ts";
import { renderPage } from "./page/page.ts";
import { listenFault } from "./port-holder.ts";
import { BODY_BYTES_MAX, PROBLEM_TYPE, toMillError, toProblem } from "./problem.ts";
import { readInput, unpack } from "./read-input.ts";
import { createDoorkeeper, isLoopback } from "./strangers.ts";

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
  addForeign(app, [...openInferenceRoutes(options.version), ...mlflowRoutes()], (request) =>
    bound(options.metrics.watching(options.call), request),
  );
  addOpen(app, options);
  addLogin(app, { call: options.call, login: options.login, oidc: options.oidc ?? null, log: options.log, enter });
  addPage(app, options);
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
    const { actor, cookie } = await authenticate(request.headers, loopback, { tokens, login }).catch((refused) => {
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

const DOORS: ReadonlyMap<string, string> = new Map(
  Object.entries<Verb>(VERBS).map(([name, { http }]) => [`${http.method} ${http.path}`, name]),
);
const TAKES_BYTES: ReadonlySet<string> = new Set(
  Object.values<Verb>(VERBS).flatMap(({ bytes, http }) => (bytes === "in" ? [`${http.method} ${http.path}`] : [])),
);
const CONTROL: ReadonlySet<string> = new Set(
  Object.values<Verb>(VERBS).flatMap(({ plane, http }) => (plane === "data" ? [] : [`${http.method} ${http.path}`])),
);

const DATA_PLANE: ReadonlySet<string> = new Set([
  ...Object.entries<Verb>(VERBS).flatMap(([name, { plane }]) => (plane === "data" ? [name] : [])),
  "metrics",
]);

const isControl = (request: FastifyRequest): boolean => foreignOf(request)?.plane === "control" || CONTROL.has(routeOf(request));
const isStreaming = (request: FastifyRequest): boolean =>
  foreignOf(request)?.streams === true || TAKES_BYTES.has(routeOf(request));
const routeOf = ({ method, routeOptions }: FastifyRequest): string => `${method} ${routeOptions.url}`;
const doorOf = (request: FastifyRequest): string => foreignOf(request)?.door ?? DOORS.get(routeOf(request)) ?? "none";

function accessOf(request: FastifyRequest, reply: FastifyReply, verb: string, ms: number): AccessEntry {
  const { name } = (request.params ?? {}) as { readonly name?: string };
  const lengths = [request.headers["content-length"], reply.getHeader("content-length")];
  return {
    requestId: request.id,
    actor: request.actor?.id ?? null,
    verb,
    target: name ?? null,
    status: reply.statusCode,
    bytes: lengths[1] === undefined ? null : Math.max(...lengths.map((length) => Number(length ?? 0))),
    ms: Math.round(ms * 100) / 100,
  };
}

/** What watchers ask again and again. */
const QUIET = new Set(["health", "metrics", "page"]);

const enter = (door: string) => async (request: FastifyRequest) => {
  request.door = door;
};

function addVerbs(app: FastifyInstance, { call: unwatched, metrics }: ServerOptions, stopping: AbortSignal): void {
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

const bound = (call: Call, { actor, id }: FastifyRequest): BoundCall =>
  ((verb: VerbName, input: unknown, options: CallOptions = {}) =>
    call(actor, verb, input, { ...options, requestId: id })) as BoundCall;

/** Open to all, wherever the server is bound: they tell nothing but health and counts. */
function addOpen(app: FastifyInstance, { call, ready, metrics, version, log }: ServerOptions): void {
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

function addPage(app: FastifyInstance, { call, version }: ServerOptions): void {
  app.get("/", { onRequest: enter("page") }, async (request, reply) => {
    if (request.actor.anonymous && !mayDo(request.actor, "read") && acceptsHtml(request)) return reply.redirect("/login", 303);
    const { html, policy } = renderPage(await readOverview(bound(call, request), daysAskedFor(request.query)), {
      version,
      address: `${request.protocol}://${request.headers.host}`,
    });
    return reply
      .headers({ "content-security-policy": policy, "referrer-policy": "no-referrer" })
      .type("text/html; charset=utf-8")
      .send(html);
  });
}

const acceptsHtml = ({ headers }: FastifyRequest) => headers.accept?.includes("text/html") === true;

interface KnownRoute {
  readonly method: string;
  readonly pattern: RegExp;
}

function collectRoutes(app: FastifyInstance): readonly KnownRoute[] {
  const routes: KnownRoute[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    const pattern = new RegExp(`^${url.replaceAll(".", "\\.").replaceAll(/:\w+/g, "[^/]+")}$`);
    for (const one of [method].flat()) routes.push({ method: one, pattern });
  });
  return routes;
}

/** Errors, unknown paths, and known paths with another method. */
function answerTheRest(app: FastifyInstance, routes: readonly KnownRoute[], log: Log): void {
  app.setErrorHandler((error, request, reply) => answerProblem(error, request, reply, log));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?", 1)[0]!;
    const at = path.slice(0, 200);
    const allowed = [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))].sort();
    if (allowed.length === 0) {
      throw new MillError("request.unknown-path", `There is nothing at ${at}.`, {
        at,
        fix: "GET /openapi.json lists what there is.",
      });
    }
    reply.header("allow", allowed.join(", "));
    throw new MillError("request.method", `${request.method} is not for ${at}.`, {
      at,
      expected: allowed.join(", "),
      got: request.method,
      fix: "Use one of these methods.",
    });
  });
}

function answerProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): void {
  const error = toMillError(thrown);
  const problem = toProblem(error, request.id);
  const foreign = foreignOf(request)?.fail(error);
  const fault = { requestId: request.id, code: error.code, message: error.message };
  if (problem.status === 500) log.error("fault", { ...fault, stack: ((error.cause as Error | undefined) ?? error).stack });
  else if (problem.status > 500) log.warn("fault", fault); // the machine's state, such as a full disk, and no riddle
  if (problem.status === 401)
    reply.header("www-authenticate", 'Bearer realm="millwright", Basic realm="millwright", charset="UTF-8"');
  retryAfter(reply, error).header("x-request-id", request.id);
  if (foreign) return void answerForeign(reply, foreign);
  reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

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
