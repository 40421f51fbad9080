import { checkEstimator } from "../suite.ts";
import { decisionTree, extraTrees, randomForest } from "./forests.ts";

checkEstimator(decisionTree, {
  params: { depthMax: 8, minRowsPerLeaf: 20 },
  weightParams: { depthMax: 8 },
  rowOrder: "close",
  cancellable: true,
  golden: {
    revision: 1,
    digests: {
      "binary-classification": "sha256:3e303bce95b80dfd84d142741e802977155c5351dc301bd4f1866e0662e8efc8",
      "multiclass-classification": "sha256:d37ea3e0df3f52c0f4269e19f31eaf8a35f8b51c17607ff256a08dec1e44ebca",
      regression: "sha256:7697145175d447c8e40943e8d2a63f79352867e8d313e494aab73781b59886e6",
    },
  },
});

const forest = {
  params: { trees: 12, depthMax: 8, minRowsPerLeaf: 20 },
  weightParams: null,
  rowOrder: "free",
  cancellable: true,
} as const;

checkEstimator(randomForest, {
  ...forest,
  golden: {
    revision: 1,
    digests: {
      "binary-classification": "sha256:c1f05d93830f8b1114766bcfa93e520efa5ad9fe25c11681d1b32e46c65ded50",
      "multiclass-classification": "sha256:8dfd6e7993505fb19e8e39f34b041ea272b06e174b546dcb76e07401dc8b1551",
      regression: "sha256:de31b2985f10c869b6cdfa61766955699a66debd7e44965df77d57320e9ad14b",
    },
  },
});

checkEstimator(extraTrees, {
  ...forest,
  golden: {
    revision: 1,
    digests: {
      "binary-classification": "sha256:04f648292021f833133b6c7c20e5855b4edfb5475e9687eda5fa687098d9b630",
      "multiclass-classification": "sha256:1fe2f0ba27acbfe24b817f8dc10201faed5c5806d57b87f12f3539b0886ff275",
      regression: "sha256:26cc42ceda1931c1470eb705b25f6864ff6a8fb67403827710487767e7457dc9",
    },
  },
});
