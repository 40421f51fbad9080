/** The pages below `/experiments` and `/registry`, for people: runs that Python programs and steps logged, and the models that came of them. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { BoundCall, Call } from "../guard/index.ts";
import { enter } from "./doors.ts";
import { sendDocument, toLogin } from "./front-page.ts";
import type { Asked } from "./page/experiments/address.ts";
import { comparePage } from "./page/experiments/compare.ts";
import { experimentsPage } from "./page/experiments/list.ts";
import { runPage } from "./page/experiments/run.ts";
import { runsPage } from "./page/experiments/runs.ts";
import { modelsPage } from "./page/registry/list.ts";
import { modelPage } from "./page/registry/model.ts";
import { bound } from "./verb-routes.ts";

type Page = ReturnType<typeof experimentsPage>;
type Named = Readonly<Record<"experiment" | "run" | "model", string>>;

const PAGES: Readonly<Record<string, (call: BoundCall, named: Named, asked: Asked) => Page>> = {
  "/experiments": (call, _, asked) => experimentsPage(call, asked),
  "/experiments/:experiment": (call, { experiment }, asked) => runsPage(call, experiment, asked),
  "/experiments/:experiment/compare": (call, { experiment }, asked) => comparePage(call, experiment, asked),
  "/experiments/:experiment/runs/:run": (call, { run }, asked) => runPage(call, run, asked),
  "/registry": (call, _, asked) => modelsPage(call, asked),
  "/registry/:model": (call, { model }, asked) => modelPage(call, model, asked),
};

export function addExperimentPages(app: FastifyInstance, { call }: { readonly call: Call }): void {
  for (const [path, page] of Object.entries(PAGES))
    app.get(path, { onRequest: enter("page") }, async (request: FastifyRequest, reply) => {
      if (toLogin(request, reply)) return reply;
      const { status, ...document } = await page(bound(call, request), request.params as Named, request.query as Asked);
      return sendDocument(reply.code(status), document);
    });
}
