import { checkEstimator } from "../suite.ts";
import { gradientBoosting } from "./gradient-boosting.ts";

checkEstimator(gradientBoosting, {
  params: { trees: 12, leaves: 15 },
  weightParams: { trees: 12, leaves: 8, minRowsPerLeaf: 1 },
  rowOrder: "same",
  cancellable: true,
  checkpoints: true,
  golden: {
    revision: 2,
    digests: {
      "binary-classification": "sha256:fb03c0d4de5c541d8ea62e8b1acdd54386aec70d6f38c749e987032a8a5f6fd5",
      "multiclass-classification": "sha256:0f31c3ecf5a2ff9d43ec99a29a07ab3d8c354350eedce604a1711d0fb5b7dcb4",
      regression: "sha256:3b12391cff03da5fff6f43f97bf7cac23ab1e2266bfd8dc95bdd1c932e260ace",
      ranking: "sha256:e45a7dba4e9e464e1ce78efde4e57591586ebb23254e8e6cea2e5809e8fa230a",
    },
  },
});
