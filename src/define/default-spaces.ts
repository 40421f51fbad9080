/** What is searched of an estimator where nobody says what: the parameters that move quality most, in ranges that have served on many data sets. */
import type { Task } from "../contract/index.ts";
import { type Space, SPACE_WORDS as s } from "./space.ts";

/** 0 is the share that is usual for the task. */
const COLUMN_SHARES = s.categorical(0, 0.2, 0.4, 0.6, 0.8, 1);

/** By estimator; one that is not here has no parameter worth a search. */
export const DEFAULT_SPACES: Readonly<Record<string, Space>> = {
  "logistic-regression": { l2: s.logUniform(1e-3, 1e3) },
  ridge: { l2: s.logUniform(1e-3, 1e4) },
  lasso: { alpha: s.logUniform(1e-4, 10) },
  "elastic-net": { alpha: s.logUniform(1e-4, 10), l1Ratio: s.uniform(0, 1) },
  "linear-svm": { l2: s.logUniform(1e-3, 1e3) },
  "linear-svr": { l2: s.logUniform(1e-3, 1e3) },
  "gaussian-naive-bayes": { smoothing: s.logUniform(1e-12, 1e-2) },
  "multinomial-naive-bayes": { smoothing: s.logUniform(1e-3, 1e2) },
  "bernoulli-naive-bayes": { smoothing: s.logUniform(1e-3, 1e2) },
  "categorical-naive-bayes": { smoothing: s.logUniform(1e-3, 1e2) },
  "gradient-boosting": {
    learningRate: s.logUniform(0.02, 0.3),
    trees: s.logInteger(50, 500),
    leaves: s.logInteger(4, 128),
    minRowsPerLeaf: s.logInteger(5, 200),
    l2: s.logUniform(1e-3, 10),
    columnShare: s.uniform(0.4, 1),
  },
  "decision-tree": { depthMax: s.categorical(0, 2, 3, 4, 6, 8, 12), minRowsPerLeaf: s.logInteger(1, 200) },
  "random-forest": { columnShare: COLUMN_SHARES, minRowsPerLeaf: s.logInteger(1, 50) },
  "extra-trees": { columnShare: COLUMN_SHARES, minRowsPerLeaf: s.logInteger(1, 50) },
  "nearest-neighbours": { neighbours: s.logInteger(1, 100), weighting: s.categorical("uniform", "distance") },
};

const CLASSIFIERS = ["gradient-boosting", "random-forest", "extra-trees", "logistic-regression", "nearest-neighbours"];

/** What `automl` chooses among where nobody says what: of each family what takes texts and missing values; the first trial of each has its defaults. */
export const AUTOML_AMONG: Readonly<Record<Task, readonly string[]>> = {
  "binary-classification": CLASSIFIERS,
  "multiclass-classification": CLASSIFIERS,
  regression: ["gradient-boosting", "random-forest", "extra-trees", "ridge", "elastic-net", "nearest-neighbours"],
};
