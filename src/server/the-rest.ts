/** What no route answers: errors, unknown paths, and known paths with another method. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { MillError } from "../base/index.ts";
import { answerForeign, foreignOf } from "./foreign.ts";
import { sendProblemPage, wantsPage } from "./front-page.ts";
import type { Log } from "./log.ts";
import { retryAfter } from "./login.ts";
import { PROBLEM_TYPE, toMillError, toProblem } from "./problem.ts";

interface KnownRoute {
  readonly method: string;
  readonly pattern: RegExp;
}

export function collectRoutes(app: FastifyInstance): readonly KnownRoute[] {
  const routes: KnownRoute[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    const pattern = new RegExp(`^${url.replaceAll(".", "\\.").replaceAll(/:\w+/g, "[^/]+")}$`);
    for (const one of [method].flat()) routes.push({ method: one, pattern });
  });
  return routes;
}

export function answerTheRest(app: FastifyInstance, routes: readonly KnownRoute[], log: Log): void {
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

export function answerProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): void {
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
  if (wantsPage(request)) return void sendProblemPage(reply, problem);
  reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}
