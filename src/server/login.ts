/** Where people log in and out: forms for browsers, JSON for programs. The cookie cannot be read by scripts, and no other site can have it sent. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { asMillError, MillError } from "../base/index.ts";
import { codeInfo } from "../contract/index.ts";
import type { Call, Login, OidcLogin } from "../guard/index.ts";
import { clearCookie, OIDC_LOGIN, originOf, readCookie, SESSION, setCookie } from "./cookies.ts";
import type { Log } from "./log.ts";
import { renderEntered, renderLogin, renderSession } from "./page/login.ts";

/** These check the session's token in the field of their form, all else in the header. */
export const FORMS: ReadonlySet<string> = new Set(["/login", "/logout", "/login/password"]);

export interface LoginDoors {
  readonly call: Call;
  readonly login: Login;
  /** null: people log in with passwords alone. */
  readonly oidc: OidcLogin | null;
  readonly log: Log;
  /** Names the door for logs and metrics. */
  enter(door: string): (request: FastifyRequest) => Promise<void>;
}

export function addLogin(app: FastifyInstance, { call, login, oidc, log, enter }: LoginDoors): void {
  const options = { onRequest: enter("login"), bodyLimit: 4096 };

  const sessionOf = async ({ actor, cookie }: FastifyRequest & { readonly cookie: string }) => ({
    ...{ name: actor.id, csrf: login.csrfOf(cookie), hasPassword: await login.hasPassword(actor.id) },
  });

  app.get("/login", options, async (request, reply) =>
    hasSession(request) ? show(reply, renderSession(await sessionOf(request))) : show(reply, renderLogin("", oidc?.name)),
  );

  app.post("/login", options, async (request, reply) => {
    const { fields, isForm } = readFields(request);
    try {
      const { user = "", password = "" } = fields;
      const { cookie, csrf } = await login.begin({ user, password, address: request.ip });
      if (hasSession(request)) await login.end(request.cookie);
      reply.header("set-cookie", setCookie(SESSION, cookie, request));
      return isForm ? reply.redirect("/", 303) : reply.send({ actor: user, csrf });
    } catch (thrown) {
      const error = asMillError(thrown);
      const { status } = codeInfo(error.code);
      if (!isForm || status >= 500) throw thrown;
      return show(retryAfter(reply, error).code(status), renderLogin(error.message, oidc?.name));
    }
  });

  app.post("/login/password", options, async (request, reply) => {
    if (!hasSession(request)) return reply.redirect("/login", 303);
    const { current = "", password = "", csrf } = readFields(request).fields;
    login.requireCsrf(request.cookie, csrf ?? headerOf(request));
    const session = await sessionOf(request);
    try {
      await call(request.actor, "changePassword", { current, password }, { requestId: request.id });
      return show(reply, renderSession(session, { done: "Your password is changed, and your other sessions have ended." }));
    } catch (thrown) {
      const error = asMillError(thrown);
      const { status } = codeInfo(error.code);
      if (status >= 500) throw thrown;
      const why = error.code === "request.invalid" ? `A password is ${error.expected}.` : error.message;
      return show(retryAfter(reply, error).code(status), renderSession(session, { refused: why }));
    }
  });

  app.post("/logout", options, async (request, reply) => {
    const { fields, isForm } = readFields(request);
    if (request.cookie !== undefined) {
      login.requireCsrf(request.cookie, fields.csrf ?? headerOf(request));
      await login.end(request.cookie);
    }
    reply.header("set-cookie", clearCookie(SESSION, request));
    return isForm ? reply.redirect("/login", 303) : reply.send({ ended: request.cookie !== undefined });
  });

  if (oidc !== null) addOidc(app, oidc, { options, log });
}

/** What is wrong is told on the page: a browser stands before it. */
function addOidc(app: FastifyInstance, oidc: OidcLogin, { options, log }: { readonly options: object; readonly log: Log }): void {
  const told = (reply: FastifyReply, thrown: unknown, requestId: string) => {
    const error = asMillError(thrown);
    const { status } = codeInfo(error.code);
    if (error.code === "internal.unexpected") throw thrown;
    log.warn("oidc", { requestId, code: error.code, message: error.message });
    return show(reply.code(status), renderLogin(error.message, oidc.name));
  };

  app.get("/login/oidc", options, async (request, reply) => {
    try {
      const { to, cookie } = await oidc.begin(`${originOf(request)}${CALLBACK}`);
      reply.header("set-cookie", setCookie(OIDC_LOGIN, cookie, request));
      return reply.redirect(to, 303);
    } catch (thrown) {
      return told(reply, thrown, request.id);
    }
  });

  app.get(CALLBACK, options, async (request, reply) => {
    const gone = clearCookie(OIDC_LOGIN, request);
    try {
      const sent = readCookie(OIDC_LOGIN, request);
      const { cookie } = await oidc.finish({ url: request.url, cookie: sent, address: request.ip });
      reply.header("set-cookie", [setCookie(SESSION, cookie, request), gone]);
      return show(reply, renderEntered());
    } catch (thrown) {
      reply.header("set-cookie", gone);
      return told(reply, thrown, request.id);
    }
  });
}

const hasSession = (request: FastifyRequest): request is FastifyRequest & { cookie: string } => request.cookie !== undefined;

const CALLBACK = "/login/oidc/callback";

/** For answers that say when the same may be asked again. */
export function retryAfter(reply: FastifyReply, { retryAfterMs }: MillError): FastifyReply {
  return retryAfterMs === undefined ? reply : reply.header("retry-after", String(Math.ceil(retryAfterMs / 1000)));
}

export const headerOf = ({ headers }: FastifyRequest): string | undefined => {
  const sent = headers["x-csrf-token"];
  return typeof sent === "string" ? sent : undefined;
};

function show(reply: FastifyReply, { html, policy }: { readonly html: string; readonly policy: string }) {
  return reply
    .headers({ "content-security-policy": policy, "referrer-policy": "same-origin" }) // with none a browser would not say whose form it sends
    .type("text/html; charset=utf-8")
    .send(html);
}

/** Errors: `request.media-type`, `request.malformed`. */
function readFields(request: FastifyRequest): { readonly fields: Readonly<Record<string, string>>; readonly isForm: boolean } {
  const type = request.headers["content-type"] ?? "";
  const text = ((request.body as Buffer | undefined) ?? Buffer.alloc(0)).toString("utf8");
  if (/^application\/x-www-form-urlencoded\b/i.test(type))
    return { fields: Object.fromEntries(new URLSearchParams(text)), isForm: true };
  if (text === "") return { fields: {}, isForm: false };
  if (!/^application\/json\b/i.test(type))
    throw new MillError("request.media-type", "A login is a form or JSON.", {
      at: "Content-Type",
      expected: "application/json, or application/x-www-form-urlencoded",
      got: type.slice(0, 60) || "no content type",
      fix: 'Send {"user": "...", "password": "..."} with Content-Type: application/json.',
    });
  const fields = parsed(text);
  if (fields !== null) return { fields, isForm: false };
  throw new MillError("request.malformed", "The login is not an object of texts.", {
    expected: '{"user": "...", "password": "..."}',
    fix: "Correct the body.",
  });
}

function parsed(text: string): Readonly<Record<string, string>> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isTexts =
      typeof value === "object" && value !== null && Object.values(value).every((field) => typeof field === "string");
    return isTexts ? (value as Record<string, string>) : null;
  } catch {
    return null;
  }
}
