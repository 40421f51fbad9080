import { asMillError, canonicalJson, type Digest, type Json, type MillError } from "../base/index.ts";
import type { Verdict } from "../contract/index.ts";
import { refusalText } from "../problem/index.ts";
import type { Ledger, StepManifest } from "../steps/index.ts";
import { type GraphNode, type Outside, plain } from "./graph-node.ts";
import { countPartitions, isOpen, type Partitions, partitionsText } from "./partitions/standing.ts";
import { replay, type Search } from "./search.ts";

export interface PlannedStep {
  readonly node: GraphNode;
  /** null while an input is not known yet, and of a kept result whose step is not recorded. */
  readonly key: Digest | null;
  readonly input: Json | null;
  /** `current`: has a result. `run`: would run now. `waiting`: runs after others. `refused`: has a result that says no, or stands behind one. */
  readonly state: "current" | "run" | "waiting" | "refused";
  /** One sentence: what changed, or what it waits for. */
  readonly why: string;
  /** Of a step that stands behind trials. */
  readonly search?: Search;
}

export interface Plan {
  readonly steps: readonly PlannedStep[];
  readonly results: ReadonlyMap<string, StepManifest>;
  /** The first thing that keeps a step from being planned, as a missing file does; its step says so too. */
  readonly error?: MillError;
}

/**
 * What would run, and why. Nodes come in an order in which each stands behind what it needs.
 * A step whose needs all have results has a key; a key that has a result is current. Nothing is run.
 */
export async function makePlan(nodes: readonly GraphNode[], outside: Outside, ledger: Ledger): Promise<Plan> {
  const results = new Map<string, StepManifest>();
  const steps: PlannedStep[] = [];
  let error: MillError | undefined;
  for (const node of nodes) {
    const step = await planStep(node, steps, results, outside, ledger).catch((thrown: unknown): PlannedStep => {
      const met = asMillError(thrown);
      error ??= met;
      return { node, key: null, input: null, state: "run", why: met.message };
    });
    steps.push(step);
  }
  return { steps, results, ...(error ? { error } : {}) };
}

/** Decides one step; a current one adds its manifest to `results`. `begun`: its search, as far as it has been looked at. */
export async function planStep(
  node: GraphNode,
  before: readonly PlannedStep[],
  results: Map<string, StepManifest>,
  outside: Outside,
  ledger: Ledger,
  begun?: Search,
): Promise<PlannedStep> {
  const needed = before.filter((step) => node.needs.includes(step.node.id));
  const refused = needed.find((step) => step.state === "refused");
  if (refused)
    return { node, key: null, input: null, state: "refused", why: refused.key ? `${refused.node.id} refused` : refused.why };
  if (node.partitions) return planPartitions(node, await outside.partitions(node.partitions), results);
  const kept = await node.kept?.(outside);
  if (kept) {
    results.set(node.id, kept.manifest);
    const key = kept.key ?? (await ledger.lastOf(node.target, node.kind))?.key ?? null;
    return { node, key, input: null, state: "current", why: kept.why };
  }
  const missing = needed.filter((step) => !results.has(step.node.id));
  if (missing.length > 0)
    return { node, key: null, input: null, state: "waiting", why: `after ${missing.map((step) => step.node.id).join(", ")}` };

  const search = begun ?? (await node.search?.(results, ledger));
  const replayed = search && (await replay(search, ledger));
  if (replayed && replayed.next.length > 0)
    return {
      node,
      key: null,
      input: null,
      state: "run",
      why: `${replayed.tried.length} of up to ${search!.tuning.trials} trials have ended`,
      search: search!,
    };

  const input = replayed ? plain(search!.input(replayed.tried)) : await node.input(results, outside);
  const key = ledger.keyOf(node.kind, input);
  const manifest = await ledger.resultOf(key);
  const planned = { node, key, input, ...(search && { search }) };
  if (manifest === null) return { ...planned, state: "run", why: await whatChanged(node, input, ledger) };
  results.set(node.id, manifest);
  const said = refusal(manifest);
  return { ...planned, state: said ? "refused" : "current", why: said ?? "nothing changed" };
}

/** One line for all partitions. What they have come to is no result of a step: it is read again by what stands behind. */
function planPartitions(node: GraphNode, { partitions }: Partitions, results: Map<string, StepManifest>): PlannedStep {
  const why = partitionsText(countPartitions(partitions));
  if (partitions.some(isOpen)) return { node, key: null, input: null, state: "run", why };
  results.set(node.id, PARTITIONS_DONE);
  return { node, key: null, input: null, state: "current", why };
}

export const PARTITIONS_DONE: StepManifest = { objects: {}, facts: {}, measurements: [] };

/** The sentence by which a gate's manifest says no, or null. */
export function refusal({ facts }: StepManifest): string | null {
  const verdict = facts.verdict as unknown as Verdict | undefined;
  return verdict === undefined ? null : refusalText(verdict);
}

async function whatChanged(node: GraphNode, input: Json, ledger: Ledger): Promise<string> {
  const last = await ledger.lastOf(node.target, node.kind);
  if (last === null) return "has not run yet";
  if (last.state !== "succeeded") return `the last attempt ${last.state}`;
  const changed = changedFields(last.input, input);
  if (changed.length > 0) return `changed: ${changed.join(", ")}`;
  return last.revision === ledger.revisionOf(node.kind) ? "the environment changed" : `the code of ${node.kind} changed`;
}

/** Names of the top-level fields in which two inputs differ. */
export function changedFields(before: Json, after: Json): string[] {
  const [a, b] = [before, after] as Record<string, Json>[];
  return [...new Set([...Object.keys(a!), ...Object.keys(b!)])].filter(
    (name) => canonicalJson(a![name] ?? null) !== canonicalJson(b![name] ?? null),
  );
}
