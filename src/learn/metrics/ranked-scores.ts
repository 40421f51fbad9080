import { MillError } from "../../base/index.ts";

/**
 * The distinct scores in rising order, with how many positives and negatives have each: what every measure of ranking, calibration and
 * gain is made of. Ties are one entry, so no measure depends on the order of the rows.
 */
export interface RankedScores {
  readonly scores: Float64Array;
  readonly positives: Float64Array;
  readonly negatives: Float64Array;
  readonly positiveCount: number;
  readonly negativeCount: number;
}

/**
 * `scores`: any numbers but NaN, one per row; `y`: 1 for a positive, else 0. Positives and negatives are sorted apart and merged: two native
 * sorts, no index array. With weights the counts are sums of weights, and rows without weight are left out.
 */
export function rankScores(scores: Float64Array, y: Float64Array, weights?: Float64Array): RankedScores {
  if (weights !== undefined) return rankWeighed(scores, y, weights);
  const positives = scores.filter((_, row) => y[row] === 1).sort();
  const negatives = scores.filter((_, row) => y[row] !== 1).sort();
  checkScores(scores, y, positives, negatives);
  const [distinct, up, down] = [0, 1, 2].map(() => new Float64Array(scores.length)) as [Float64Array, Float64Array, Float64Array];
  let count = 0;
  for (let p = 0, n = 0; p < positives.length || n < negatives.length; count++) {
    const score = lesser(positives[p], negatives[n]);
    for (; positives[p] === score; p++) up[count]!++;
    for (; negatives[n] === score; n++) down[count]!++;
    distinct[count] = score;
  }
  return {
    scores: distinct.subarray(0, count),
    positives: up.subarray(0, count),
    negatives: down.subarray(0, count),
    positiveCount: positives.length,
    negativeCount: negatives.length,
  };
}

function rankWeighed(scores: Float64Array, y: Float64Array, weights: Float64Array): RankedScores {
  checkScores(scores, y, Float64Array.from(scores).sort(), new Float64Array());
  const order = Uint32Array.from(scores.keys())
    .filter((row) => weights[row]! > 0)
    .sort((a, b) => scores[a]! - scores[b]!);
  const distinct: number[] = [];
  const [positives, negatives]: [number[], number[]] = [[], []];
  for (const row of order) {
    if (distinct.length === 0 || scores[row] !== distinct.at(-1)) {
      distinct.push(scores[row]!);
      positives.push(0);
      negatives.push(0);
    }
    (y[row] === 1 ? positives : negatives)[distinct.length - 1]! += weights[row]!;
  }
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    scores: Float64Array.from(distinct),
    positives: Float64Array.from(positives),
    negatives: Float64Array.from(negatives),
    positiveCount: sum(positives),
    negativeCount: sum(negatives),
  };
}

const lesser = (a: number | undefined, b: number | undefined): number => (b === undefined || a! <= b ? a! : b);

/** NaN sorts to the end. */
function checkScores(scores: Float64Array, y: Float64Array, positives: Float64Array, negatives: Float64Array): void {
  if (scores.length === y.length && !Number.isNaN(positives.at(-1)) && !Number.isNaN(negatives.at(-1))) return;
  throw new MillError("internal.unexpected", "Scores cannot be ranked.", {
    expected: `${y.length} numbers, one for each row`,
    got: scores.length === y.length ? "a NaN among them" : `${scores.length} numbers`,
  });
}
