/**
 * A model's search: trials that are steps of the ledger, generation after generation, each decided from what the ones before found. Which trials there are is a pure
 * function of the definition and their results, so that a plan replays it from what is recorded and a run goes on where another ended. A trial that was killed for
 * its memory or its time counts as failed from then on; one that was cancelled or lost runs again.
 */
import type { Digest, MillError } from "../base/index.ts";
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
} from "../train/index.ts";

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
  /** The next generation; none: the search is over. */
  next(tried: readonly Tried[]): readonly Asked[];
  /** Of the step that chooses. */
  input(tried: readonly Tried[]): TuneInput;
}

export function searchOf(model: ModelDefinition, basis: TrialBasis, ledger: Pick<Ledger, "keyOf">): Search {
  const { tuning, steps, calibration } = model.train as TrainerDefinition & { tuning: TuningDefinition };
  const sign = tuning.better === "lower" ? 1 : -1;
  const signed = (value: number | null) => (value === null ? null : sign * value);

  const foundBy = ({ job, facts }: Tried): Found => ({
    ...job,
    loss: signed(facts?.value ?? null),
    running: facts?.running.map(signed) ?? [],
  });

  const asked = (job: Job): Asked => {
    const around = { ...(steps && { steps }), ...(calibration && { calibration }) };
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

  return {
    tuning,
    next: (tried) => nextJobs(tuning, model.seed, tried.map(foundBy)).map(asked),
    input: (tried) => ({
      ...{ model: model.name, metric: tuning.metric, better: tuning.better, folds: tuning.folds },
      trials: tried.map(resultOf),
    }),
  };
}

const resultOf = ({ job: { trial, point, share }, input, key, facts, error }: Tried): TrialResult => ({
  ...{ trial, estimator: input.estimator, point, share },
  ...{ value: facts?.value ?? null, values: facts?.values ?? [], modelBytes: facts?.modelBytes ?? null, error, key },
});

/** As far as the ledger knows: all generations whose every trial has ended, and what is to be tried next; none: the search is over. */
export async function replay(
  search: Search,
  target: string,
  ledger: Ledger,
  from: readonly Tried[] = [],
): Promise<{ readonly tried: readonly Tried[]; readonly next: readonly Asked[] }> {
  const tried = [...from];
  let failures: ReadonlyMap<Digest, string> | null = null;
  for (;;) {
    const next = search.next(tried);
    if (next.length === 0) return { tried, next };
    const made = await ledger.resultsOf(next.map(({ key }) => key));
    if (made.size < next.length) failures ??= await failuresOf(target, ledger);
    const known = next.flatMap((one) => knownOf(one, made.get(one.key), failures?.get(one.key)));
    if (known.length < next.length) return { tried, next };
    tried.push(...known);
  }
}

function knownOf(asked: Asked, manifest: StepManifest | undefined, failure: string | undefined): Tried[] {
  if (manifest) return [triedBy(asked, manifest)];
  return failure === undefined ? [] : [{ ...asked, facts: null, error: failure }];
}

function triedBy(asked: Asked, { facts }: StepManifest): Tried {
  const found = facts as unknown as TrialFacts;
  return { ...asked, facts: found, error: found.error };
}

/** What ends one trial and says nothing of the others. */
const OF_TRIAL = ["step.crashed", "step.memory", "step.timeout"];

async function failuresOf(target: string, ledger: Ledger): Promise<Map<Digest, string>> {
  const { items } = await ledger.listSteps({ target, kind: "trial", state: "failed", limit: 1000 });
  return new Map(
    items.flatMap(({ key, error }) => (error && OF_TRIAL.includes(error.code) ? [[key, error.message] as const] : [])),
  );
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
  let tried: readonly Tried[] = [];
  for (;;) {
    const { next, ...known } = await replay(search, request.target, ledger, tried);
    tried = known.tried;
    const total = Math.max(tuning.trials, tried.length + next.length);
    effects.onProgress({ done: tried.length, total, note: bestNote(search, tried) });
    if (next.length === 0) return { state: "done" };
    const shared = {
      ...request,
      threads: Math.max(1, Math.floor(request.threads / places)),
      memoryMb: Math.floor(request.memoryMb / places),
    };
    const pool = "trial" in ledger.pools ? { pool: "trial" } : {};
    const failed = await failuresOf(request.target, ledger);
    const open = next.filter(({ key }) => !failed.has(key));
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
