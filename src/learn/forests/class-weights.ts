import { MillError } from "../../base/index.ts";
import type { NumbersByName, ParamSpec, TrainingData } from "../estimator.ts";

export const classWeightsParam: ParamSpec = {
  type: "by-name",
  each: { type: "number", min: 0, openMin: true, max: 1e9 },
  default: {},
  about: "by class, a factor on the weights of its rows; 1 for classes not named",
};

/** The rows' weights times their classes'; undefined where all are 1. Error: `learn.bad-parameter` when a class is not one of the data's. */
export function weighted(
  estimator: string,
  { y, classes, weights }: TrainingData,
  factors: NumbersByName,
): Float64Array | undefined {
  const unknown = Object.keys(factors).find((name) => !classes.includes(name));
  if (unknown !== undefined)
    throw new MillError("learn.bad-parameter", `${estimator}.classWeights: there is no class "${unknown}".`, {
      at: `${estimator}.classWeights`,
      expected: classes.length > 0 ? `some of ${classes.join(", ")}` : "none, as the task has no classes",
      got: unknown,
      fix: "Name the classes as the label has them.",
    });
  if (Object.values(factors).every((factor) => factor === 1)) return weights;
  const byClass = classes.map((name) => factors[name] ?? 1);
  return Float64Array.from(y, (label, row) => byClass[label]! * (weights === undefined ? 1 : weights[row]!));
}
