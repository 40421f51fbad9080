import type { OutputOf } from "../../contract/index.ts";
import type { Project } from "../../define/index.ts";
import type { PlannedStep } from "../plan.ts";
import type { Workspace } from "../workspace.ts";
import { instant, instantOrNull } from "./wire.ts";

type TargetStatus = OutputOf<"status">["targets"][number];

/** How one data set, model or endpoint stands. */
export async function statusOf(
  workspace: Workspace,
  project: Project,
  planned: readonly PlannedStep[],
  target: string,
): Promise<TargetStatus> {
  const [kind, name] = target.split("/") as [string, string];
  if (kind === "endpoint") return endpointStatus(workspace, target, name);
  const steps = planned.filter(({ node }) => node.target === target);
  const found = kind === "dataset" ? await datasetVersion(workspace, name) : await championOf(workspace, name);
  const failed = await failure(workspace, steps);
  const { state, sentence } = failed ?? standing(steps);
  const known = kind === "dataset" || project.models.has(name);
  return {
    target,
    state: known ? state : "empty",
    version: found?.version ?? null,
    detail: sentence,
    changedAt: instantOrNull(found?.at),
  };
}

function standing(steps: readonly PlannedStep[]): { state: TargetStatus["state"]; sentence: string } {
  const refused = steps.find((step) => step.state === "refused");
  if (refused) return { state: "refused", sentence: `${refused.node.kind}: ${refused.why}` };
  const next = steps.find((step) => step.state === "run");
  if (next) return { state: next.why === "has not run yet" ? "empty" : "stale", sentence: `${next.node.kind}: ${next.why}` };
  const waiting = steps.find((step) => step.state === "waiting");
  return waiting ? { state: "stale", sentence: waiting.why } : { state: "current", sentence: "nothing changed" };
}

/** The step that would run next and whose last attempt went wrong. */
async function failure(
  { ledger }: Workspace,
  steps: readonly PlannedStep[],
): Promise<{ state: TargetStatus["state"]; sentence: string } | null> {
  const next = steps.find((step) => step.state === "run");
  const last = next && (await ledger.lastOf(next.node.target, next.node.kind));
  if (last?.state === "queued") return { state: "running", sentence: `${next!.node.kind} waits for its turn` };
  if (last?.state === "running") return { state: "running", sentence: `${next!.node.kind} is running` };
  if (last?.state !== "failed") return null;
  return { state: "failed", sentence: `${next!.node.kind}: ${last.error?.message ?? "failed"}` };
}

async function datasetVersion({ lake }: Workspace, name: string) {
  const head = await lake.head(name);
  return head && { version: head.version, at: head.createdAt };
}

async function championOf({ registry }: Workspace, name: string) {
  const champion = await registry.champion(name);
  return champion && { version: champion.version, at: champion.createdAt };
}

const FORMS = { inline: "", onnx: ", an ONNX graph", python: ", in Python" };

async function endpointStatus({ serving, monitor }: Workspace, target: string, name: string): Promise<TargetStatus> {
  const deployed = (await serving.deployed()).find((endpoint) => endpoint.name === name);
  if (!deployed)
    return { target, state: "empty", version: null, detail: "its model has not passed its gate yet", changedAt: null };
  const rollout = serving.rollout(name);
  const beside = rollout === null ? "" : `, ${Math.round(rollout.share * 100)} % of the requests with version ${rollout.version}`;
  const [alert, ...more] = await monitor.alerts.open(name);
  const wrong = alert === undefined ? "" : `; alert: ${alert.sentence}${more.length > 0 ? ` (and ${more.length} more)` : ""}`;
  const answers = serving.answering(name);
  const down = answers?.down ? `; it does not answer since ${instant(answers.down.since)}: ${answers.down.why}` : "";
  const detail = `answers with ${deployed.model} version ${deployed.version}${FORMS[answers?.form ?? "inline"]}${beside}${down}${wrong}`;
  return { target, state: "current", version: deployed.version, detail, changedAt: instant(deployed.changedAt) };
}
