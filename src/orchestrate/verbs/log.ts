import { formatSpan } from "../../base/index.ts";
import type { OutputOf } from "../../contract/index.ts";
import type { StepRecord } from "../../steps/index.ts";
import type { Workspace } from "../workspace.ts";
import { instant } from "./wire.ts";

type Entry = OutputOf<"log">["entries"][number];

/** What happened to a target (`model/late-arrival`) or in a run, oldest first; the newest `limit` entries. */
export async function logOf(workspace: Workspace, of: string, limit: number): Promise<Entry[]> {
  const entries = of.includes("/") ? await logOfTarget(workspace, of, limit) : await logOfRun(workspace, of);
  return entries.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).slice(-limit);
}

async function logOfRun({ ledger }: Workspace, id: string): Promise<Entry[]> {
  const { run, steps } = await ledger.getRun(id);
  const started = {
    at: instant(run.startedAt),
    what: "run",
    text: `started by ${run.actor}: ${run.targets.join(", ") || "everything"} (${run.reason})`,
  };
  const ended =
    run.endedAt === null
      ? []
      : [{ at: instant(run.endedAt), what: "run", text: run.error ? `${run.state}: ${run.error.message}` : run.state }];
  return [started, ...steps.map(stepEntry), ...ended];
}

async function logOfTarget({ ledger, registry, serving }: Workspace, target: string, limit: number): Promise<Entry[]> {
  const [kind, name] = target.split("/") as [string, string];
  const { items } = await ledger.listSteps({ target, limit });
  const aliases = kind === "model" ? await registry.history(name) : [];
  const served = kind === "endpoint" ? await serving.history(name) : [];
  return [
    ...items.map(stepEntry),
    ...aliases.map(({ alias, version, at, actor, why }) => ({
      at: instant(at),
      what: "alias",
      text: `${alias} is version ${version}: ${why} (${actor})`,
    })),
    ...served.map(({ model, version, at, actor, why }) => ({
      at: instant(at),
      what: "endpoint",
      text: `answers with ${model} version ${version}: ${why} (${actor})`,
    })),
  ];
}

function stepEntry(step: StepRecord): Entry {
  const took = step.wallMs === null ? "" : ` in ${formatSpan(step.wallMs)}`;
  const error = step.error ? `: ${step.error.message}` : "";
  return { at: instant(step.endedAt ?? step.createdAt), what: step.kind, text: `${step.state}${took}${error}` };
}
