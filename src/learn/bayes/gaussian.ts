/**
 * Gaussian naive Bayes: within a class each number is normal, with a mean and a variance of its own. Variances get `smoothing` x the largest variance of a
 * column added, as scikit-learn's `var_smoothing`. A missing value is left out of the product. Source: scikit-learn `GaussianNB`.
 */
import {
  type Estimator,
  type FitContext,
  type ParamSpecs,
  type Params,
  type Predictor,
  type TrainingData,
  usualTags,
} from "../estimator.ts";
import { completeParams } from "../params.ts";
import { badColumn, checkTrainingData } from "../training-data.ts";
import { gaussian } from "./density.ts";
import { type ClassSums, type ColumnDensity, fitBayes, fitPriorParam } from "./fit-bayes.ts";

const params: ParamSpecs = {
  smoothing: {
    ...{ type: "number", default: 1e-9, min: 0, max: 1 },
    about: "part of the largest variance of a column that all variances get; var_smoothing of scikit-learn",
  },
  fitPrior: fitPriorParam,
};

export const gaussianNaiveBayes: Estimator = {
  name: "gaussian-naive-bayes",
  revision: 2,
  about: "A bell curve per class and column: learnt in one pass, good on few rows.",
  params,
  tags: {
    ...usualTags,
    tasks: ["binary-classification", "multiclass-classification"],
    text: false,
    explains: true,
    partialFit: true,
  },
  fit,
};

async function fit(data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const complete = completeParams(gaussianNaiveBayes, given) as { smoothing: number; fitPrior: boolean };
  checkTrainingData(gaussianNaiveBayes, data, context);
  const { smoothing, fitPrior } = complete;
  let added: number | undefined;
  const densityOf = (sums: Float64Array, all: ClassSums) => {
    added ??= smoothing * Math.max(...all.all.map((column) => pooled(column).variance));
    return densityFrom(sums, all.classWeights, added);
  };
  const predictor = await fitBayes(data, { estimator: gaussianNaiveBayes.name, of: "moments", fitPrior, densityOf }, context);
  if (!Number.isFinite(added)) throw tooLarge(data);
  return predictor;
}

/** Where all variances are 0, so that a division has something to divide by. */
const VARIANCE_MIN = 1e-290;

function densityFrom(sums: Float64Array, classWeights: Float64Array, added: number): ColumnDensity {
  const whole = pooled(sums);
  const [means, variances] = [0, 1].map((which) =>
    classWeights.map((_, k) => (sums[k * 3]! > 0 ? sums[k * 3 + 1 + which]! : which === 0 ? whole.mean : whole.variance)),
  ) as [Float64Array, Float64Array];
  const widened = variances.map((variance) => Math.max(variance + added, VARIANCE_MIN));
  const density = gaussian(
    means,
    widened.map((variance) => 0.5 / variance),
    widened.map((variance) => -0.5 * Math.log(2 * Math.PI * variance)),
  );
  const spread = Math.max(whole.variance + added, VARIANCE_MIN);
  const total = classWeights.reduce((a, b) => a + b);
  const gain = means.reduce((sum, mean, k) => {
    const variance = widened[k]!;
    const apart = Math.log(spread / variance) + (variance + (mean - whole.mean) ** 2) / spread - 1;
    return sum + (classWeights[k]! / total / 2) * Math.max(0, apart);
  }, 0);
  return { density, gain };
}

/** Mean and variance of a column over all classes. */
function pooled(sums: Float64Array): { mean: number; variance: number } {
  let [total, sum, square] = [0, 0, 0];
  for (let at = 0; at < sums.length; at += 3) {
    total += sums[at]!;
    sum += sums[at]! * sums[at + 1]!;
  }
  const mean = sum / total;
  for (let at = 0; at < sums.length; at += 3) square += sums[at]! * (sums[at + 2]! + (sums[at + 1]! - mean) ** 2);
  return total > 0 ? { mean, variance: square / total } : { mean: 0, variance: 0 };
}

function tooLarge({ X }: TrainingData): Error {
  const name = Object.entries(X.columns).find(
    ([, column]) => column.kind === "number" && column.values.some((value) => Math.abs(value) > 1e150),
  )?.[0];
  return badColumn(
    name ?? "",
    "numbers whose squares fit a double",
    "larger ones",
    `Scale "${name}" down, or take its logarithm.`,
  );
}
