import { checkEstimator } from "../suite.ts";
import { gradientBoosting } from "./gradient-boosting.ts";

checkEstimator(gradientBoosting, {
  params: { trees: 12, leaves: 15 },
  weightParams: { trees: 12, leaves: 8, minRowsPerLeaf: 1 },
  rowOrder: "same",
  cancellable: true,
  golden: {
    revision: 1,
    digests: {
      "binary-classification": "sha256:f7ac25a03806c671c2fc0aa79c9a3e60f1b34c6d0e962d74659d6020b8213174",
      "multiclass-classification": "sha256:8cf611df9631144e112f7618e442e2486cb6004d8ded091a4f004354b9bbbbb3",
      regression: "sha256:d808c2a952d08c7c5f0b8a042a3499772ebfb8b7696e6f27c923b988af93d605",
    },
  },
});
