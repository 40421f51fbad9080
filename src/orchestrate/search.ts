/**
 * A model's search: trials that are steps of the ledger, generation after generation, each decided from what the ones before found. Which trials there are is a pure
 * function of the definition and their results, so that a plan replays it from what is recorded and a run goes on where another ended. A trial that was killed for
 * its memory or its time counts as failed from then on; one that was cancelled or lost runs again.
 */
import type { Digest, ErrorJson, MillError } from "../base/index.ts";
import { type ModelDefinition, type TrainerDefinition, type TuningDefinition, trainerAt } from "../define/index.ts";
import type { Ledger, Progress, StepManifest, StepRequest } from "../steps/index.ts";
import {
  type Found,
  type Job,
  nextJobs,
  type SearchStory,
  type TrialFacts,
  type TrialInput,
  type TrialResult,
  type TuneInput,
  type Warm,
} from "../train/index.ts";
import { startWarm } from "./start-warm.ts";

/** What all trials of a model share. */
export type TrialBasis = Pick<TrialInput, "train" | "features" | "task" | "classes" | "seed" | "split">;

export interface Asked {
  readonly job: Job;
  readonly input: TrialInput;
  readonly key: Digest;
}

export interface Tried extends Asked {
  /** null: its step failed. */
  readonly facts: TrialFacts | null;
  /** Why there is no value. */
  readonly error: string | null;
}

export interface Search {
  readonly tuning: TuningDefinition;
  /** What it took over from earlier searches; null: it starts by itself. */
  readonly warm: Warm | null;
  /** What has ended, as far as it has been looked at: nobody looks twice. */
  readonly ended: Tried[];
  /** The next generation; none: the search is over. */
  next(tried: readonly Tried[]): readonly Asked[];
  /** Of the step that chooses. */
  input(tried: readonly Tried[]): TuneInput;
}

export async function searchOf(model: ModelDefinition, basis: TrialBasis, ledger: Ledger): Promise<Search> {
  const { tuning, steps, calibration } = model.train as TrainerDefinition & { tuning: TuningDefinition };
  const sign = tuning.better === "lower" ? 1 : -1;
  const signed = (value: number | null) => (value === null ? null : sign * value);
  const around = { ...(steps && { steps }), ...(calibration && { calibration }) };

  const foundBy = ({ job, facts }: Tried): Found => ({
    ...job,
    loss: signed(facts?.value ?? null),
    running: facts?.running.map(signed) ?? [],
  });

  const asked = (job: Job): Asked => {
    const { share, bounds, point } = job;
    const { folds, metric } = tuning;
    const input: TrialInput = {
      ...basis,
      ...trainerAt(tuning, point),
      ...around,
      folds,
      metric,
      share,
      ...(bounds && { bounds }),
    };
    const plain = JSON.parse(JSON.stringify(input));
    return { job, input: plain, key: ledger.keyOf("trial", plain) };
  };

  const identity = () => ledger.keyOf("tune", JSON.parse(JSON.stringify({ ...basis, ...around, tuning })));
  const started = tuning.warmStart ? await startWarm(model.name, identity(), tuning, ledger) : null;
  const rules = { ...tuning, ...(started && { start: started.start, earlier: started.earlier }) };

  return {
    tuning,
    warm: started?.warm ?? null,
    ended: [],
    next: (tried) => nextJobs(rules, model.seed, tried.map(foundBy)).map(asked),
    input: (tried) => ({
      ...{ model: model.name, metric: tuning.metric, better: tuning.better, folds: tuning.folds },
      trials: tried.map(resultOf),
      ...(started && { warm: started.warm }),
    }),
  };
}

const resultOf = ({ job: { trial, point, share }, input, key, facts, error }: Tried): TrialResult => ({
  ...{ trial, estimator: input.estimator, point, share },
  ...{ value: facts?.value ?? null, values: facts?.values ?? [], modelBytes: facts?.modelBytes ?? null, error, key },
});

/** As far as the ledger knows: all generations whose every trial has ended, what is to be tried next (none: the search is over), and what of it has not ended. */
export async function replay(
  search: Search,
  ledger: Pick<Ledger, "resultsOf" | "failuresOf">,
): Promise<{ readonly tried: readonly Tried[]; readonly next: readonly Asked[]; readonly open: readonly Asked[] }> {
  const { ended } = search;
  for (;;) {
    const next = search.next(ended);
    const made = await ledger.resultsOf(next.map(({ key }) => key));
    const failures = await ledger.failuresOf(next.flatMap(({ key }) => (made.has(key) ? [] : key)));
    const known = next.map((one) => knownOf(one, made.get(one.key), failures.get(one.key)));
    const open = next.filter((_, at) => known[at] === null);
    if (next.length === 0 || open.length > 0) return { tried: ended, next, open };
    ended.push(...known.map((one) => one!));
  }
}

/** What ends one trial and says nothing of the others. */
const OF_TRIAL = ["step.crashed", "step.memory", "step.timeout"];

function knownOf(asked: Asked, manifest: StepManifest | undefined, failure: ErrorJson | undefined): Tried | null {
  if (manifest) return triedBy(asked, manifest);
  return failure && OF_TRIAL.includes(failure.code) ? { ...asked, facts: null, error: failure.message } : null;
}

function triedBy(asked: Asked, { facts }: StepManifest): Tried {
  const found = facts as unknown as TrialFacts;
  return { ...asked, facts: found, error: found.error };
}

export interface SearchEffects {
  readonly ledger: Ledger;
  /** Of every trial; threads and memory are shared by those that run at one time. */
  readonly request: Pick<StepRequest, "target" | "runId" | "threads" | "memoryMb" | "on" | "signal">;
  onProgress(progress: Progress): void;
}

export type SearchOutcome = { readonly state: "done" | "cancelled" } | { readonly state: "failed"; readonly error: MillError };

/** Below this a trial has too little room for the training rows and its own work. */
const TRIAL_MEMORY_MB = 500;

/** Tries until the search is over. A trial that fails is told and the search goes on; what would meet every trial ends it. */
export async function carryOutSearch(search: Search, effects: SearchEffects): Promise<SearchOutcome> {
  const { ledger, request } = effects;
  const { tuning } = search;
  const places = placesOf(search, effects);
  for (;;) {
    const { tried, next, open } = await replay(search, ledger);
    const total = Math.max(tuning.trials, tried.length + next.length);
    effects.onProgress({ done: tried.length, total, note: bestNote(search, tried) });
    if (next.length === 0) return { state: "done" };
    const shared = {
      ...request,
      threads: Math.max(1, Math.floor(request.threads / places)),
      memoryMb: Math.floor(request.memoryMb / places),
    };
    const pool = "trial" in ledger.pools ? { pool: "trial" } : {};
    const outcomes = await ledger.executeAll(
      open.map(({ input }): StepRequest => ({ ...shared, ...pool, kind: "trial", input })),
      { concurrency: places },
    );
    if (outcomes.some(({ state }) => state === "cancelled")) return { state: "cancelled" };
    const fatal = outcomes.find((outcome) => outcome.state === "failed" && !OF_TRIAL.includes(outcome.error.code));
    if (fatal?.state === "failed") return { state: "failed", error: fatal.error };
  }
}

/** Trials at one time: a fit of few rows gains more from another beside it than from more threads. */
function placesOf({ tuning }: Search, { ledger, request }: SearchEffects): number {
  const roomy = Math.max(1, Math.floor(request.memoryMb / TRIAL_MEMORY_MB));
  return Math.max(1, Math.min(tuning.parallel, ledger.pools.trial ?? request.threads, roomy));
}

function bestNote({ tuning: { metric, better } }: Search, tried: readonly Tried[]): string {
  const values = tried.map(({ facts }) => facts?.value ?? null).filter((value) => value !== null);
  if (values.length === 0) return "trials";
  const best = better === "lower" ? Math.min(...values) : Math.max(...values);
  return `trials; best ${metric} ${Number(best.toPrecision(4))}`;
}

/** The trainer of a model: the one found, where it was searched for. */
export function trainerFound(model: ModelDefinition, tuned: StepManifest | undefined): Omit<TrainerDefinition, "tuning"> {
  const { tuning, ...stated } = model.train;
  if (tuning === undefined) return stated;
  const { point } = tuned!.facts.best as unknown as TrialResult;
  return { ...stated, ...trainerAt(tuning, point) };
}

/** What a bundle tells of the search that its trainer came from. */
export const searchStory = (tuning: TuningDefinition, { facts, objects }: StepManifest): SearchStory => ({
  ...tuning,
  tried: objects.trials!,
  best: facts.best as unknown as TrialResult,
  why: facts.why as string,
});
