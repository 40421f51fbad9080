import { asMillError, type Digest, type MillError } from "../base/index.ts";
import type { Ledger, Progress, StepManifest } from "../steps/index.ts";
import type { GraphNode, Outside } from "./graph-node.ts";
import type { PartitionsOutcome } from "./partitions/run-node.ts";
import { type PlannedStep, planStep, refusal } from "./plan.ts";
import { carryOutSearch, type Search } from "./search.ts";

/** What happens during a run, in order; `id` is the node's. */
export type RunEvent =
  | { readonly event: "step-started"; readonly id: string; readonly why: string }
  | {
      readonly event: "step-progress";
      readonly id: string;
      readonly done: number;
      readonly total: number;
      readonly note?: string;
    }
  | {
      readonly event: "step-finished";
      readonly id: string;
      /** `held`: did not run, because what it stands behind was refused. */
      readonly state: "current" | "succeeded" | "refused" | "held";
      readonly wallMs: number;
      readonly sentence: string;
    }
  | { readonly event: "step-failed"; readonly id: string; readonly error: MillError }
  | { readonly event: "published"; readonly id: string; readonly sentence: string };

export interface RunResult {
  readonly state: "succeeded" | "refused" | "failed" | "cancelled";
  readonly ran: number;
  readonly current: number;
  readonly wallMs: number;
  readonly error?: MillError;
  /** Of the steps that said no themselves, not of those held back behind them. */
  readonly refusals: readonly { readonly id: string; readonly sentence: string }[];
}

export interface RunEffects {
  readonly ledger: Ledger;
  readonly outside: Outside;
  readonly threads: number;
  /** Shared evenly by the steps that run at one time. */
  readonly memoryMb: number;
  /** Steps at a time; a step starts when all it needs has a result. */
  readonly concurrency: number;
  /** Engine of its steps; default: the first. */
  readonly on?: string;
  /** Takes in the partitions that the node stands for. */
  takeIn(node: GraphNode, onProgress: (progress: Progress) => void): Promise<PartitionsOutcome>;
  /** Makes a node's result count in the world (a data set's version, a frozen split, a model's version); idempotent, a sentence when it did something. */
  publish(node: GraphNode, results: ReadonlyMap<string, StepManifest>): Promise<string | null>;
  /** Filled with the key of each step that has a recorded result. */
  readonly keys: Map<string, Digest>;
  emit(event: RunEvent): void;
  readonly signal: AbortSignal;
  readonly runId: string;
}

/**
 * Runs what is not current, several steps at a time. A failure lets running steps finish and starts no new one; a refusal stops only what stands
 * behind it. Started again after any interruption it goes on from the results there are.
 * Errors, before anything runs: of a definition that contradicts what is kept (`split.frozen`).
 */
export async function runGraph(nodes: readonly GraphNode[], effects: RunEffects): Promise<RunResult> {
  for (const node of nodes) await node.kept?.(effects.outside);
  const started = performance.now();
  const results = new Map<string, StepManifest>();
  const settled = new Map<string, PlannedStep>();
  const running = new Map<string, Promise<void>>();
  const found = { ran: 0, current: 0, error: undefined as MillError | undefined, cancelled: false };
  const refusals: { id: string; sentence: string }[] = [];

  const settle = async (node: GraphNode) => {
    const plan = (begun?: Search) => planStep(node, [...settled.values()], results, effects.outside, effects.ledger, begun);
    const before = await plan();
    if (before.state !== "run") return conclude(node, before, 0, "current");
    effects.emit({ event: "step-started", id: node.id, why: before.why });
    const at = performance.now();
    const request = {
      target: node.target,
      runId: effects.runId,
      memoryMb: Math.floor(effects.memoryMb / effects.concurrency),
      threads: effects.threads,
      ...(effects.on !== undefined && { on: effects.on }),
      signal: effects.signal,
    };
    const onProgress = ({ done, total, note }: Progress) =>
      effects.emit({ event: "step-progress", id: node.id, done, total, ...(note ? { note } : {}) });
    if (before.search) {
      const ended = await carryOutSearch(before.search, { ledger: effects.ledger, request, onProgress });
      if (ended.state === "cancelled") found.cancelled = true;
      if (ended.state === "failed") fail(node, ended.error);
      if (ended.state !== "done") return;
    }
    const planned = before.search ? await plan(before.search) : before;
    if (planned.state !== "run") return conclude(node, planned, performance.now() - at, "succeeded");
    const outcome = node.partitions
      ? await effects.takeIn(node, onProgress)
      : await effects.ledger.execute({
          ...request,
          kind: node.kind,
          input: planned.input!,
          ...(node.kind in effects.ledger.pools && { pool: node.kind }),
          ...(node.timeouts && { timeouts: node.timeouts }),
          onProgress,
        });
    if (outcome.state === "cancelled") {
      found.cancelled = true;
    } else if (outcome.state === "failed") {
      fail(node, outcome.error);
    } else {
      found.ran++;
      results.set(node.id, outcome.manifest);
      await conclude(node, planned, performance.now() - at, "succeeded");
    }
  };

  const fail = (node: GraphNode, error: MillError) => {
    found.error ??= error;
    effects.emit({ event: "step-failed", id: node.id, error });
  };

  /** What stands behind a step starts only when the step's result counts. */
  const conclude = async (node: GraphNode, planned: PlannedStep, wallMs: number, state: "current" | "succeeded") => {
    const manifest = results.get(node.id);
    if (!manifest) return hold(node, planned);
    const said = refusal(manifest);
    if (planned.key) effects.keys.set(node.id, planned.key);
    if (state === "current") found.current++;
    if (said) refusals.push({ id: node.id, sentence: said });
    effects.emit({ event: "step-finished", id: node.id, state: said ? "refused" : state, wallMs, sentence: said ?? planned.why });
    const sentence = await effects.publish(node, results);
    if (sentence) effects.emit({ event: "published", id: node.id, sentence });
    settled.set(node.id, { ...planned, state: said ? "refused" : "current" });
  };

  const hold = (node: GraphNode, planned: PlannedStep) => {
    effects.emit({ event: "step-finished", id: node.id, state: "held", wallMs: 0, sentence: planned.why });
    settled.set(node.id, planned);
  };

  const ready = () =>
    nodes.filter((node) => !settled.has(node.id) && !running.has(node.id) && node.needs.every((need) => settled.has(need)));
  const halted = () => found.error !== undefined || found.cancelled || effects.signal.aborted;
  for (;;) {
    if (!halted()) {
      for (const node of ready().slice(0, Math.max(0, effects.concurrency - running.size))) {
        running.set(
          node.id,
          settle(node)
            .catch((thrown) => fail(node, asMillError(thrown)))
            .finally(() => running.delete(node.id)),
        );
      }
    }
    if (running.size === 0) break;
    await Promise.race(running.values());
  }

  const state = found.error ? "failed" : halted() ? "cancelled" : refusals.length > 0 ? "refused" : "succeeded";
  const { ran, current, error } = found;
  return { state, ran, current, wallMs: performance.now() - started, refusals, ...(error ? { error } : {}) };
}
