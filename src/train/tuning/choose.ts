/** The last step of a search: of all trials the best, and why. What the model is then trained with. */
import { type Digest, type Json, MillError } from "../../base/index.ts";
import type { TuningDefinition } from "../../define/index.ts";
import type { Params } from "../../learn/index.ts";
import type { StepKind } from "../../steps/index.ts";
import { bestOf } from "./search.ts";

/** A trial on one share of the rows, as manifest, card and leaderboard tell it. */
export interface TrialResult {
  /** From 0. */
  readonly trial: number;
  readonly estimator: string;
  /** Those that were searched, by the names of the space. */
  readonly point: Params;
  readonly share: number;
  readonly value: number | null;
  /** By fold; fewer when it was pruned. */
  readonly values: readonly (number | null)[];
  readonly modelBytes: number | null;
  readonly error: string | null;
  /** Of its step, by which its time and memory are found. */
  readonly key: Digest;
}

/** What a bundle tells of the search that its trainer came from. */
export interface SearchStory extends TuningDefinition {
  /** Every trial, as a JSON list of `TrialResult`. */
  readonly tried: Digest;
  readonly best: TrialResult;
  readonly why: string;
}

export interface TuneInput {
  readonly model: string;
  readonly metric: string;
  readonly better: "higher" | "lower";
  readonly folds: number;
  readonly trials: readonly TrialResult[];
  /** Of a search that starts warm. */
  readonly warm?: Warm;
}

/** What a search took over from earlier ones, and which search it is itself: asked for again it takes the same. */
export interface Warm {
  readonly search: Digest;
  /** Keys of the steps `tune` that it took over, oldest first. */
  readonly from: readonly Digest[];
  /** Trials that it learnt from, and how many it began with. */
  readonly trials: number;
  readonly begins: number;
}

/** Error: `train.no-trial`. */
export const tune: StepKind<TuneInput> = {
  name: "tune",
  revision: 1,
  async run(input, context) {
    const best = bestTrial(input);
    if (best === null) throw noTrial(input);
    const stored = await context.objects.put(Buffer.from(JSON.stringify(input.trials)));
    const { warm } = input;
    const facts = {
      ...{ best: best as unknown as Json, why: why(input, best), trials: input.trials.length },
      ...(warm && { warm: warm as unknown as Json }),
    };
    return { objects: { trials: stored }, facts, measurements: [] };
  },
};

/** The trial that wins; null: none has a value. */
export function bestTrial({ trials, better }: Pick<TuneInput, "trials" | "better">): TrialResult | null {
  const sign = better === "lower" ? 1 : -1;
  const found = trials.map((one) => ({
    ...one,
    loss: one.value === null ? null : sign * one.value,
    running: one.values,
    result: one,
  }));
  return bestOf(found)?.result ?? null;
}

function why({ trials, metric, better, folds, warm }: TuneInput, best: TrialResult): string {
  const whole = trials.filter(
    ({ share, values, value }) => share === best.share && values.length === best.values.length && value !== null,
  );
  const failed = trials.filter(({ error }) => error !== null).length;
  const parts = [
    `trial ${best.trial + 1} has the ${better === "lower" ? "lowest" : "highest"} mean ${metric} of ${folds} folds, ${Number(best.value!.toPrecision(6))}, of ${whole.length} that saw all of them`,
    ...(trials.length > whole.length + failed ? [`${trials.length - whole.length - failed} were given up early`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(warm ? [warmText(warm)] : []),
  ];
  return parts.join("; ");
}

/** `it began with the best 4 points of 2 earlier searches, and learnt from 60 of their trials`. */
export function warmText({ from, trials, begins }: Pick<Warm, "from" | "trials" | "begins">): string {
  if (begins === 0) return "it found no earlier search to begin with";
  const [searches, whose] = from.length === 1 ? ["an earlier search", "its"] : [`${from.length} earlier searches`, "their"];
  return `it began with the best ${begins === 1 ? "point" : `${begins} points`} of ${searches}, and learnt from ${trials} of ${whose} trials`;
}

function noTrial({ model, trials, metric }: TuneInput): MillError {
  const errors = [...new Set(trials.map(({ error }) => error ?? "it has no value"))];
  return new MillError("train.no-trial", `None of ${trials.length} trials has a ${metric}: ${errors.slice(0, 3).join(" ")}`, {
    at: `model "${model}"`,
    expected: "at least one trial that could be trained and measured",
    got: errors.slice(0, 3).join(" "),
    fix: "Mend what the errors tell, or search other values: mill trials MODEL lists each trial.",
  });
}
