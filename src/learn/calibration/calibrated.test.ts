import { logisticRegression } from "../linear/logistic-regression.ts";
import { checkEstimator } from "../suite.ts";
import { calibrated } from "./calibrated.ts";

for (const calibration of ["platt", "isotonic"])
  checkEstimator(calibrated(logisticRegression), {
    params: { calibration, calibrationFolds: 2 },
    weightParams: null,
    rowOrder: "free",
    cancellable: true,
    golden: null,
  });
