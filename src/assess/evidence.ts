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

/** The same of some rows only. */
export function pickRows(evidence: Evidence, rows: ArrayLike<number>): Evidence {
  const width = evidence.predictions.length / evidence.y.length;
  const predictions = new Float64Array(rows.length * width);
  for (let at = 0; at < predictions.length; at++)
    predictions[at] = evidence.predictions[rows[Math.floor(at / width)]! * width + (at % width)]!;
  return { ...evidence, y: Float64Array.from(rows, (row) => evidence.y[row]!), predictions };
}
