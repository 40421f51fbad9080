import { type Metric, ratio, undefinedMetric } from "./metric.ts";
import { Z95 } from "./normal.ts";
import { type RankedScores, rankScores } from "./ranked-scores.ts";

const POINTS_MAX = 200;

/** Area under the ROC curve: the chance that a positive scores above a negative, ties counting half (Mann and Whitney, 1947). Exact. */
export function auc(ranked: RankedScores): Metric {
  const { positives, negatives, positiveCount, negativeCount } = ranked;
  if (positiveCount === 0 || negativeCount === 0) return undefinedMetric(oneClass(ranked));
  let wins = 0;
  let below = 0;
  for (let i = 0; i < positives.length; i++) {
    wins += positives[i]! * (below + negatives[i]! / 2);
    below += negatives[i]!;
  }
  return { value: wins / positiveCount / negativeCount };
}

/** Precision at each rise of recall, weighted by the rise: the area under the precision-recall curve without interpolation. */
export function averagePrecision({ positives, negatives, positiveCount }: RankedScores): Metric {
  if (positiveCount === 0) return undefinedMetric("there is no positive row");
  let [sum, up, down] = [0, 0, 0];
  for (let i = positives.length - 1; i >= 0; i--) {
    up += positives[i]!;
    down += negatives[i]!;
    sum += (positives[i]! / positiveCount) * (up / (up + down));
  }
  return { value: sum };
}

/**
 * The area of each class against the rest, and their mean over the classes: plain, or by the classes' rows. Undefined when a class has no row, so that
 * the number always means the same. `probabilities`: row-major, rows x classes.
 */
export function oneVersusRestAuc(
  {
    predictions,
    y,
    classes,
  }: { readonly predictions: Float64Array; readonly y: Float64Array; readonly classes: readonly string[] },
  average: "macro" | "weighted" = "macro",
  weights?: Float64Array,
): Metric {
  let [sum, total] = [0, 0];
  for (let k = 0; k < classes.length; k++) {
    const ranked = rankScores(
      y.map((_, row) => predictions[row * classes.length + k]!),
      y.map((label) => (label === k ? 1 : 0)),
      weights,
    );
    const area = auc(ranked);
    if (area.value === null) return undefinedMetric(`class ${classes[k]} against the rest: ${area.why}`);
    const share = average === "macro" ? 1 : ranked.positiveCount;
    sum += share * area.value;
    total += share;
  }
  return ratio(sum, total, "there are no classes");
}

/**
 * The 95 % interval of `auc` by the variance of DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988), cut at 0 and 1; null where a class
 * has fewer than two rows. It is too narrow when the area is near 0 or 1 and rows are few.
 */
export function aucInterval(ranked: RankedScores): readonly [low: number, high: number] | null {
  const { positives, negatives, positiveCount, negativeCount } = ranked;
  const area = auc(ranked).value;
  if (area === null || positiveCount < 2 || negativeCount < 2) return null;
  let [negativesBelow, positivesBelow, ofPositives, ofNegatives] = [0, 0, 0, 0];
  for (let i = 0; i < positives.length; i++) {
    const [up, down] = [positives[i]!, negatives[i]!];
    ofPositives += up * ((negativesBelow + down / 2) / negativeCount - area) ** 2;
    ofNegatives += down * ((positiveCount - positivesBelow - up / 2) / positiveCount - area) ** 2;
    negativesBelow += down;
    positivesBelow += up;
  }
  const variance = ofPositives / (positiveCount - 1) / positiveCount + ofNegatives / (negativeCount - 1) / negativeCount;
  const margin = Z95 * Math.sqrt(variance);
  return [Math.max(0, area - margin), Math.min(1, area + margin)];
}

export interface RocPoint {
  /** Decisions are yes from this score on; null at the start, where none is. */
  readonly threshold: number | null;
  readonly falsePositiveRate: number;
  readonly truePositiveRate: number;
}

/** The ROC curve from (0, 0) to (1, 1), thinned evenly along its way to at most `pointsMax` points; empty when a class has no row. */
export function rocCurve(ranked: RankedScores, pointsMax = POINTS_MAX): RocPoint[] {
  const { positiveCount, negativeCount } = ranked;
  if (positiveCount === 0 || negativeCount === 0) return [];
  const start = { threshold: null, falsePositiveRate: 0, truePositiveRate: 0 };
  const rest = thinned(ranked, pointsMax - 1, (up, down) => up / positiveCount + down / negativeCount);
  const point = ({ threshold, up, down }: Cut): RocPoint => ({
    threshold,
    falsePositiveRate: down / negativeCount,
    truePositiveRate: up / positiveCount,
  });
  return [start, ...rest.map(point)];
}

export interface PrecisionRecallPoint {
  readonly threshold: number;
  readonly precision: number;
  readonly recall: number;
}

/** Precision and recall from the highest threshold to the lowest, thinned evenly in recall to at most `pointsMax`; empty without positives. */
export function precisionRecallCurve(ranked: RankedScores, pointsMax = POINTS_MAX): PrecisionRecallPoint[] {
  const { positiveCount } = ranked;
  if (positiveCount === 0) return [];
  return thinned(ranked, pointsMax, (up) => up / positiveCount).map(({ threshold, up, down }) => ({
    threshold,
    precision: up / (up + down),
    recall: up / positiveCount,
  }));
}

interface Cut {
  readonly threshold: number;
  /** Positives and negatives that score at least `threshold`. */
  readonly up: number;
  readonly down: number;
}

/** Every cut from the highest score down, or where there are too many the first to reach each of `cutsMax` even steps of `way`. */
function thinned(
  { scores, positives, negatives }: RankedScores,
  cutsMax: number,
  way: (up: number, down: number) => number,
): Cut[] {
  const cuts: Cut[] = [];
  let [up, down] = [0, 0];
  for (let i = scores.length - 1; i >= 0; i--) {
    up += positives[i]!;
    down += negatives[i]!;
    cuts.push({ threshold: scores[i]!, up, down });
  }
  if (cuts.length <= cutsMax) return cuts;
  const end = way(up, down);
  let reached = 0;
  return cuts.filter((cut, index) => {
    const step = Math.floor((way(cut.up, cut.down) / end) * (cutsMax - 1));
    const isLast = index === cuts.length - 1;
    const keep = isLast || (step > reached && step < cutsMax - 1);
    if (keep) reached = step;
    return keep;
  });
}

const oneClass = ({ positiveCount, negativeCount }: RankedScores) =>
  positiveCount + negativeCount === 0 ? "there are no rows" : `there is no ${positiveCount === 0 ? "positive" : "negative"} row`;
