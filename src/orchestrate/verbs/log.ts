import { formatMoment, formatSpan, isId, shortDigest } from "../../base/index.ts";
import { type OutputOf, placeText } from "../../contract/index.ts";
import type { RunRecord, StepRecord } from "../../steps/index.ts";
import { type Foretold, foretoldOf } from "../forecast/hindsight.ts";
import { retrainingsOf } from "../retrainings.ts";
import type { Workspace } from "../workspace.ts";
import { instant, placeOf } from "./wire.ts";

type Entry = OutputOf<"log">["entries"][number];

/** What happened to a target (`model/late-arrival`), in a run, or to all that has a name, oldest first; the newest `limit` entries. */
export async function logOf(workspace: Workspace, of: string, limit: number): Promise<Entry[]> {
  const entries = await entriesOf(workspace, of, limit);
  return entries.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).slice(-limit);
}

function entriesOf(workspace: Workspace, of: string, limit: number): Promise<Entry[]> {
  if (of.includes("/")) return logOfTarget(workspace, of, limit);
  return isId(of) ? logOfRun(workspace, of) : storyOf(workspace, of, limit);
}

/** The model and the endpoint of a name: runs as a whole, versions, and what happened while it served. Retrainings tell of their runs themselves. */
async function storyOf({ ledger, records, registry, story }: Workspace, name: string, limit: number): Promise<Entry[]> {
  const { items } = await ledger.listSteps({ target: `model/${name}`, limit: 1000 });
  const retold = new Set((await retrainingsOf(records, name, 1000)).map(({ runId }) => runId));
  const runIds = new Set(items.flatMap(({ runId }) => (runId === null || retold.has(runId) ? [] : [runId])));
  const runs = await Promise.all([...runIds].map((id) => ledger.getRun(id)));
  const told = await story.of(name, limit);
  return [
    ...runs.map(({ run, steps }) => runEntry(run, steps)),
    ...(told.length > 0 ? [] : (await registry.history(name)).map(aliasEntry)), // an endpoint tells of them in its own words
    ...told.map(({ at, asOf, what, text }) => ({
      ...{ at: instant(at), what, text },
      ...(asOf === null ? {} : { asOf: formatMoment(asOf) }),
    })),
  ];
}

function runEntry({ id, actor, reason, state, startedAt, endedAt, error }: RunRecord, steps: readonly StepRecord[]): Entry {
  const made = new Set(steps.filter((step) => step.state === "succeeded").map(({ kind }) => kind));
  const took = endedAt === null ? "" : ` in ${formatSpan(endedAt - startedAt)}`;
  const text = `${state}${took}: ${[...made].join(", ") || "no step"}${error ? `; ${error.message}` : ""} (${actor}: ${reason}; run ${id})`;
  return { at: instant(endedAt ?? startedAt), what: "run", text };
}

async function logOfRun({ ledger, records }: Workspace, id: string): Promise<Entry[]> {
  const { run, steps } = await ledger.getRun(id);
  const foretold = await foretoldOf(records, id);
  const by = run.definitions === null ? "" : `, by definitions ${shortDigest(run.definitions)}`;
  const started = {
    at: instant(run.startedAt),
    what: "run",
    text: `started by ${run.actor}: ${run.targets.join(", ") || "everything"} (${run.reason})${by}`,
  };
  const ended = run.endedAt === null ? [] : [{ at: instant(run.endedAt), what: "run", text: endText(run, foretold.get(":run")) }];
  return [started, ...steps.map((step) => stepEntry(step, foretold.get(`${step.target}:${step.kind}`))), ...ended];
}

function endText({ state, error, startedAt, endedAt }: RunRecord, foretold: Foretold | undefined): string {
  const took = foretold && endedAt !== null ? ` in ${formatSpan(endedAt - startedAt)}${expectedText(foretold)}` : "";
  return `${state}${took}${error ? `: ${error.message}` : ""}`;
}

const expectedText = ({ wallMs, lowMs, highMs }: Foretold) =>
  ` (expected ${formatSpan(wallMs)}, ${formatSpan(lowMs)} to ${formatSpan(highMs)})`;

async function logOfTarget({ ledger, registry, serving }: Workspace, target: string, limit: number): Promise<Entry[]> {
  const [kind, name] = target.split("/") as [string, string];
  const { items } = await ledger.listSteps({ target, limit });
  const aliases = kind === "model" ? await registry.history(name) : [];
  const served = kind === "endpoint" ? await serving.history(name) : [];
  return [
    ...items.map((step) => stepEntry(step)),
    ...aliases.map(aliasEntry),
    ...served.map(({ model, version, at, actor, why }) => ({
      at: instant(at),
      what: "endpoint",
      text: `answers with ${model} version ${version}: ${why} (${actor})`,
    })),
  ];
}

const aliasEntry = ({
  alias,
  version,
  held,
  at,
  actor,
  why,
}: Awaited<ReturnType<Workspace["registry"]["history"]>>[number]): Entry => ({
  at: instant(at),
  what: "alias",
  text: `${alias} is ${held ? "" : "no longer "}version ${version}: ${why} (${actor})`,
});

function stepEntry(step: StepRecord, foretold?: Foretold): Entry {
  const took = step.wallMs === null ? "" : ` in ${formatSpan(step.wallMs)}${foretold ? expectedText(foretold) : ""}`;
  const error = step.error ? `: ${step.error.message}` : "";
  return {
    at: instant(step.endedAt ?? step.createdAt),
    what: step.kind,
    text: `${step.state}${placeText(placeOf(step))}${took}${error}`,
  };
}
