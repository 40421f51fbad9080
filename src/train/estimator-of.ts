import { calibrated, checkParams, type Estimator, estimatorNamed, type Params, pipeline } from "../learn/index.ts";

/** What stands around an estimator. */
export interface Around {
  /** What is made of the features before, as a pipeline of `learn` takes it. */
  readonly steps?: Parameters<typeof pipeline>[0];
  readonly calibration?: { readonly method: string; readonly folds: number };
}

/**
 * The estimator with what stands around it, calibration next to it, then the steps before both; and the complete parameters for the whole.
 * Errors: `learn.unknown-estimator`, `learn.bad-parameter`.
 */
export function estimatorOf({
  estimator: name,
  params: own,
  steps,
  calibration,
}: Around & { readonly estimator: string; readonly params: Params }): { estimator: Estimator; params: Params } {
  const learns = estimatorNamed(name);
  const estimator = calibration === undefined ? learns : calibrated(learns);
  const params = { ...own, ...(calibration && { calibration: calibration.method, calibrationFolds: calibration.folds }) };
  return steps === undefined ? complete(estimator, params) : complete(pipeline(steps, estimator, { params }), {});
}

function complete(estimator: Estimator, params: Params) {
  const checked = checkParams(estimator, params);
  if (!checked.ok) throw checked.error;
  return { estimator, params: checked.params };
}
