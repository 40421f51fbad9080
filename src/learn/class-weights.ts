/** The parameter `classWeights`, and what it makes of the rows' weights. */
import { didYouMean, MillError } from "../base/index.ts";
import type { NumbersByName, ParamSpec, TrainingData } from "./estimator.ts";

export const classWeightsParam: ParamSpec = {
  ...{ type: "by-name", each: { type: "number", min: 0, max: 1e9 }, default: {} },
  about: "by class, a factor on the weights of its rows; 1 for classes not named",
};

/** The rows' weights x their classes'; undefined where all are 1. Error: `learn.bad-parameter` for a class that is none, and when fewer than two classes count. */
export function withClassWeights(estimator: string, data: TrainingData, factors: NumbersByName): Float64Array | undefined {
  const { y, classes, weights } = data;
  const unknown = Object.keys(factors).find((name) => !classes.includes(name));
  if (unknown !== undefined)
    throw badClassWeights(estimator, `there is no class "${unknown}"`, {
      expected: classes.length > 0 ? `some of ${classes.join(", ")}` : "none, as the task has no classes",
      got: unknown,
      fix: `Name the classes as the label has them.${didYouMean(unknown, classes)}`,
    });
  if (Object.values(factors).every((factor) => factor === 1)) return weights;
  const byClass = classes.map((name) => factors[name] ?? 1);
  const all = y.map((label, row) => byClass[label]! * (weights === undefined ? 1 : weights[row]!));
  const counting = new Set(y.filter((_, row) => all[row]! > 0));
  if (counting.size > 1) return all;
  throw badClassWeights(estimator, `${counting.size === 0 ? "no" : "only one"} class counts`, {
    expected: "a weight above 0 for at least two classes",
    got: JSON.stringify(factors),
    fix: "Give the classes that are to be told apart weights above 0.",
  });
}

const badClassWeights = (estimator: string, what: string, rest: { expected: string; got: string; fix: string }) =>
  new MillError("learn.bad-parameter", `${estimator}.classWeights: ${what}.`, { at: `${estimator}.classWeights`, ...rest });
