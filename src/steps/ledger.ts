/**
 * The durable ledger: a step runs in its own process, perhaps twice; its outcome is published once.
 *
 *     key has a result? ── yes ──────────────────────────────────────────────> reused
 *         │ no
 *         ├── no place in its pool, its value taken, paused ──> queued <── what is passing is tried again later ──┐
 *         │                                                        │                                              │
 *     claim: step + attempt + fence + lease + holdout readings, one commit                                        │
 *         │                                                                                                       │
 *     engine: child process writes objects, then manifest.json (the commit marker)      heartbeat renews the lease
 *         │
 *     publish: state + attempt + result + pins, one commit, only under this fence ──> succeeded | failed | cancelled
 */
import { mkdirSync } from "node:fs";
import type { Digest } from "../base/index.ts";
import { runAgain } from "./again.ts";
import type { Outcome } from "./attempt.ts";
import type { Meters } from "./attempt-folder.ts";
import type { Attend } from "./attending.ts";
import { carryOut, type Wanted, type Works } from "./carry-out.ts";
import { fanOut } from "./fan-out.ts";
import { createFolders } from "./folders.ts";
import { createHistory, type History } from "./history.ts";
import { type Environment, keyOf } from "./key.ts";
import type { StepKind, StepManifest } from "./kind.ts";
import { type LogPart, letGoOfOldLogs, readLog } from "./log.ts";
import { createPulse } from "./pulse.ts";
import { createQueue } from "./queue.ts";
import { type Adopted, type Recovered, recover, sweepFolders } from "./recover.ts";
import { createResults } from "./results.ts";
import { DEFAULT_RETRY, type RetryPolicy } from "./retry.ts";
import { unknownKind } from "./run-step.ts";
import { holdoutLocked, readingStatements, type Sealed, sealedIn } from "./sealed.ts";
import { type Caller, createSharing } from "./sharing.ts";
import { engineNamed, type Owner, requirePool, type Surroundings } from "./surroundings.ts";
import { thisProcess } from "./this-process.ts";
import { createTime } from "./time.ts";
import { firstOf, type Timeouts } from "./timeouts.ts";
import { createWishes, type Wishes } from "./wishes.ts";

export interface LedgerOptions extends Pick<Surroundings, "records" | "objects" | "engines"> {
  /** Where the folders of attempts lie (`.mill/steps`); made with mode 0700. */
  readonly folder: string;
  readonly kinds: readonly Pick<StepKind, "name" | "revision" | "retry" | "timeouts">[];
  /** Part of every key. */
  readonly environment: Environment;
  /** Kinds that may read a sealed holdout; default `["assess"]`. */
  readonly opensHoldout?: readonly string[];
  /** How many steps of a pool run at one time, over all servers of the records; default: no pools. */
  readonly pools?: Readonly<Record<string, number>>;
  /** Milliseconds since 1970; default Date.now. For what people read: it may be set at any time, and differ between servers. */
  readonly clock?: () => number;
  /** Milliseconds that pass, by a clock that nobody sets; default performance.now. */
  readonly elapsedMs?: () => number;
  /** How long an attempt may go without a heartbeat before another owner takes it over; default 30,000. */
  readonly leaseMs?: number;
  /** Whether processes of other machines may use the same records; default false. Then of what is not known here the lease decides. */
  readonly shared?: boolean;
  /** Who runs the attempts; default this process. */
  readonly owner?: Owner;
  /** What describes the infrastructure that a run begins on; default: nobody says. */
  readonly infrastructure?: () => string | null;
  /** What goes along with attempts; default: nothing. */
  readonly attend?: Attend;
}

export interface StepRequest extends Caller {
  readonly kind: string;
  /** JSON; a `{ "holdout": DIGEST }` in it is sealed. */
  readonly input: unknown;
  /** The asset it is for, as in `model/late-arrival`. */
  readonly target: string;
  readonly runId: string | null;
  readonly memoryMb: number;
  readonly threads: number;
  /** Name of the engine; default the first one. In no key: the result is the same wherever it is made. */
  readonly on?: string;
  /** Default: the kind's, else what is passing is tried again, eight times within two minutes. */
  readonly retry?: RetryPolicy;
  /** Default: the kind's, else none. */
  readonly timeouts?: Timeouts;
  /** At most so many steps of a pool run at one time; the others wait in order. */
  readonly pool?: string;
  /** Of steps with the same value, as a model's name, one runs at a time. */
  readonly exclusive?: string;
}

export interface Ledger extends History, Wishes {
  readonly environment: Environment;
  /** How many steps of a pool run at one time. */
  readonly pools: Readonly<Record<string, number>>;
  /** Names of the kinds of steps that it knows. */
  readonly kinds: readonly string[];
  keyOf(kind: string, input: unknown): Digest;
  /** Errors: `step.unknown-kind`. */
  revisionOf(kind: string): number;
  /** Name of the engine that a request which asks for `on` runs on. Errors: `engine.unknown`. */
  engineFor(on?: string): string;
  /** What a key's step left, or null when it has not run, or when some of its objects are gone. */
  resultOf(key: Digest): Promise<StepManifest | null>;
  /** Those of the keys that have a result. */
  resultsOf(keys: Iterable<Digest>): Promise<Map<Digest, StepManifest>>;
  /** What the attempts took that made the results of these keys, of those that have one. */
  metersOf(keys: Iterable<Digest>): Promise<Map<Digest, Meters>>;
  /**
   * Gives the result of a step, running it when there is none. Callers that ask for the same key at once share one attempt; it is
   * cancelled when the last of them cancels. A failed or cancelled step runs again when it is asked for again.
   * Errors (thrown): `step.unknown-kind`, `step.unknown-pool`, `engine.unknown`, `split.holdout-locked`, and those of records when an
   * outcome cannot be written.
   */
  execute(request: StepRequest): Promise<Outcome>;
  /**
   * As `execute` for each, in order, with few commits: for thousands of steps. At most `concurrency` run at one time, default 64; a failure is an
   * outcome like another. Errors: as `execute`, before anything runs where it can be known then.
   */
  executeAll(requests: readonly StepRequest[], options?: { readonly concurrency?: number }): Promise<Outcome[]>;
  /**
   * What a step that has run leaves when it runs once more from its recorded input, by the kind as it is now; its result is neither used nor replaced,
   * and new objects are not pinned. Errors: `step.unknown`, `step.unknown-kind`, `split.holdout-locked`, `step.cancelled`, those of the step.
   */
  again(
    stepId: string,
    request: Pick<StepRequest, "threads" | "memoryMb" | "signal" | "onProgress" | "on">,
  ): Promise<StepManifest>;
  /**
   * What an attempt has said from an offset in bytes on, at most 256 KiB; also while it runs on this machine. A log is kept up to 10 MiB, and for
   * 90 days after its attempt; then its last 200 lines.
   * Errors: `step.unknown`.
   */
  logOf(stepId: string, fence: number, offset: number): Promise<LogPart>;
  /** To be called once before the first `execute`: settles what a crash left behind. */
  recover(): Promise<Recovered>;
  /** Settles what lost its owner, again and again, until the ledger closes. */
  reconcileEvery(intervalMs?: number): void;
  /** Cancels what somebody here waits for, lets jobs that were adopted and that nobody waits for go on, and waits for that. */
  close(): Promise<void>;
}

const RECONCILE_EVERY_MS = 30_000;
const CONCURRENCY = 64;
const CANCELLED: Outcome = { state: "cancelled" };

export function createLedger(options: LedgerOptions): Ledger {
  const { kinds, environment, opensHoldout = ["assess"] } = options;
  const wallClock = options.clock ?? Date.now;
  const surroundings: Surroundings = {
    ...options,
    clock: wallClock,
    time: createTime(wallClock, options.elapsedMs),
    leaseMs: options.leaseMs ?? 30_000,
    owner: options.owner ?? thisProcess({ shared: options.shared ?? false }),
    pools: options.pools ?? {},
    infrastructure: options.infrastructure ?? (() => null),
    folders: createFolders(),
  };
  const { records, clock, engines, pools } = surroundings;
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const results = createResults(surroundings);
  const works: Works = { surroundings, results, pulse: createPulse(surroundings), queue: createQueue(surroundings) };
  const history = createHistory(surroundings, results);
  const sharing = createSharing();
  const repeated = new Set<Promise<unknown>>();
  const closing = new AbortController();
  let reconciling: NodeJS.Timeout | undefined;

  const kindOf = (name: string) => {
    const kind = kinds.find((one) => one.name === name);
    if (!kind) throw unknownKind(name, kinds);
    return kind;
  };
  const revisionOf = (name: string): number => kindOf(name).revision;
  const keyOfInput = (kind: string, input: unknown) => keyOf({ kind, revision: revisionOf(kind), input, environment });
  const resultOf = async (key: Digest) => (await results.find(key))?.manifest ?? null;
  const settleAbandoned = () => recover(works, { isOurs: sharing.has, adopted: waitForAdopted });

  return {
    ...history,
    ...createWishes(works),
    environment,
    pools,
    kinds: kinds.map(({ name }) => name),
    revisionOf,
    engineFor: (on) => engineNamed(engines, on).name,
    keyOf: keyOfInput,
    resultOf,

    async resultsOf(keys) {
      const found = await results.findMany([...new Set(keys)]);
      return new Map([...found].map(([key, { manifest }]) => [key, manifest]));
    },

    async metersOf(keys) {
      const found = await results.findMany([...new Set(keys)]);
      return new Map([...found].map(([key, { meters }]) => [key, meters]));
    },

    execute,

    async executeAll(requests, { concurrency = CONCURRENCY } = {}) {
      const sealed = await sealedIn(
        requests.map(({ input }) => input),
        records,
      );
      const asked = requests.map((request, index) => {
        const names = sealed.filter(({ at }) => at.split(".")[0] === String(index));
        const wanted = wantedBy(request, keyOfInput(request.kind, request.input), names);
        return { wanted, caller: request, execute: () => execute(request) };
      });
      for (const { wanted } of asked) if (wanted.sealed.length > 0) await refuseSealed(wanted);
      return closing.signal.aborted ? requests.map(() => CANCELLED) : fanOut(works, sharing, asked, concurrency);
    },

    async again(stepId, { threads, memoryMb, signal, on, onProgress = () => {} }) {
      const { kind, target, input } = (await history.getStep(stepId)).step;
      const revision = revisionOf(kind);
      const sealed = await refuseSealed({ kind, target, input });
      const stop = AbortSignal.any([closing.signal, ...(signal ? [signal] : [])]);
      const step = { kind, target, input, revision, threads, memoryMb, engine: engineNamed(engines, on).name };
      const repetition = runAgain(surroundings, step, { sealed, signal: stop, onProgress });
      repeated.add(repetition);
      return repetition.finally(() => repeated.delete(repetition));
    },

    logOf: (stepId, fence, offset) => readLog(surroundings, stepId, fence, offset),

    async recover() {
      const recovered = await settleAbandoned();
      await sweepFolders(surroundings);
      await letGoOfOldLogs(surroundings);
      return recovered;
    },

    reconcileEvery(intervalMs = RECONCILE_EVERY_MS) {
      if (closing.signal.aborted) return;
      clearTimeout(reconciling);
      const next = () => {
        reconciling = setTimeout(round, intervalMs);
        reconciling.unref();
      };
      const round = () =>
        void settleAbandoned()
          .then(nothing, nothing)
          .then(() => closing.signal.aborted || next()); // records that are away come back
      next();
    },

    async close() {
      closing.abort();
      clearTimeout(reconciling);
      await Promise.allSettled([sharing.close(), ...repeated]);
      await surroundings.folders.close();
    },
  };

  async function execute(request: StepRequest): Promise<Outcome> {
    const key = keyOfInput(request.kind, request.input);
    const wanted = wantedBy(request, key, await refuseSealed(request));
    for (;;) {
      if (closing.signal.aborted || request.signal?.aborted) return CANCELLED;
      const shared = sharing.get(key) ?? sharing.open(key, (waiter) => carryOut(works, wanted, waiter));
      const outcome = await sharing.join(shared, request);
      if (outcome) return outcome;
    }
  }

  function wantedBy(request: StepRequest, key: Digest, sealed: readonly Sealed[]): Wanted {
    const { kind: name, target, runId, input, threads, memoryMb, on, pool = null, exclusive = null } = request;
    const kind = kindOf(name);
    if (pool !== null) requirePool(pools, pool);
    return {
      ...{ key, kind: name, revision: kind.revision, target, runId, input, sealed, threads, memoryMb, pool, exclusive },
      engine: engineNamed(engines, on).name,
      retry: request.retry ?? kind.retry ?? DEFAULT_RETRY,
      timeouts: request.timeouts ?? kind.timeouts ?? {},
    };
  }

  /** Who asks for the key hears how it ends; it is tried again also when nobody does. */
  function waitForAdopted(key: Digest, { wait, wanted }: Adopted): void {
    sharing.open(key, async (waiter) => {
      const ending = await wait(waiter);
      if (ending?.state !== "again") return ending;
      const signal = firstOf(waiter.signal, waiter.letGo ?? null);
      const again = { ...wanted, sealed: await sealedIn(wanted.input, records), dueInMs: ending.dueInMs };
      return carryOut(works, again, { ...waiter, signal });
    });
  }

  /** The sealed objects that the input names, when the kind may open them. */
  async function refuseSealed({ kind, input, target }: Pick<StepRequest, "kind" | "input" | "target">): Promise<Sealed[]> {
    const sealed = await sealedIn(input, records);
    if (sealed.length === 0 || opensHoldout.includes(kind)) return sealed;
    await records.commit(readingStatements({ sealed, kind, target, input, granted: false, atMs: clock() }));
    throw holdoutLocked(kind, sealed, opensHoldout);
  }
}

const nothing = () => null;
