/** One run as a caller sees it: recorded, its steps run and published, the endpoints that changed loaded. */
import { asMillError, type Digest, errorToJson } from "../base/index.ts";
import type { CallContext, OutputOf } from "../contract/index.ts";
import { definitionsNamed, requireSameSteps, runStatement } from "./definitions/versions.ts";
import { forecastPlan, forecastStatements } from "./forecast/forecast.ts";
import { buildGraph, selectNodes } from "./graph.ts";
import { runPartitions } from "./partitions/run-node.ts";
import { placesOf } from "./partitions/take-in.ts";
import { makePlan } from "./plan.ts";
import { publish } from "./publish.ts";
import { publishLine } from "./rollout.ts";
import { runGraph } from "./run.ts";
import { nodeTargets } from "./targets.ts";
import { outsideOf } from "./verbs/outside.ts";
import { forecastOnWire } from "./verbs/wire.ts";
import type { Workspace } from "./workspace.ts";

export type RunLine = OutputOf<"run">;
export type RunFinished = Extract<RunLine, { event: "run-finished" }>;

export interface AskedRun {
  readonly targets: readonly string[];
  readonly reason: string;
  /** Engine of its steps; default: the first. */
  readonly on?: string;
  /** Version of the definitions to go by, or the id of a run that did; default: what mill.ts says now. */
  readonly definitions?: string;
  /** Leaves a core to the answers: takes longer. */
  readonly beside?: true;
  /** Done when the run is recorded and before anything is planned: what it runs on may change here. */
  prepare?(runId: string): Promise<void>;
}

/** Steps at a time: the second fills the pauses of the first. */
export const CONCURRENCY = 2;

/** Errors (thrown) only before the run is recorded, as for an unknown target, engine or version of the definitions; a run that fails is a result. */
export async function runTargets(
  workspace: Workspace,
  { targets, reason, beside, prepare, ...asked }: AskedRun,
  context: Pick<CallContext, "actor" | "signal">,
  push: (event: RunLine) => void,
): Promise<RunFinished> {
  const { ledger } = workspace;
  const on = ledger.engineFor(asked.on);
  const definitions = await definitionsNamed(workspace, asked.definitions);
  const { version, project } = definitions;
  const graph = buildGraph(project, ledger.environment);
  const nodes = selectNodes(graph, nodeTargets(project, targets));
  const isCurrent = asked.definitions === undefined;
  if (!isCurrent) await requireSameSteps(workspace, version, nodes);
  const kinds = graph.map(({ kind }) => kind);
  await workspace.records.commit([runStatement(workspace, definitions, { actor: context.actor, isCurrent, kinds })]);
  const run = await ledger.startRun({ actor: context.actor, targets: [...targets], reason, definitions: version });
  push({ event: "run-started", run, targets: [...targets], steps: nodes.length, on });
  const keys = new Map<string, Digest>();
  const running = async () => {
    await prepare?.(run);
    const outside = outsideOf(workspace, project);
    const concurrency = beside ? 1 : CONCURRENCY;
    const { steps } = await makePlan(nodes, outside, ledger);
    const forecast = await forecastPlan(workspace, { project, outside }, steps, concurrency);
    await workspace.records.commit(forecastStatements(run, forecast));
    if (forecast.steps.length > 0) push({ event: "forecast", forecast: forecastOnWire(forecast) });
    const surroundings = {
      threads: beside ? Math.max(1, workspace.threads - 1) : workspace.threads,
      memoryMb: workspace.memoryMb,
      on,
      runId: run,
      signal: context.signal,
    };
    const places = Math.max(1, beside ? placesOf(workspace) - 1 : placesOf(workspace));
    const done = await runGraph(nodes, {
      ...{ ledger, outside, concurrency, keys },
      ...surroundings,
      takeIn: (node, onProgress) =>
        runPartitions(node, outside, workspace, { ...surroundings, folder: project.folder, places, onProgress }),
      publish: (node, results) =>
        publishLine(workspace, () => publish(project, node, keys, results, { ...workspace, actor: context.actor })),
      emit: (event) => push(event.event === "step-failed" ? { ...event, error: errorToJson(event.error) } : event),
    });
    await workspace.serving.refresh();
    return done;
  };
  const result = await running().catch((thrown) => ({
    ...{ state: "failed" as const, ran: 0, current: 0, wallMs: 0, refusals: [] },
    error: asMillError(thrown),
  }));
  const error = result.error ? errorToJson(result.error) : undefined;
  await ledger.endRun(run, { state: result.state, ...(error ? { error } : {}) });
  const { state, ran, current, wallMs, refusals } = result;
  const finished: RunFinished = {
    ...{ event: "run-finished", run, state, ran, current, wallMs },
    refusals: [...refusals],
    ...(error ? { error } : {}),
  };
  push(finished);
  return finished;
}
