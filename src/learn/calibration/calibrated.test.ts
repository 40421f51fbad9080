import { logisticRegression } from "../linear/logistic-regression.ts";
import { checkEstimator } from "../suite.ts";
import { calibrated } from "./calibrated.ts";

for (const [calibration, digests] of [
  [
    "platt",
    {
      "binary-classification": "sha256:db3dcf358826d7719ede57ceea4b085258e209cf4766b1b71a9ab84a6fdcaa76",
      "multiclass-classification": "sha256:a19b6a1f180c3a598312a78a4bc2aa9c0949753080391e3b6c542d1c3f152cca",
    },
  ],
  [
    "isotonic",
    {
      "binary-classification": "sha256:40c3cd5ecbba36dda485c669a527debfe349235bbb12dd719698feba2f16e473",
      "multiclass-classification": "sha256:e89e3b1dde5866812d4419c0a383182f44a59a2a7e624ebe9e2f41884bf60bb0",
    },
  ],
] as const)
  checkEstimator(calibrated(logisticRegression), {
    params: { calibration, calibrationFolds: 2 },
    weightParams: null,
    rowOrder: "free",
    cancellable: true,
    golden: { revision: 1, digests },
  });
