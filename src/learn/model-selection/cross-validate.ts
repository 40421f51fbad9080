/** How good an estimator is on rows that it was not trained on: each fold is left out in turn. */
import { throwIfCancelled } from "../crew/crew.ts";
import type { Estimator, FitContext, Params, Predictor, TrainingData } from "../estimator.ts";
import type { Measure, Scored } from "../metrics/measures.ts";
import { completeParams } from "../params.ts";
import { pickRows } from "./rows.ts";
import type { Splitter } from "./splitters.ts";
import { stagesOf } from "./stages.ts";

export interface CrossValidated {
  /** A row for each fold and measure. */
  readonly rows: readonly FoldScore[];
  /** By measure, over the folds that define it. */
  readonly summary: Readonly<Record<string, ScoreSummary>>;
  /** Rows x outputs: of each row by the model that was not trained on it; NaN for rows that no fold tests, the last fold's where several do. */
  readonly predictions: Float64Array;
}

export interface FoldScore {
  readonly fold: number;
  readonly measure: string;
  /** On the rows left out, and on those that it was trained on when `train` was asked for; null with the reason where the rows do not define it. */
  readonly test: number | null;
  readonly train?: number | null;
  readonly why?: string;
  readonly trainRows: number;
  readonly testRows: number;
}

export interface ScoreSummary {
  readonly mean: number;
  /** Of the folds' values, n - 1; 0 for one fold. Folds share rows, so that the mean's own error is larger than deviation / sqrt(folds). */
  readonly deviation: number;
  readonly folds: number;
}

export interface CrossValidateOptions {
  readonly splitter: Splitter;
  readonly measures: readonly Measure[];
  /** Whether to measure on the training rows too. */
  readonly train?: boolean;
}

/**
 * Fits one fold after the other, each on all threads of the context; the same seed for each. Nothing is fitted when the parameters are wrong or the rows cannot
 * be cut. Outlier detection and clustering learn without labels, and are measured by them where `data.y` has some. Errors: `learn.bad-parameter`, `learn.bad-split`, and those of `fit`.
 */
export async function crossValidate(
  estimator: Estimator,
  params: Params,
  data: TrainingData,
  { splitter, measures, train = false }: CrossValidateOptions,
  context: FitContext,
): Promise<CrossValidated> {
  const complete = completeParams(estimator, params);
  const folds = splitter.split(data);
  const stages = stagesOf(context, folds.length);
  const rows: FoldScore[] = [];
  let predictions = new Float64Array();
  for (const [index, fold] of folds.entries()) {
    throwIfCancelled(context.signal);
    const stage = stages(index, `fold ${index + 1} of ${folds.length}`);
    const [seen, unseen] = [pickRows(data, fold.train), pickRows(data, fold.test)];
    const predictor = await estimator.fit(seen, complete, stage);
    const scored = scoredBy(predictor, unseen);
    const learnt = train ? scoredBy(predictor, seen) : undefined;
    for (const measure of measures) rows.push(scoreOf(index, measure, scored, learnt, fold.train.length));
    if (predictions.length === 0) predictions = new Float64Array(data.X.rowCount * predictor.outputs).fill(NaN);
    fold.test.forEach((row, at) => {
      for (let k = 0; k < predictor.outputs; k++)
        predictions[row * predictor.outputs + k] = scored.predictions[at * predictor.outputs + k]!;
    });
    stage.progress(1, 1);
  }
  return { rows, summary: summarised(rows), predictions };
}

/** A predictor's word on labelled rows, as measures take it. */
export function scoredBy(predictor: Predictor, { X, y, weights, groups }: TrainingData): Scored {
  const predictions = predictor.predict(X);
  return { predictions, y, classes: predictor.classes, ...(weights && { weights }), ...(groups && { groups }) };
}

function scoreOf(fold: number, measure: Measure, test: Scored, train: Scored | undefined, trainRows: number): FoldScore {
  const metric = measure.of(test);
  return {
    fold,
    measure: measure.name,
    test: metric.value,
    ...(train && { train: measure.of(train).value }),
    ...(metric.value === null && { why: metric.why }),
    trainRows,
    testRows: test.y.length,
  };
}

export function summarised(
  rows: readonly { readonly measure: string; readonly test: number | null }[],
): Record<string, ScoreSummary> {
  const byMeasure = [...Map.groupBy(rows, ({ measure }) => measure)].map(([name, folds]): [string, number[]] => [
    name,
    folds.map(({ test }) => test).filter((value) => value !== null),
  ]);
  return Object.fromEntries(
    byMeasure.filter(([, values]) => values.length > 0).map(([name, values]) => [name, summaryOf(values)]),
  );
}

function summaryOf(values: readonly number[]): ScoreSummary {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)), folds: values.length };
}
