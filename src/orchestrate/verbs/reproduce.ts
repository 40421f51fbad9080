/** Whether what was made can be made again: each step runs once more from its recorded input, and what it leaves is held against what it left. */
import { asMillError, type Digest, type Json } from "../../base/index.ts";
import type { CallContext, OutputOf } from "../../contract/index.ts";
import type { Progress } from "../../steps/index.ts";
import { variation } from "../may-vary.ts";
import { differencesOf } from "../rebuild/compare.ts";
import { STEP_KINDS } from "../step-kinds.ts";
import type { Workspace } from "../workspace.ts";
import { versionNamed } from "./version-named.ts";

type Line = OutputOf<"reproduce">;
type Summary = Extract<Line, { readonly event: "reproduced" }>;
type Reproduced = Summary["steps"][number];

/** A step as it was recorded; `id` is null when its result is gone. */
interface Recorded {
  readonly id: string | null;
  readonly target: string;
  readonly kind: string;
}

/** One step after the other, each told as it goes on; the last line is the summary. */
export async function reproduce(
  workspace: Workspace,
  of: string,
  { signal }: Pick<CallContext, "signal">,
  push: (line: Line) => void,
): Promise<void> {
  const recorded = of.includes("@") ? await stepsOfVersion(workspace, of) : await stepsOfRun(workspace, of);
  const steps: Reproduced[] = [];
  for (const step of recorded) {
    const id = `${step.target}:${step.kind}`;
    push({ event: "step-started", id, why: `${steps.length + 1} of ${recorded.length}` });
    const onProgress = (progress: Progress) => push({ event: "step-progress", id, ...progress });
    const found = await reproduceStep(workspace, step, { signal, onProgress });
    push({ event: "step-finished", id, same: found.same, wallMs: found.wallMs, sentence: sentenceOf(found) });
    steps.push(found);
  }
  push({ event: "reproduced", run: of, same: steps.every(({ same }) => same), steps });
}

const sentenceOf = ({ differs, varied, changed }: Reproduced) =>
  [differs.length > 0 ? `${differs.join(", ")} came out otherwise` : "", varied ?? "", changed ?? ""].filter(Boolean).join("; ");

const mayVary = (kind: string) => STEP_KINDS.find(({ name }) => name === kind)?.varies === true;

/** Those that left a result; what was current already was made by an earlier run. */
async function stepsOfRun({ ledger }: Workspace, id: string): Promise<Recorded[]> {
  const { steps } = await ledger.getRun(id);
  return steps.filter(({ state }) => state === "succeeded");
}

async function stepsOfVersion({ ledger, registry }: Workspace, text: string): Promise<Recorded[]> {
  const { lineage } = await versionNamed(registry, text);
  return Promise.all(
    Object.entries(lineage.steps).map(async ([node, key]) => {
      const [target, kind] = node.split(":") as [string, string];
      return { id: (await ledger.stepOfResult(key))?.id ?? null, target, kind };
    }),
  );
}

async function reproduceStep(
  workspace: Workspace,
  step: Recorded,
  { signal, onProgress }: { readonly signal: AbortSignal; onProgress(progress: Progress): void },
): Promise<Reproduced> {
  const { ledger, threads, memoryMb } = workspace;
  const { id, target, kind } = step;
  const started = performance.now();
  const told = (found: Pick<Reproduced, "same" | "differs" | "varied" | "changed">): Reproduced => ({
    ...{ id, target, kind, ...found, wallMs: performance.now() - started },
  });
  const unlike = (changed: string) => told({ same: false, differs: [], changed });
  if (id === null) return unlike("its result is gone");
  try {
    const { step: record, manifest } = await ledger.getStep(id);
    if (manifest === null) return unlike("its result is gone");
    const revision = ledger.revisionOf(kind);
    if (revision !== record.revision)
      return unlike(`the code of ${kind} changed since: revision ${record.revision}, now ${revision}`);
    const again = await ledger.again(id, { threads, memoryMb: Math.floor(memoryMb / 2), signal, onProgress });
    const differs = differencesOf(manifest, again);
    const changed = keyIsKept(record.key, kind, record.input) ? {} : { changed: "the environment changed since" };
    const varied = differs.length > 0 && mayVary(kind) ? variation(manifest, again) : null;
    if (varied !== null) return told({ same: true, differs: [], varied, ...changed });
    return told({ same: differs.length === 0, differs, ...changed });
  } catch (thrown) {
    const error = asMillError(thrown);
    if (signal.aborted || error.code === "internal.unexpected") throw error;
    return unlike(`it could not run again: ${error.message}`);
  }

  function keyIsKept(key: Digest, kind: string, input: Json): boolean {
    return ledger.keyOf(kind, input) === key;
  }
}
