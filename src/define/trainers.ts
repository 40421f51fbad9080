import { MillError } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import { checkParams, estimatorNamed, type Params } from "../learn/index.ts";
import type { TrainerDefinition } from "./definitions.ts";
import { fieldsOf, record, text } from "./options.ts";
import type { Trainer } from "./typed.ts";

export interface GradientBoostingParams {
  /** Rounds of boosting: one tree each, or one for each of more than two classes. Default 100. */
  readonly trees?: number | undefined;
  /** Leaves of a tree, at most. Default 31. */
  readonly leaves?: number | undefined;
  /** The share of each tree's step that is taken, above 0. Default 0.1. */
  readonly learningRate?: number | undefined;
  /** Training rows that a leaf must hold. Default 20. */
  readonly minRowsPerLeaf?: number | undefined;
  /** Penalty on the squares of the leaves' values. Default 0. */
  readonly l2?: number | undefined;
  /** Bins of a column, 2 to 255. Default 255. */
  readonly maxBins?: number | undefined;
  /** Questions on a path, 0 for no bound. Default 0. */
  readonly depthMax?: number | undefined;
  /** A split must gain more than this. Default 0. */
  readonly minGain?: number | undefined;
}

/** Gradient-boosted trees over histograms. Texts and missing values are taken as they are. */
export const gradientBoosting = (params: GradientBoostingParams = {}): Trainer<Task> => trainer("gradient-boosting", params);

export interface LogisticRegressionParams {
  /** Penalty on the squares of the weights, 1 / C of scikit-learn. Default 1. */
  readonly l2?: number | undefined;
  /** Steps of the search, at most. Default 200. */
  readonly iterationsMax?: number | undefined;
  /** The search ends when no slope of the mean loss is steeper. Default 1e-5. */
  readonly tolerance?: number | undefined;
  /** Texts of a column with fewer rows share one weight. Default 10. */
  readonly countMin?: number | undefined;
}

/** A linear model of the log odds; softmax with more than two classes. Texts are one-hot, missing numbers the mean and a mark. */
export const logisticRegression = (
  params: LogisticRegressionParams = {},
): Trainer<"binary-classification" | "multiclass-classification"> => trainer("logistic-regression", params);

/** The parameters complete: defaults are filled in here, so that the key of a training step names every one of them. */
function trainer<T extends Task>(estimator: string, given: unknown): Trainer<T> {
  const stated = Object.entries(record(estimator, given)).filter(([, value]) => value !== undefined);
  const checked = checkParams(estimatorNamed(estimator), Object.fromEntries(stated) as Params);
  if (!checked.ok) throw checked.error;
  return Object.freeze({ estimator, params: checked.params }) as unknown as Trainer<T>;
}

/** The trainer of a model, checked against the task it is to learn. */
export function readTrainer(at: string, given: unknown, task: Task): TrainerDefinition {
  const fields = fieldsOf(at, given, ["estimator", "params"]);
  const { name, tags } = estimatorNamed(text(`${at}: estimator`, fields.estimator));
  if (tags.tasks.includes(task)) return trainer(name, fields.params);
  throw new MillError("define.wrong-trainer", `${at}: ${name} cannot learn a ${task}.`, {
    at,
    expected: `a trainer for ${task}`,
    got: `${name}, for ${tags.tasks.join(" and ")}`,
    fix: "Use gradientBoosting(), or another trainer that learns the problem's task.",
  });
}
