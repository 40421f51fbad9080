/** Planning, running, and what was made: plan, run, status, log, diff, graph, runs, steps. */
import { asMillError, createQueues, type Digest, didYouMean, errorToJson, MillError } from "../../base/index.ts";
import type { CallContext, Handlers, OutputOf } from "../../contract/index.ts";
import type { Project } from "../../define/index.ts";
import { buildGraph, selectNodes } from "../graph.ts";
import { makePlan, type PlannedStep } from "../plan.ts";
import { publish } from "../publish.ts";
import { runGraph } from "../run.ts";
import type { Workspace } from "../workspace.ts";
import { differences } from "./diff.ts";
import { eventQueue } from "./event-queue.ts";
import { logOf } from "./log.ts";
import { outsideOf } from "./outside.ts";
import { statusOf } from "./status.ts";
import { instant, pageOf, runSummary, stepSummary } from "./wire.ts";

type WorkVerbs = Pick<
  Handlers,
  "plan" | "run" | "status" | "log" | "diff" | "graph" | "listRuns" | "getRun" | "listSteps" | "getStep"
>;

/** Steps at a time: the second fills the pauses of the first. */
const CONCURRENCY = 2;

export function workVerbs(workspace: Workspace): WorkVerbs {
  const { ledger } = workspace;
  /** Runs at the same time look at the world and change it one after the other. */
  const inLine = createQueues();

  const selected = async (targets: readonly string[] = []) => {
    const project = await workspace.project();
    return { project, nodes: selectNodes(buildGraph(project, ledger.environment), nodeTargets(project, targets)) };
  };

  const planned = async (targets?: readonly string[]) => {
    const { project, nodes } = await selected(targets);
    return { project, plan: await makePlan(nodes, outsideOf(workspace, project), ledger) };
  };

  return {
    async plan({ targets }) {
      const { plan } = await planned(targets);
      if (plan.error) throw plan.error;
      return {
        steps: plan.steps.map(({ node, key, state, why }) => ({
          id: node.id,
          target: node.target,
          kind: node.kind,
          key,
          state,
          why,
        })),
      };
    },

    run: ({ targets = [], reason = "asked" }, context) => {
      const queue = eventQueue<OutputOf<"run">>();
      const publishNode: Publish = (...of) => inLine("publish", () => publish(...of));
      void queue.closeWith(runTargets(workspace, { targets, reason, publishNode }, context, queue.push));
      return queue.events;
    },

    async status({ target }) {
      const { project, plan } = await planned(target ? [target] : []);
      const asked = target ? standingOf(project, target) : allTargets(project);
      const running = await ledger.listRuns({ limit: 10, state: "running" });
      return {
        targets: await Promise.all(asked.map((one) => statusOf(workspace, project, plan.steps, one))),
        running: running.items.map(runSummary),
      };
    },

    async log({ of, limit = 100 }) {
      const entries = await logOf(workspace, of, limit);
      if (entries.length === 0) nodeTargets(await workspace.project(), [of]); // what is no longer defined still has its history
      return { entries };
    },

    async diff({ a, b }) {
      const [first, second] = [await versionNamed(workspace, a), await versionNamed(workspace, b)];
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
    listSteps: async (page) => pageOf(await ledger.listSteps(page), stepSummary),
    async getStep({ id }) {
      const { step, attempts, manifest } = await ledger.getStep(id);
      return {
        ...stepSummary(step),
        input: step.input,
        manifest,
        attempts: attempts.map(({ fence, engine, startedAt, endedAt, outcome, meters }) => ({
          fence,
          engine,
          startedAt: instant(startedAt),
          endedAt: endedAt === null ? null : instant(endedAt),
          outcome,
          meters,
        })),
      };
    },
  };

  async function versionNamed({ registry }: Workspace, text: string) {
    const [model, version] = text.split("@");
    if (model && version) return registry.version(model, version);
    throw new MillError("request.bad-version", `"${text}" names no version.`, {
      expected: "NAME@VERSION or NAME@ALIAS, as in late-arrival@champion",
      got: text,
      fix: `Write ${model || "NAME"}@champion, or a number after the @.`,
    });
  }
}

type Publish = typeof publish;

interface AskedRun {
  readonly targets: readonly string[];
  readonly reason: string;
  readonly publishNode: Publish;
}

async function runTargets(
  workspace: Workspace,
  { targets, reason, publishNode }: AskedRun,
  context: CallContext,
  push: (event: OutputOf<"run">) => void,
): Promise<void> {
  const { ledger } = workspace;
  const project = await workspace.project();
  const nodes = selectNodes(buildGraph(project, ledger.environment), nodeTargets(project, targets));
  const run = await ledger.startRun({ actor: context.actor, targets: [...targets], reason });
  push({ event: "run-started", run, targets: [...targets], steps: nodes.length });
  const keys = new Map<string, Digest>();
  const running = runGraph(nodes, {
    ledger,
    outside: outsideOf(workspace, project),
    threads: workspace.threads,
    memoryMb: workspace.memoryMb,
    concurrency: CONCURRENCY,
    runId: run,
    signal: context.signal,
    keys,
    publish: (node, results) => publishNode(project, node, keys, results, { ...workspace, actor: context.actor }),
    emit: (event) => push(event.event === "step-failed" ? { ...event, error: errorToJson(event.error) } : event),
  });
  const result = await running
    .then(async (done) => {
      await workspace.serving.refresh();
      return done;
    })
    .catch((thrown) => ({ state: "failed" as const, ran: 0, current: 0, wallMs: 0, refusals: [], error: asMillError(thrown) }));
  const error = result.error ? errorToJson(result.error) : undefined;
  await ledger.endRun(run, { state: result.state, ...(error ? { error } : {}) });
  const { state, ran, current, wallMs, refusals } = result;
  push({ event: "run-finished", run, state, ran, current, wallMs, refusals: [...refusals], ...(error ? { error } : {}) });
}

/** Targets that have steps: an endpoint's are its model's, a feature set's those of its data set, a problem's those of the models that solve it. */
function nodeTargets(project: Project, targets: readonly string[]): string[] {
  return targets.flatMap((target) => {
    const [kind, name] = target.split("/") as [string, string];
    if (kind === "dataset" && project.datasets.has(name)) return [target];
    if (kind === "model" && project.models.has(name)) return [target];
    const endpoint = kind === "endpoint" && project.endpoints.get(name);
    if (endpoint) return [`model/${endpoint.serves.name}`];
    const features = kind === "features" && project.features.get(name);
    if (features) return [`dataset/${features.from.name}`];
    if (kind === "problem" && project.problems.has(name)) {
      return [...project.models.values()].filter((model) => model.solves.name === name).map((model) => `model/${model.name}`);
    }
    throw new MillError(
      "request.unknown-target",
      `There is no ${target} in the project.${didYouMean(target, allTargets(project))}`,
      {
        expected: allTargets(project).join(", "),
        got: target,
        fix: "Name what mill.ts exports, as in model/late-arrival.",
      },
    );
  });
}

/** The targets whose standing answers for a target: those of a problem are its models, that of a feature set its data set. */
const standingOf = (project: Project, target: string) =>
  /^(problem|features)\//.test(target) ? nodeTargets(project, [target]) : [target];

async function graphNode({ ledger }: Workspace, { node, state, why }: PlannedStep) {
  const last = await ledger.lastOf(node.target, node.kind);
  return { id: node.id, target: node.target, kind: node.kind, state, detail: why, wallMs: last?.wallMs ?? null };
}

const allTargets = (project: Project) =>
  (["datasets", "models", "endpoints"] as const).flatMap((kinds) =>
    [...project[kinds].keys()].map((name) => `${kinds.slice(0, -1)}/${name}`),
  );
