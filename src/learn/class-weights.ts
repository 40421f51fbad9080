/** The parameters `balanced` and `classWeights`, and what they make of the rows' weights. */
import { didYouMean, MillError } from "../base/index.ts";
import type { NumbersByName, ParamSpecs, TrainingData } from "./estimator.ts";
import { exactSum } from "./exact-sum.ts";

export const classWeightsParams = {
  balanced: {
    type: "boolean",
    default: false,
    about: "all classes weigh the same together, however many rows they have",
  },
  classWeights: {
    type: "by-name",
    each: { type: "number", min: 0, max: 1e9 },
    default: {},
    about: "by class, a factor on the weights of its rows, balanced or not; 1 for classes not named",
  },
} as const satisfies ParamSpecs;

export interface ClassWeights {
  readonly balanced: boolean;
  readonly classWeights: NumbersByName;
}

/**
 * The rows' weights x their classes'; undefined where all are 1. Balancing keeps the weight of all rows together.
 * Error: `learn.bad-parameter` for a class that is none, where there are no classes to balance, and when fewer than two classes count.
 */
export function withClassWeights(
  estimator: string,
  data: TrainingData,
  { balanced, classWeights: factors }: ClassWeights,
): Float64Array | undefined {
  const { y, classes, task } = data;
  const unknown = Object.keys(factors).find((name) => !classes.includes(name));
  if (unknown !== undefined)
    throw badClassWeights(`${estimator}.classWeights`, `there is no class "${unknown}"`, {
      expected: classes.length > 0 ? `some of ${classes.join(", ")}` : "none, as the task has no classes",
      got: unknown,
      fix: `Name the classes as the label has them.${didYouMean(unknown, classes)}`,
    });
  if (balanced && classes.length === 0)
    throw badClassWeights(`${estimator}.balanced`, `${task} has no classes to balance`, {
      expected: "false, as the task has no classes",
      got: "true",
      fix: "Leave it out.",
    });
  const weights = balanced ? balancedWeights(data) : data.weights;
  if (Object.values(factors).every((factor) => factor === 1)) return weights;
  const byClass = classes.map((name) => factors[name] ?? 1);
  const all = y.map((label, row) => byClass[label]! * (weights === undefined ? 1 : weights[row]!));
  const counting = new Set(y.filter((_, row) => all[row]! > 0));
  if (counting.size > 1) return all;
  throw badClassWeights(`${estimator}.classWeights`, `${counting.size === 0 ? "no" : "only one"} class counts`, {
    expected: "a weight above 0 for at least two classes",
    got: JSON.stringify(factors),
    fix: "Give the classes that are to be told apart weights above 0.",
  });
}

function balancedWeights({ y, weights, classes }: TrainingData): Float64Array {
  const weightAt = (row: number) => weights?.[row] ?? 1;
  const masses = classes.map((_, index) => exactSum(y.length, (row) => (y[row] === index ? weightAt(row) : 0)));
  const seen = masses.filter((mass) => mass > 0);
  const each = seen.reduce((a, b) => a + b, 0) / seen.length;
  return y.map((label, row) => (masses[label]! > 0 ? (weightAt(row) * each) / masses[label]! : 0));
}

const badClassWeights = (at: string, what: string, rest: { expected: string; got: string; fix: string }) =>
  new MillError("learn.bad-parameter", `${at}: ${what}.`, { at, ...rest });
