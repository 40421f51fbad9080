/** The page at `/`: the overview, or what keeps it from being drawn. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Call, mayDo } from "../guard/index.ts";
import { originOf } from "./cookies.ts";
import { enter } from "./doors.ts";
import { daysAskedFor } from "./page/monitor.ts";
import { readOverview } from "./page/overview.ts";
import { renderPage } from "./page/page.ts";
import { renderProblem } from "./page/problem-page.ts";
import type { Problem } from "./problem.ts";
import { bound } from "./verb-routes.ts";

export function addPage(app: FastifyInstance, { call, version }: { readonly call: Call; readonly version: string }): void {
  app.get("/", { onRequest: enter("page") }, async (request, reply) => {
    if (toLogin(request, reply)) return reply;
    const overview = await readOverview(bound(call, request), daysAskedFor(request.query));
    return sendDocument(reply, renderPage(overview, { version, address: originOf(request) }));
  });
}

/** Sends a person who may not look, and may yet log in, to where one does. */
export function toLogin(request: FastifyRequest, reply: FastifyReply): boolean {
  const sent = request.actor.anonymous === true && !mayDo(request.actor, "read") && acceptsHtml(request);
  if (sent) reply.redirect("/login", 303);
  return sent;
}

/** To somebody who sees it: others get the problem as it is. */
export const wantsPage = (request: FastifyRequest) => request.door === "page" && acceptsHtml(request);

export const sendProblemPage = (reply: FastifyReply, problem: Problem) =>
  sendDocument(reply.code(problem.status), renderProblem(problem));

export const sendDocument = (reply: FastifyReply, { html, policy }: ReturnType<typeof renderPage>) =>
  reply
    .headers({ "content-security-policy": policy, "referrer-policy": "no-referrer" })
    .type("text/html; charset=utf-8")
    .send(html);

const acceptsHtml = ({ headers }: FastifyRequest) => headers.accept?.includes("text/html") === true;
