/** One trial of a search as a step: a trainer with certain parameters, cross-validated on the training part. What the data refuse is a result too. */
import { asMillError, type Digest, type Json, type MillError } from "../../base/index.ts";
import type { Task } from "../../contract/index.ts";
import { readPart } from "../../features/index.ts";
import {
  type Fold,
  type Frame,
  measureNamed,
  type Params,
  type Predictor,
  pickRows,
  type TrainingData,
} from "../../learn/index.ts";
import type { StepContext, StepKind } from "../../steps/index.ts";
import { type Around, estimatorOf } from "../estimator-of.ts";
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
    if (!isOfTrial(error)) throw error;
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
  return {
    ...{ value, running, values },
    modelBytes: last === null ? null : Buffer.byteLength(JSON.stringify(last.predictor.toJson())),
    error: value === null ? `No fold defines ${input.metric}: ${undefinedFor}.` : null,
    took: { fitMs: Math.round(fitMs), rowMicros: last === null ? null : rowMicrosOf(last.predictor, last.unseen.X) },
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

/** What parameters and rows do not agree on; not what stops the whole search. */
const isOfTrial = ({ code }: MillError) =>
  code.startsWith("learn.") && !["learn.cancelled", "learn.worker-lost", "learn.bad-split", "learn.task"].includes(code);

const WARM_UP = 50;
const ROWS_TIMED = 200;

/** The median time of one row, in microseconds, once the scorer is warm. */
function rowMicrosOf(predictor: Predictor, { rowCount, columns }: Frame): number | null {
  if (rowCount === 0) return null;
  const score = predictor.rowScorer();
  const rowAt = (row: number) =>
    Object.fromEntries(
      Object.entries(columns).map(([name, column]) => {
        const value = column.kind === "number" ? column.values[row]! : (column.texts[column.codes[row]!] ?? null);
        return [name, Number.isNaN(value) ? null : value];
      }),
    );
  const times = Array.from({ length: WARM_UP + ROWS_TIMED }, (_, at) => {
    const row = rowAt(at % rowCount);
    const from = performance.now();
    score(row);
    return 1000 * (performance.now() - from);
  });
  const sorted = times.slice(WARM_UP).sort((a, b) => a - b);
  return Number(sorted[ROWS_TIMED / 2]!.toFixed(2));
}
