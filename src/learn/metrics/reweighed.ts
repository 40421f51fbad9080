/** Measures that are taken of the same rows again and again with other weights: what does not depend on the weights is worked out once. */
import type { Confusion } from "./decisions.ts";
import type { Metric } from "./metric.ts";
import { type RankedScores, rankScores } from "./ranked-scores.ts";

/** A measure of rows that each count as often as their weight says; null where they do not define it. */
export type Reweighed = (weights: Float64Array) => number | null;

export function meanBy(y: Float64Array, term: (row: number) => number): Reweighed {
  const terms = y.map((_, row) => term(row));
  return (weights) => {
    let [sum, count] = [0, 0];
    for (let row = 0; row < terms.length; row++) {
      sum += weights[row]! * terms[row]!;
      count += weights[row]!;
    }
    return count === 0 ? null : sum / count;
  };
}

export function ofConfusion(
  decided: Float64Array,
  y: Float64Array,
  classCount: number,
  metric: (confusion: Confusion) => Metric,
): Reweighed {
  const cellOf = Uint32Array.from(y, (label, row) => label * classCount + decided[row]!);
  return (weights) => {
    const cells = new Float64Array(classCount * classCount);
    for (let row = 0; row < cellOf.length; row++) cells[cellOf[row]!]! += weights[row]!;
    return metric(Array.from({ length: classCount }, (_, k) => [...cells.subarray(k * classCount, (k + 1) * classCount)])).value;
  };
}

/** Scores are ranked once; a resample only counts anew how many positives and negatives have each. */
export function ofRanks(scores: Float64Array, y: Float64Array, metric: (ranked: RankedScores) => Metric): Reweighed {
  const distinct = rankScores(scores, y).scores;
  const rankOf = Uint32Array.from(scores, (score) => placeOf(score, distinct));
  const [kept, positives, negatives] = [0, 1, 2].map(() => new Float64Array(distinct.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  return (weights) => {
    positives.fill(0);
    negatives.fill(0);
    for (let row = 0; row < rankOf.length; row++) {
      if (y[row] === 1) positives[rankOf[row]!]! += weights[row]!;
      else negatives[rankOf[row]!]! += weights[row]!;
    }
    return metric(withoutGaps(distinct, kept, positives, negatives)).value;
  };
}

/** Of scores that no row has any more nothing is left, as if they had never been ranked. The last three are filled, or moved together, in place. */
function withoutGaps(scores: Float64Array, kept: Float64Array, positives: Float64Array, negatives: Float64Array): RankedScores {
  let [count, positiveCount, negativeCount] = [0, 0, 0];
  for (let rank = 0; rank < scores.length; rank++) {
    const [up, down] = [positives[rank]!, negatives[rank]!];
    if (up + down === 0) continue;
    kept[count] = scores[rank]!;
    positives[count] = up;
    negatives[count++] = down;
    positiveCount += up;
    negativeCount += down;
  }
  return {
    scores: kept.subarray(0, count),
    positives: positives.subarray(0, count),
    negatives: negatives.subarray(0, count),
    positiveCount,
    negativeCount,
  };
}

function placeOf(score: number, rising: Float64Array): number {
  let [low, high] = [0, rising.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! < score) low = middle + 1;
    else high = middle;
  }
  return low;
}
