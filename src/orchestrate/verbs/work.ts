/** Planning, running, and what was made: plan, run, status, log, diff, graph, runs, steps. */
import { eventQueue } from "../../base/index.ts";
import type { Handlers, OutputOf } from "../../contract/index.ts";
import { copyStanding } from "../../ports/records/index.ts";
import { areDefinitions, definitionDifferences } from "../definitions/differences.ts";
import { definitionsNamed, requireSameSteps } from "../definitions/versions.ts";
import { forecastPlan } from "../forecast/forecast.ts";
import { hindsight } from "../forecast/hindsight.ts";
import { buildGraph, selectNodes } from "../graph.ts";
import { makePlan, type PlannedStep } from "../plan.ts";
import { CONCURRENCY, runTargets } from "../run-targets.ts";
import { schedulesOf } from "../schedules/standing.ts";
import { allTargets, nodeTargets, standingOf } from "../targets.ts";
import type { Workspace } from "../workspace.ts";
import { differences } from "./diff.ts";
import { datasetOfBoth, rowDifferences } from "./diff-rows.ts";
import { logOf } from "./log.ts";
import { outsideOf } from "./outside.ts";
import { reproduce } from "./reproduce.ts";
import { scheduleSummary } from "./schedules.ts";
import { statusOf } from "./status.ts";
import { versionNamed } from "./version-named.ts";
import { copySummary, forecastOnWire, instant, pageOf, pauseSummary, placeOf, runSummary, stepSummary } from "./wire.ts";

type WorkVerbs = Pick<
  Handlers,
  "plan" | "run" | "status" | "log" | "diff" | "graph" | "listRuns" | "getRun" | "listSteps" | "getStep" | "reproduce"
>;

export function workVerbs(workspace: Workspace): WorkVerbs {
  const { ledger } = workspace;
  const planned = async (targets: readonly string[] = [], definitions?: string) => {
    const { version, project } = await definitionsNamed(workspace, definitions);
    const nodes = selectNodes(buildGraph(project, ledger.environment), nodeTargets(project, targets));
    if (definitions !== undefined) await requireSameSteps(workspace, version, nodes);
    const outside = outsideOf(workspace, project);
    return { project, outside, plan: await makePlan(nodes, outside, ledger) };
  };

  return {
    async plan({ targets, on, definitions }) {
      const engine = on && ledger.engineFor(on);
      const { project, outside, plan } = await planned(targets, definitions);
      if (plan.error) throw plan.error;
      const forecast = await forecastPlan(workspace, { project, outside }, plan.steps, CONCURRENCY);
      const foretold = new Map(forecast.steps.map(({ node, forecast }) => [node.id, forecast]));
      const seen = await hindsight(workspace.records);
      return {
        steps: plan.steps.map(({ node: { id, target, kind }, key, state, why }) => {
          const expected = foretold.get(id);
          const runs = state === "run" || state === "waiting";
          return {
            id,
            target,
            kind,
            key,
            state,
            why,
            ...(engine && runs && { on: engine }),
            ...(expected && { forecast: expected }),
          };
        }),
        forecast: forecastOnWire(forecast),
        ...(seen && { hindsight: seen }),
      };
    },

    run: ({ targets = [], reason = "asked", on, definitions }, context) => {
      const queue = eventQueue<OutputOf<"run">>();
      const asked = { targets, reason, ...(on && { on }), ...(definitions && { definitions }) };
      void queue.closeWith(runTargets(workspace, asked, context, queue.push));
      return queue.events;
    },

    async status({ target }) {
      const { project, plan } = await planned(target ? [target] : []);
      const asked = target ? standingOf(project, target) : allTargets(project);
      const running = await ledger.listRuns({ limit: 10, state: "running" });
      const steps = await Promise.all((["running", "queued"] as const).map((state) => ledger.listSteps({ state })));
      const [pauses, copy] = [await ledger.listPauses(), await copyStanding(workspace.records)];
      const seen = await hindsight(workspace.records);
      return {
        targets: await Promise.all(asked.map((one) => statusOf(workspace, project, plan.steps, one))),
        running: running.items.map(runSummary),
        steps: steps.flatMap(({ items }) => items).map(stepSummary),
        pools: Object.entries(ledger.pools).map(([name, places]) => ({ name, places })),
        pauses: pauses.map(pauseSummary),
        ...(copy && { copy: copySummary(copy) }),
        ...(seen && { hindsight: seen }),
        ...(!target && project.schedules.size > 0 && { schedules: (await schedulesOf(workspace)).map(scheduleSummary) }),
      };
    },

    async log({ of, limit = 100 }) {
      const entries = await logOf(workspace, of, limit);
      if (entries.length === 0) nodeTargets(await workspace.project(), [of]); // what is no longer defined still has its history
      return { entries };
    },

    async diff({ a, b }) {
      if (await areDefinitions(workspace, a, b)) return { a, b, ...(await definitionDifferences(workspace, a, b)) };
      const dataset = await datasetOfBoth(workspace, a, b);
      if (dataset !== null) return { a, b, ...(await rowDifferences(workspace, dataset, a, b)) };
      const [first, second] = [await versionNamed(workspace.registry, a), await versionNamed(workspace.registry, b)];
      const found = await differences(workspace, first, second);
      return { a, b, same: found.length === 0, differences: found };
    },

    async graph() {
      const { plan, project } = await planned();
      const nodes = await Promise.all(plan.steps.map((step) => graphNode(workspace, step)));
      const served = await workspace.serving.deployed();
      const endpoints = [...project.endpoints.values()].map(({ name }) => {
        const at = served.find((one) => one.name === name);
        return {
          id: `endpoint/${name}`,
          target: `endpoint/${name}`,
          kind: "endpoint",
          state: at ? ("current" as const) : ("waiting" as const),
          detail: at ? `answers with version ${at.version}` : "its model has not passed its gate yet",
          wallMs: null,
        };
      });
      const needs = plan.steps.flatMap(({ node }) => node.needs.map((need) => ({ from: need, to: node.id })));
      const serves = [...project.endpoints.values()].map(({ name, serves }) => ({
        from: `model/${serves.name}:gate`,
        to: `endpoint/${name}`,
      }));
      return { nodes: [...nodes, ...endpoints], edges: [...needs, ...serves] };
    },

    listRuns: async (page) => pageOf(await ledger.listRuns(page), runSummary),
    async getRun({ id }) {
      const { run, steps } = await ledger.getRun(id);
      return { run: runSummary(run), steps: steps.map(stepSummary) };
    },
    reproduce: ({ id }, context) => {
      const queue = eventQueue<OutputOf<"reproduce">>();
      void queue.closeWith(reproduce(workspace, id, context, queue.push));
      return queue.events;
    },
    listSteps: async (page) => pageOf(await ledger.listSteps(page), stepSummary),
    async getStep({ id }) {
      const { step, attempts, manifest } = await ledger.getStep(id);
      return {
        ...stepSummary(step),
        input: step.input,
        manifest,
        attempts: attempts.map(({ fence, engine, job, startedAt, endedAt, outcome, meters }) => ({
          fence,
          engine,
          ...(job !== null && { job }),
          startedAt: instant(startedAt),
          endedAt: endedAt === null ? null : instant(endedAt),
          outcome,
          meters,
        })),
      };
    },
  };
}

async function graphNode({ ledger }: Workspace, { node, state, why }: PlannedStep) {
  const last = await ledger.lastOf(node.target, node.kind);
  const { id, target, kind } = node;
  return { id, target, kind, state, detail: why, ...(last && placeOf(last)), wallMs: last?.wallMs ?? null };
}
