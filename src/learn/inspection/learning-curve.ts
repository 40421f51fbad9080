/** Whether more rows would help: an estimator trained on ever larger parts of each fold's training rows. */
import { createRandom, MillError } from "../../base/index.ts";
import { throwIfCancelled } from "../crew/crew.ts";
import type { Estimator, FitContext, Params, Predictor, TrainingData } from "../estimator.ts";
import type { Measure } from "../metrics/measures.ts";
import { scoredBy } from "../model-selection/cross-validate.ts";
import { pickRows, shuffle } from "../model-selection/rows.ts";
import { badSplit, type Splitter } from "../model-selection/splitters.ts";
import { stagesOf } from "../model-selection/stages.ts";
import { completeParams } from "../params.ts";

export interface LearningCurveOptions {
  readonly splitter: Splitter;
  readonly measure: Measure;
  /** Shares of the training rows, above 0 and at most 1; default a tenth to all in five steps. */
  readonly shares?: readonly number[];
}

export interface LearningPoint {
  readonly share: number;
  readonly fold: number;
  readonly trainRows: number;
  /** On the rows it was trained on, and on the fold's test rows; null with the reason where that is not defined, or so few rows cannot be learnt from. */
  readonly train: number | null;
  readonly test: number | null;
  readonly why?: string;
}

/**
 * A point for each fold and share; of a fold the smaller parts lie within the larger ones, drawn by the context's seed. Errors: `learn.bad-parameter`,
 * `learn.bad-split`, `learn.cancelled`, `learn.worker-lost`.
 */
export async function learningCurve(
  estimator: Estimator,
  params: Params,
  data: TrainingData,
  { splitter, measure, shares = [0.1, 0.325, 0.55, 0.775, 1] }: LearningCurveOptions,
  context: FitContext,
): Promise<readonly LearningPoint[]> {
  const complete = completeParams(estimator, params);
  const outside = shares.find((share) => !(share > 0 && share <= 1));
  if (outside !== undefined)
    throw badSplit(`A share of the training rows is ${outside}.`, "shares above 0 and at most 1", "Correct it.");
  const folds = splitter.split(data);
  const stages = stagesOf(context, folds.length * shares.length);
  const points: LearningPoint[] = [];
  for (const [fold, { train, test }] of folds.entries()) {
    const order = Int32Array.from(train);
    shuffle(order, createRandom(context.seed));
    for (const [index, share] of shares.entries()) {
      throwIfCancelled(context.signal);
      const trainRows = Math.max(1, Math.round(share * train.length));
      const stage = stages(fold * shares.length + index, `fold ${fold + 1}, ${trainRows} rows`);
      const seen = pickRows(data, order.slice(0, trainRows).sort());
      points.push({
        share,
        fold,
        trainRows,
        ...(await scoresOf(estimator.fit(seen, complete, stage), measure, seen, pickRows(data, test))),
      });
      stage.progress(1, 1);
    }
  }
  return points;
}

type Scores = Pick<LearningPoint, "train" | "test" | "why">;

async function scoresOf(fit: Promise<Predictor>, measure: Measure, seen: TrainingData, unseen: TrainingData): Promise<Scores> {
  try {
    const predictor = await fit;
    const [learnt, left] = [measure.of(scoredBy(predictor, seen)), measure.of(scoredBy(predictor, unseen))];
    return { train: learnt.value, test: left.value, ...(left.value === null && { why: left.why }) };
  } catch (error) {
    if (!isOfFewRows(error)) throw error;
    return { train: null, test: null, why: error.message };
  }
}

const isOfFewRows = (error: unknown): error is MillError =>
  error instanceof MillError && ["learn.one-class", "learn.bad-column", "learn.empty"].includes(error.code);
