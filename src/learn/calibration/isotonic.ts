/**
 * Isotonic regression: the rising step function with the least squared error, by pooling adjacent violators (Ayer and others, 1955), and straight lines between
 * its steps; level outside of the scores that were seen.
 *
 *     share   |          ______
 *             |    _____/            each block of pooled rows is level from its first score to its last
 *             |___/          score
 */
import { rankScores } from "../metrics/ranked-scores.ts";

export interface Isotonic {
  /** Rising, each at least the fit's `apart` from the one before. */
  readonly scores: Float64Array;
  /** Not falling. */
  readonly values: Float64Array;
}

/** `y`: 1 or 0. Scores less than `apart` from the first of a run count as equal to it, which bounds how steep the function can get; 0 for exact ties only. */
export function fitIsotonic(scores: Float64Array, y: Float64Array, weights: Float64Array | undefined, apart = 0): Isotonic {
  const blocks: Block[] = [];
  for (const run of runsOf(scores, y, weights, apart)) {
    let block = run;
    for (
      let before = blocks.at(-1);
      before !== undefined && before.sum * block.weight >= block.sum * before.weight;
      before = blocks.at(-1)
    ) {
      block = { first: before.first, last: block.last, sum: before.sum + block.sum, weight: before.weight + block.weight };
      blocks.pop();
    }
    blocks.push(block);
  }
  const knots = blocks.flatMap(({ first, last, sum, weight }) => {
    const value = sum / weight;
    return first === last
      ? [{ score: first, value }]
      : [
          { score: first, value },
          { score: last, value },
        ];
  });
  return {
    scores: Float64Array.from(knots, ({ score }) => score),
    values: Float64Array.from(knots, ({ value }) => value),
  };
}

interface Block {
  readonly first: number;
  readonly last: number;
  readonly sum: number;
  readonly weight: number;
}

/** Rows of equal score as one, by rising score. */
function runsOf(scores: Float64Array, y: Float64Array, weights: Float64Array | undefined, apart: number): Block[] {
  const ranked = rankScores(scores, y, weights);
  const runs: { first: number; last: number; sum: number; weight: number }[] = [];
  for (let rank = 0; rank < ranked.scores.length; rank++) {
    const score = ranked.scores[rank]!;
    const [sum, weight] = [ranked.positives[rank]!, ranked.positives[rank]! + ranked.negatives[rank]!];
    const run = runs.at(-1);
    if (run !== undefined && score - run.first < apart) {
      run.sum += sum;
      run.weight += weight;
    } else runs.push({ first: score, last: score, sum, weight });
  }
  return runs;
}

/** The function's value. */
export function isotonicAt({ scores, values }: Isotonic, score: number): number {
  const last = scores.length - 1;
  if (!(score > scores[0]!)) return values[0]!;
  if (score >= scores[last]!) return values[last]!;
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (scores[middle]! <= score) low = middle;
    else high = middle;
  }
  return values[low]! + ((score - scores[low]!) / (scores[high]! - scores[low]!)) * (values[high]! - values[low]!);
}
