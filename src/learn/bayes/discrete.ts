/**
 * Naive Bayes on counts, on events and on texts. `smoothing` rows are added to each count. Missing values are left out of the product; so are texts that
 * training did not see. Source: scikit-learn `MultinomialNB`, `BernoulliNB`, `CategoricalNB`.
 */
import {
  type Estimator,
  type FitContext,
  type ParamSpecs,
  type Params,
  type Predictor,
  type Tags,
  type TrainingData,
  usualTags,
} from "../estimator.ts";
import { completeParams } from "../params.ts";
import { checkTrainingData } from "../training-data.ts";
import { category, counted, event } from "./density.ts";
import {
  type BayesProblem,
  type ClassSums,
  type ColumnDensity,
  fitBayes,
  fitPriorParam,
  informationOf,
  smoothingParam,
} from "./fit-bayes.ts";

const tags: Tags = {
  ...usualTags,
  ...{ tasks: ["binary-classification", "multiclass-classification"], explains: true, partialFit: true },
};

const common: ParamSpecs = { smoothing: smoothingParam, fitPrior: fitPriorParam };

export const multinomialNaiveBayes: Estimator = {
  name: "multinomial-naive-bayes",
  revision: 2,
  about: "Shares of the columns in each class's counts, as of words in texts; its probabilities are too sure.",
  params: common,
  tags: { ...tags, missing: false, text: false, negative: false },
  fit: (data, params, context) => fit(multinomialNaiveBayes, multinomial, data, params, context),
};

export const bernoulliNaiveBayes: Estimator = {
  name: "bernoulli-naive-bayes",
  revision: 2,
  about: "Shares of the rows in which each thing occurs, by class: for columns of yes and no.",
  params: {
    threshold: { type: "number", default: 0, about: "a number above this counts as yes" },
    ...common,
  },
  tags: { ...tags, text: false },
  fit: (data, params, context) => fit(bernoulliNaiveBayes, bernoulli, data, params, context),
};

export const categoricalNaiveBayes: Estimator = {
  name: "categorical-naive-bayes",
  revision: 2,
  about: "Shares of the texts in each class: for columns of categories.",
  params: common,
  tags: { ...tags, numbers: false },
  fit: (data, params, context) => fit(categoricalNaiveBayes, categorical, data, params, context),
};

interface Complete {
  readonly smoothing: number;
  readonly fitPrior: boolean;
  readonly threshold: number;
}

type Family = (params: Complete) => Pick<BayesProblem, "of" | "densityOf">;

async function fit(
  estimator: Estimator,
  family: Family,
  data: TrainingData,
  given: Params,
  context: FitContext,
): Promise<Predictor> {
  const params = completeParams(estimator, given) as unknown as Complete;
  checkTrainingData(estimator, data, context);
  return fitBayes(data, { estimator: estimator.name, ...params, ...family(params) }, context);
}

const multinomial: Family = ({ smoothing }) => {
  let totals: Float64Array | undefined;
  return {
    of: "sums",
    densityOf(sums, { all, classCount, classWeights }) {
      totals ??= Float64Array.from({ length: classCount }, (_, k) => all.reduce((sum, own) => sum + own[k]! + smoothing, 0));
      const shares = sums.map((sum, k) => (sum + smoothing) / totals![k]!);
      return { density: counted(shares.map(Math.log)), gain: tellsApart(shares, classWeights) };
    },
  };
};

/** How much one column of many counts differs between the classes. */
function tellsApart(shares: Float64Array, classWeights: Float64Array): number {
  const total = classWeights.reduce((a, b) => a + b);
  const mean = shares.reduce((sum, share, k) => sum + (classWeights[k]! / total) * share, 0);
  return shares.reduce((sum, share, k) => sum + (classWeights[k]! / total) * share * Math.abs(Math.log(share / mean)), 0);
}

const bernoulli: Family = ({ smoothing, threshold }) => ({
  of: "above",
  densityOf(sums: Float64Array, { classWeights }: ClassSums): ColumnDensity {
    const share = (k: number, count: number) => (count + smoothing) / (sums[k * 2]! + 2 * smoothing);
    const above = classWeights.map((_, k) => share(k, sums[k * 2 + 1]!));
    const below = classWeights.map((_, k) => share(k, sums[k * 2]! - sums[k * 2 + 1]!));
    const distributions = [...above].map((yes, k) => Float64Array.of(yes, below[k]!));
    return {
      density: event(threshold, above.map(Math.log), below.map(Math.log)),
      gain: informationOf(distributions, classWeights),
    };
  },
});

const categorical: Family = ({ smoothing }) => ({
  of: "levels",
  densityOf(sums, { classCount, classWeights }, texts) {
    const count = texts.length;
    const distributions = Array.from({ length: classCount }, (_, k) => {
      const own = sums.subarray(k * count, (k + 1) * count);
      const total = own.reduce((a, b) => a + b, 0) + smoothing * count;
      return Float64Array.from(own, (sum) => (sum + smoothing) / total);
    });
    const logs = Float64Array.from({ length: count * classCount }, (_, at) =>
      Math.log(distributions[at % classCount]![Math.floor(at / classCount)]!),
    );
    return { density: category(texts, logs), gain: informationOf(distributions, classWeights) };
  },
});
