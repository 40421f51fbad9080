/**
 * The durable ledger: a step runs in its own process, perhaps twice; its outcome is published once.
 *
 *     key has a result? ── yes ──────────────────────────────────────────────> reused
 *         │ no
 *     claim: step + attempt + fence + lease + holdout readings, one commit
 *         │
 *     engine: child process writes objects, then manifest.json (the commit marker)      heartbeat renews the lease
 *         │
 *     publish: state + attempt + result + pins, one commit, only under this fence ──> succeeded | failed | cancelled
 */
import { mkdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type Digest, newId } from "../base/index.ts";
import { processAlive, processHandle } from "../ports/engines/index.ts";
import { runAgain } from "./again.ts";
import { type Outcome, runAttempt } from "./attempt.ts";
import type { Progress } from "./attempt-folder.ts";
import { claim, isAbandoned, openStepOf } from "./claim.ts";
import { createHistory, type History } from "./history.ts";
import { type Environment, keyOf } from "./key.ts";
import type { StepKind, StepManifest } from "./kind.ts";
import { createPulse } from "./pulse.ts";
import { type Recovered, reconcile, recover } from "./recover.ts";
import { createResults } from "./results.ts";
import { unknownKind } from "./run-step.ts";
import { holdoutLocked, readingStatements, type Sealed, sealedIn } from "./sealed.ts";
import type { Owner, Surroundings } from "./surroundings.ts";

export interface LedgerOptions extends Pick<Surroundings, "records" | "objects" | "engine"> {
  /** Where the folders of attempts lie (`.mill/steps`); made with mode 0700. */
  readonly folder: string;
  readonly kinds: readonly Pick<StepKind, "name" | "revision">[];
  /** Part of every key. */
  readonly environment: Environment;
  /** Kinds that may read a sealed holdout; default `["assess"]`. */
  readonly opensHoldout?: readonly string[];
  /** Milliseconds since 1970; default Date.now. */
  readonly clock?: () => number;
  /** How long an attempt may go without a heartbeat before another owner takes it over; default 30,000. */
  readonly leaseMs?: number;
  /** Who runs the attempts; default this process. */
  readonly owner?: Owner;
  /** What describes the infrastructure that a run begins on; default: nobody says. */
  readonly infrastructure?: () => string | null;
}

export interface StepRequest {
  readonly kind: string;
  /** JSON; a `{ "holdout": DIGEST }` in it is sealed. */
  readonly input: unknown;
  /** The asset it is for, as in `model/late-arrival`. */
  readonly target: string;
  readonly runId: string | null;
  readonly memoryMb: number;
  readonly threads: number;
  readonly signal?: AbortSignal;
  onProgress?(progress: Progress): void;
  onLog?(text: string): void;
}

export interface Ledger extends History {
  readonly environment: Environment;
  keyOf(kind: string, input: unknown): Digest;
  /** Errors: `step.unknown-kind`. */
  revisionOf(kind: string): number;
  /** What a key's step left, or null when it has not run, or when some of its objects are gone. */
  resultOf(key: Digest): Promise<StepManifest | null>;
  /** Those of the keys that have a result. */
  resultsOf(keys: Iterable<Digest>): Promise<Map<Digest, StepManifest>>;
  /**
   * Gives the result of a step, running it when there is none. Callers that ask for the same key at once share one attempt; it is
   * cancelled when the last of them cancels. A failed or cancelled step runs again when it is asked for again.
   * Errors (thrown): `step.unknown-kind`, `split.holdout-locked`, and those of records when an outcome cannot be written.
   */
  execute(request: StepRequest): Promise<Outcome>;
  /**
   * What a step that has run leaves when it runs once more from its recorded input, by the kind as it is now; its result is neither used nor replaced,
   * and new objects are not pinned. Errors: `step.unknown`, `step.unknown-kind`, `split.holdout-locked`, `step.cancelled`, those of the step.
   */
  again(stepId: string, request: Pick<StepRequest, "threads" | "memoryMb" | "signal" | "onProgress">): Promise<StepManifest>;
  /** To be called once before the first `execute`: settles what a crash left behind. */
  recover(): Promise<Recovered>;
  /** Cancels what runs and waits for its end. */
  close(): Promise<void>;
}

/** One attempt, and all who wait for it. */
interface Shared {
  readonly outcome: Promise<Outcome>;
  readonly stopping: AbortController;
  readonly watchers: Set<Pick<StepRequest, "onProgress" | "onLog">>;
  waiting: number;
}

const POLL_MS = 100;

export function createLedger(options: LedgerOptions): Ledger {
  const { kinds, environment, opensHoldout = ["assess"] } = options;
  const surroundings: Surroundings = {
    ...options,
    clock: options.clock ?? Date.now,
    leaseMs: options.leaseMs ?? 30_000,
    owner: options.owner ?? thisProcess(),
    infrastructure: options.infrastructure ?? (() => null),
    tidying: new Set(),
  };
  const { records, clock } = surroundings;
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const results = createResults(surroundings);
  const pulse = createPulse(surroundings);
  const history = createHistory(surroundings, results);
  const shared = new Map<Digest, Shared>();
  const repeated = new Set<Promise<unknown>>();
  const closing = new AbortController();

  const revisionOf = (name: string): number => {
    const kind = kinds.find((one) => one.name === name);
    if (!kind) throw unknownKind(name, kinds);
    return kind.revision;
  };
  const keyOfInput = (kind: string, input: unknown) => keyOf({ kind, revision: revisionOf(kind), input, environment });
  const resultOf = async (key: Digest) => (await results.find(key))?.manifest ?? null;

  return {
    ...history,
    environment,
    revisionOf,
    keyOf: keyOfInput,
    resultOf,

    async resultsOf(keys) {
      const found = await Promise.all([...new Set(keys)].map(async (key) => [key, await resultOf(key)] as const));
      return new Map(found.filter((pair): pair is [Digest, StepManifest] => pair[1] !== null));
    },

    async execute(request) {
      const key = keyOfInput(request.kind, request.input);
      await refuseSealed(request);
      for (;;) {
        if (closing.signal.aborted || request.signal?.aborted) return { state: "cancelled" };
        const one = shared.get(key) ?? share(key, request);
        if (!one.stopping.signal.aborted) return join(one, request);
        await one.outcome.catch(() => undefined); // its last caller has left; a new attempt follows its end
      }
    },

    async again(stepId, { threads, memoryMb, signal, onProgress = () => {} }) {
      const { kind, target, input } = (await history.getStep(stepId)).step;
      const revision = revisionOf(kind);
      const sealed = await refuseSealed({ kind, target, input });
      const stop = AbortSignal.any([closing.signal, ...(signal ? [signal] : [])]);
      const step = { kind, target, input, revision, threads, memoryMb };
      const repetition = runAgain(surroundings, step, { sealed, signal: stop, onProgress });
      repeated.add(repetition);
      return repetition.finally(() => repeated.delete(repetition));
    },

    recover: () => recover(surroundings, (key) => shared.has(key)),

    async close() {
      closing.abort();
      const running = [...shared.values()];
      for (const { stopping } of running) stopping.abort();
      await Promise.allSettled([...running.map(({ outcome }) => outcome), ...repeated]);
      await Promise.all(surroundings.tidying);
    },
  };

  function share(key: Digest, request: StepRequest): Shared {
    const stopping = new AbortController();
    const watchers: Shared["watchers"] = new Set();
    const outcome = runKey(key, request, stopping.signal, watchers).finally(() => shared.delete(key));
    const one: Shared = { outcome, stopping, watchers, waiting: 0 };
    shared.set(key, one);
    return one;
  }

  /** Waits with the others; leaving early is cancelling, and the last to leave cancels the attempt and sees how it ends. */
  async function join(one: Shared, request: StepRequest): Promise<Outcome> {
    const { signal } = request;
    const left = Promise.withResolvers<Outcome>();
    const leave = () => {
      if (one.waiting > 1) left.resolve({ state: "cancelled" });
      else one.stopping.abort();
    };
    one.waiting++;
    one.watchers.add(request);
    signal?.addEventListener("abort", leave);
    try {
      return await Promise.race([one.outcome, left.promise]);
    } finally {
      signal?.removeEventListener("abort", leave);
      one.watchers.delete(request);
      one.waiting--;
    }
  }

  async function runKey(key: Digest, request: StepRequest, signal: AbortSignal, watchers: Shared["watchers"]): Promise<Outcome> {
    const { kind, input, target, runId, threads, memoryMb } = request;
    const revision = revisionOf(kind);
    while (!signal.aborted) {
      const [result, open] = await Promise.all([results.findOrForget(key), openStepOf(surroundings, key)]);
      if (result) return { state: "reused", ...result };
      if (open?.state === "running") {
        if (isAbandoned(open, surroundings)) await reconcile(surroundings, open);
        else await delay(POLL_MS, undefined, { signal }).catch(() => undefined); // another owner runs it
        continue;
      }
      const attempt = await claim(surroundings, {
        key,
        kind,
        revision,
        target,
        runId,
        input,
        sealed: await sealedIn(input, records),
        lost: open,
      });
      if (!attempt) continue;
      const outcome = await runAttempt(surroundings, pulse, attempt, {
        ...{ revision, input, threads, memoryMb, signal },
        onProgress(progress) {
          for (const watcher of watchers) watcher.onProgress?.(progress);
        },
        onLog(text) {
          for (const watcher of watchers) watcher.onLog?.(text);
        },
      });
      if (outcome) return outcome;
    }
    return { state: "cancelled" };
  }

  /** The sealed objects that the input names, when the kind may open them. */
  async function refuseSealed({ kind, input, target }: Pick<StepRequest, "kind" | "input" | "target">): Promise<Sealed[]> {
    const sealed = await sealedIn(input, records);
    if (sealed.length === 0 || opensHoldout.includes(kind)) return sealed;
    await records.commit(readingStatements({ sealed, kind, target, input, granted: false, atMs: clock() }));
    throw holdoutLocked(kind, sealed, opensHoldout);
  }
}

/** This process and this ledger: two ledgers in one process respect each other's leases. */
function thisProcess(): Owner {
  const self = processHandle(process.pid) ?? String(process.pid);
  return {
    name: `${self}/${newId().slice(-12)}`,
    alive: (name) => processAlive(name.split("/")[0]!),
  };
}
