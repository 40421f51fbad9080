import { checkEstimator } from "../suite.ts";
import { logisticRegression } from "./logistic-regression.ts";

checkEstimator(logisticRegression, {
  params: {},
  weightParams: { tolerance: 1e-8 },
  rowOrder: "close",
  cancellable: true,
  golden: {
    revision: 1,
    digests: {
      "binary-classification": "sha256:cac89f0b1d7ef5e9c31e95856d2eb8b9daeaf48b82262c9cb09c43b663ede471",
      "multiclass-classification": "sha256:51ee317483b0c71a890e44b95d9364033edda79f31c66b1d75e958a97f936096",
    },
  },
});
