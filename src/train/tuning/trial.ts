/** One trial of a search as a step: a trainer with certain parameters, cross-validated on the training part. What the data refuse is a result too. */
import { asMillError, type Digest, type Json } from "../../base/index.ts";
import type { Task } from "../../contract/index.ts";
import { readPart } from "../../features/index.ts";
import {
  type Fold,
  type Frame,
  isOfCandidate,
  measureNamed,
  type Params,
  type Predictor,
  pickRows,
  type TrainingData,
} from "../../learn/index.ts";
import type { StepContext, StepKind } from "../../steps/index.ts";
import { type Around, estimatorOf } from "../estimator-of.ts";
import { rowTimesOf } from "../row-times.ts";
import { foldsOf, type SplitRule } from "./folds.ts";

export interface TrialInput extends Around {
  readonly train: Digest;
  readonly features: readonly string[];
  readonly task: Task;
  readonly classes: readonly string[];
  readonly estimator: string;
  readonly params: Params;
  readonly seed: number;
  readonly split: SplitRule;
  readonly folds: number;
  readonly metric: string;
  /** Of the rows of each fold that are learnt from. */
  readonly share: number;
  /** By fold: a mean loss above it ends the trial; see `search.ts`. */
  readonly bounds?: readonly (number | null)[];
}

/** What a trial leaves as facts. */
export interface TrialFacts {
  /** The measure's mean over the folds that define it; null: it failed, or none does. */
  readonly value: number | null;
  /** The mean over the folds up to each; shorter when it was pruned. */
  readonly running: readonly (number | null)[];
  /** By fold. */
  readonly values: readonly (number | null)[];
  /** Of the last fold's model as JSON. */
  readonly modelBytes: number | null;
  /** Why there is no value. */
  readonly error: string | null;
  /** What this machine took, which is another time otherwise. */
  readonly took: { readonly fitMs: number; readonly rowMicros: number | null };
}

/** Errors: `learn.bad-split`, and what would meet every trial alike. */
export const trial: StepKind<TrialInput> = {
  name: "trial",
  revision: 1,
  async run(input, context) {
    context.progress(0, input.folds, "reading the training set");
    const data = await readPart(input.train, input, context);
    const folds = foldsOf(data, input);
    const facts = await measured(data, folds, input, context);
    return { objects: {}, facts: facts as unknown as Record<string, Json>, measurements: [] };
  },
};

async function measured(
  data: TrainingData & { readonly all: Frame },
  folds: readonly Fold[],
  input: TrialInput,
  context: StepContext,
): Promise<TrialFacts> {
  const measure = measureNamed(input.task, input.metric);
  const sign = measure.better === "lower" ? 1 : -1;
  const values: (number | null)[] = [];
  const running: (number | null)[] = [];
  let [fitMs, undefinedFor]: [number, string | null] = [0, null];
  let last: { predictor: Predictor; unseen: TrainingData } | null = null;
  try {
    for (const [index, fold] of folds.entries()) {
      const unseen = pickRows(data, fold.test);
      const from = performance.now();
      const predictor = await fitFold(pickRows(data, fold.train), input, context, index);
      fitMs += performance.now() - from;
      const found = measure.of({ predictions: predictor.predict(unseen.X), y: unseen.y, classes: predictor.classes });
      if (found.value === null || !Number.isFinite(found.value))
        undefinedFor ??= "why" in found ? found.why : `it is ${found.value}`;
      values.push(found.value !== null && Number.isFinite(found.value) ? found.value : null);
      running.push(meanOf(values));
      last = { predictor, unseen };
      const [mean, bound] = [running.at(-1)!, input.bounds?.[index] ?? null];
      if (mean !== null && bound !== null && sign * mean > bound) break;
    }
  } catch (thrown) {
    const error = asMillError(thrown);
    if (!isOfCandidate(error)) throw error;
    return {
      value: null,
      running: [],
      values,
      modelBytes: null,
      error: error.message,
      took: { fitMs: Math.round(fitMs), rowMicros: null },
    };
  }
  const value = meanOf(values);
  const times = last && (await rowTimesOf({ ...last, predict: (X) => last!.predictor.predict(X) }, last.unseen.X));
  return {
    ...{ value, running, values },
    modelBytes: last === null ? null : Buffer.byteLength(JSON.stringify(last.predictor.toJson())),
    error: value === null ? `No fold defines ${input.metric}: ${undefinedFor}.` : null,
    took: { fitMs: Math.round(fitMs), rowMicros: times?.medianMicros ?? null },
  };
}

function fitFold(
  seen: TrainingData,
  input: TrialInput,
  { threads, signal, progress, log }: StepContext,
  index: number,
): Promise<Predictor> {
  const { estimator, params } = estimatorOf(input);
  return estimator.fit(seen, params, {
    ...{ threads, seed: input.seed, signal },
    warn: ({ message }) => log(`fold ${index + 1}: ${message}`),
    progress: (done, total, note) =>
      progress(
        index + (total > 0 ? done / total : 0),
        input.folds,
        `fold ${index + 1} of ${input.folds}${note === undefined ? "" : `: ${note}`}`,
      ),
  });
}

/** Of the numbers among them; null: there are none. */
function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
