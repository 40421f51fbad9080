import type { Evidence, Gain } from "../learn/index.ts";

interface Judged {
  readonly classes: readonly string[];
  readonly threshold: number | null;
  readonly gain: Gain | null;
}

/** Predictions beside what was true, in the form the metrics read; threshold and gain only where the task has them. */
export const evidenceOf = ({ classes, threshold, gain }: Judged, y: Float64Array, predictions: Float64Array): Evidence => ({
  predictions,
  y,
  classes,
  ...(threshold === null ? {} : { threshold }),
  ...(gain === null ? {} : { gain }),
});
