/** Do things happen as often as a model says? What a reliability diagram draws. */
import { type CalibrationPoint, calibrationCurve } from "../metrics/calibration.ts";
import { type Interval, wilson } from "../metrics/intervals.ts";
import { rankScores } from "../metrics/ranked-scores.ts";

export interface ReliabilityPoint extends CalibrationPoint {
  /** 95 % interval of the observed share (Wilson). */
  readonly interval: Interval;
}

export interface Reliability {
  /** By rising probability; empty bins are left out. */
  readonly points: readonly ReliabilityPoint[];
  /** Expected calibration error: mean over the rows of the distance between what was stated and observed in their bin; null without rows. */
  readonly error: number | null;
  /** The largest of these distances. */
  readonly errorMax: number | null;
}

export interface ReliabilityOptions {
  /** Default 15. */
  readonly bins?: number;
  /** `counts`: bins of equal count; `widths`: of equal width. Default `counts`. */
  readonly by?: "counts" | "widths";
}

/** `probabilities`: of one class; `y`: 1 where it came true, else 0. */
export function reliability(
  probabilities: Float64Array,
  y: Float64Array,
  { bins = 15, by = "counts" }: ReliabilityOptions = {},
): Reliability {
  const curve = by === "counts" ? calibrationCurve(rankScores(probabilities, y), bins) : equalWidths(probabilities, y, bins);
  const points = curve.map((point) => ({ ...point, interval: wilson(point.observed * point.count, point.count)! }));
  if (points.length === 0) return { points, error: null, errorMax: null };
  const distances = points.map(({ stated, observed }) => Math.abs(stated - observed));
  const error = distances.reduce((sum, distance, at) => sum + distance * points[at]!.count, 0) / y.length;
  return { points, error, errorMax: Math.max(...distances) };
}

/** A probability on an edge is in the lower bin. */
function equalWidths(probabilities: Float64Array, y: Float64Array, bins: number): CalibrationPoint[] {
  const sums = Array.from({ length: bins }, () => ({ stated: 0, observed: 0, count: 0 }));
  probabilities.forEach((probability, row) => {
    const sum = sums[Math.min(bins - 1, Math.max(0, Math.ceil(probability * bins) - 1))]!;
    sum.stated += probability;
    sum.observed += y[row]!;
    sum.count++;
  });
  return sums
    .filter(({ count }) => count > 0)
    .map(({ stated, observed, count }) => ({ stated: stated / count, observed: observed / count, count }));
}
