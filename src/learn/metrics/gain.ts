import { MillError } from "../../base/index.ts";
import type { Confusion } from "./decisions.ts";
import { type Metric, NO_ROWS } from "./metric.ts";
import { rankScores } from "./ranked-scores.ts";

/** Money per decision, in the problem's currency; what is not stated is 0. */
export interface Gain {
  readonly truePositive: number;
  readonly falsePositive: number;
  readonly falseNegative?: number;
  readonly trueNegative?: number;
}

/** Money of one decision. */
export function moneyOf(gain: Gain, decided: boolean, happened: boolean): number {
  if (happened) return decided ? gain.truePositive : (gain.falseNegative ?? 0);
  return decided ? gain.falsePositive : (gain.trueNegative ?? 0);
}

/** Money per 1,000 decisions of a binary task. */
export function gainPerThousand(confusion: Confusion, gain: Gain): Metric {
  const [tn, fp, fn, tp] = confusion.flat() as [number, number, number, number];
  const decisions = tn + fp + fn + tp;
  return decisions === 0 ? NO_ROWS : { value: (1000 * money(gain, tp, fp, fn, tn)) / decisions };
}

/**
 * The threshold with the greatest gain on these rows, where a decision is yes from `probability >= threshold` on. It lies midway between the
 * least probability that is a yes and the greatest that is a no, so that a rounding of scores changes no decision. Equal gains: the higher
 * threshold, the one with fewer yeses. All yes is 0; all no is 1, or the next double above it when a probability is 1.
 * One sort. Errors: `learn.empty` when there are no rows.
 */
export function maxGainThreshold(probabilities: Float64Array, y: Float64Array, gain: Gain): number {
  if (y.length === 0) {
    throw new MillError("learn.empty", "There is no labelled row to choose a threshold on.", {
      expected: "at least one row in the test part",
      fix: "Give the test part more rows, or state the threshold as a number.",
    });
  }
  const { scores, positives, negatives, positiveCount, negativeCount } = rankScores(probabilities, y);
  let [tp, fp] = [0, 0];
  let best = { gain: money(gain, 0, 0, positiveCount, negativeCount), from: scores.length };
  for (let from = scores.length - 1; from >= 0; from--) {
    tp += positives[from]!;
    fp += negatives[from]!;
    const here = money(gain, tp, fp, positiveCount - tp, negativeCount - fp);
    if (here > best.gain) best = { gain: here, from };
  }
  return thresholdAt(scores, best.from);
}

/** Yes from `scores[from]` on. */
function thresholdAt(scores: Float64Array, from: number): number {
  if (from === 0) return 0;
  const greatestNo = scores[from - 1]!;
  if (from === scores.length) return greatestNo < 1 ? 1 : 1 + Number.EPSILON;
  const middle = (greatestNo + scores[from]!) / 2;
  return middle > greatestNo ? middle : scores[from]!;
}

function money(gain: Gain, tp: number, fp: number, fn: number, tn: number): number {
  const { truePositive, falsePositive, falseNegative = 0, trueNegative = 0 } = gain;
  return tp * truePositive + fp * falsePositive + fn * falseNegative + tn * trueNegative;
}
