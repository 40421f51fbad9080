/**
 * Quality before the labels come, after NannyML's CBPE (confidence-based performance estimation): a calibrated probability says how often a row's
 * decision is right, so that each row adds its expected true and false positives and negatives, and every measure follows from the sums.
 *
 *     stated 0.62 --calibration--> 0.58    decided yes: 0.58 true positive, 0.42 false positive
 *
 * It sees what a shift of the features does to the probabilities; it cannot see that what follows from them has changed: realised quality does.
 */
import type { Task } from "../contract/index.ts";
import { type Gain, type Interval, logLossOf, moneyOf, rankScores, Z95 } from "../learn/index.ts";

/** Pairs of a stated probability and the share that was true, rising in both. */
export type Calibration = readonly (readonly [stated: number, observed: number])[];

const BINS_MAX = 100;
const BIN_ROWS = 200;

/**
 * The share that was true by stated probability: bins of equal count, made monotone by pooling neighbours that violate it (Ayer et al., 1955), with
 * straight lines between. Below the first and above the last bin the share keeps its proportion to what was stated.
 */
export function fitCalibration(stated: Float64Array, happened: Float64Array): Calibration {
  const blocks: { stated: number; happened: number; count: number }[] = [];
  for (const bin of equalBins(stated, happened)) {
    blocks.push(bin);
    for (let last = blocks.at(-1)!, before = blocks.at(-2); before && shareOf(before) >= shareOf(last); ) {
      blocks.pop();
      last.stated += before.stated;
      last.happened += before.happened;
      last.count += before.count;
      blocks[blocks.length - 1] = last;
      before = blocks.at(-2);
    }
  }
  const pairs = blocks.map((block) => [block.stated / block.count, shareOf(block)] as const);
  const [firstStated] = pairs[0] ?? [0];
  const [lastStated, lastObserved] = pairs.at(-1) ?? [1, 1];
  return [
    ...(firstStated > 0 ? [[0, 0] as const] : []),
    ...pairs,
    ...(lastStated < 1 ? [[1, lastStated > 0 ? Math.min(1, lastObserved / lastStated) : 1] as const] : []),
  ];
}

const shareOf = ({ happened, count }: { happened: number; count: number }) => happened / count;

function* equalBins(stated: Float64Array, happened: Float64Array) {
  const { scores, positives, negatives } = rankScores(stated, happened);
  const bins = Math.max(1, Math.min(BINS_MAX, Math.floor(stated.length / BIN_ROWS)));
  let bin = { stated: 0, happened: 0, count: 0 };
  for (let i = 0, seen = 0, ended = 0; i < scores.length; i++) {
    const rows = positives[i]! + negatives[i]!;
    bin.stated += scores[i]! * rows;
    bin.happened += positives[i]!;
    bin.count += rows;
    seen += rows;
    if ((seen * bins) / stated.length < ended + 1 && i < scores.length - 1) continue;
    ended = Math.floor((seen * bins) / stated.length);
    yield bin;
    bin = { stated: 0, happened: 0, count: 0 };
  }
}

export function calibrated(calibration: Calibration, stated: number): number {
  let [low, high] = [0, calibration.length - 1];
  if (high < 0) return stated;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (stated < calibration[middle]![0]) high = middle;
    else low = middle;
  }
  const [[x0, y0], [x1, y1]] = [calibration[low]!, calibration[high]!];
  if (x1 <= x0) return y1;
  return y0 + ((y1 - y0) * Math.min(Math.max(stated - x0, 0), x1 - x0)) / (x1 - x0);
}

export interface Estimated {
  readonly value: number | null;
  /** 95 %: what such rows' outcomes vary by chance, each a coin with its calibrated probability; that the calibration holds is taken for granted. */
  readonly interval?: Interval;
}

/** What was stated and decided of some rows. */
export interface Stated {
  /** As logged: of the positive, or of the likeliest class. */
  readonly stated: Float64Array;
  /** The same, calibrated. */
  readonly expected: Float64Array;
  /** 1 or 0, as logged; of several classes 1 throughout: the decision is right when the likeliest class is. */
  readonly decided: Float64Array;
  readonly gain: Gain | null;
}

/** By measure; null for regression, whose values say nothing of their own error. */
export function estimateQuality(task: Task, rows: Stated): Record<string, Estimated> | null {
  if (task === "regression" || rows.stated.length === 0) return null;
  const { stated: s, expected: c, decided: d, gain } = rows;
  const accuracy = ratioOf(c, (row) => [d[row] === 1 ? [0, 1] : [1, -1], ONE]);
  if (task === "multiclass-classification") return { accuracy: cut(accuracy) };
  const loss = (row: number, happened: number) => logLossOf(s[row]!, happened);
  const squared = (row: number, happened: number) => (s[row]! - happened) ** 2;
  const money = (row: number, happened: number) => 1000 * moneyOf(gain!, d[row] === 1, happened === 1);
  const mean = (of: (row: number, happened: number) => number) =>
    ratioOf(c, (row) => [[of(row, 0), of(row, 1) - of(row, 0)], ONE]);
  return {
    auc: cut(expectedAuc(s, c)),
    logLoss: mean(loss),
    brier: mean(squared),
    accuracy: cut(accuracy),
    precision: cut(
      ratioOf(c, (row) => [
        [0, d[row]!],
        [d[row]!, 0],
      ]),
    ),
    recall: cut(
      ratioOf(c, (row) => [
        [0, d[row]!],
        [0, 1],
      ]),
    ),
    f1: cut(
      ratioOf(c, (row) => [
        [0, 2 * d[row]!],
        [d[row]!, 1],
      ]),
    ),
    ...(gain ? { gain: mean(money) } : {}),
  };
}

/** A term a + b y of a sum over rows, y being 1 or 0 by the row's chance. */
type Term = readonly [a: number, b: number];
const ONE: Term = [1, 0];

/** Of two sums of terms, to first order (the delta method). */
function ratioOf(chances: Float64Array, terms: (row: number) => readonly [numerator: Term, denominator: Term]): Estimated {
  let [numerator, denominator] = [0, 0];
  for (let row = 0; row < chances.length; row++) {
    const [[a, b], [e, f]] = terms(row);
    numerator += a + b * chances[row]!;
    denominator += e + f * chances[row]!;
  }
  if (denominator === 0) return { value: null };
  const value = numerator / denominator;
  const variance = sumOver(chances, (row, chance) => {
    const [[, b], [, f]] = terms(row);
    return (b - value * f) ** 2 * chance * (1 - chance);
  });
  return spread(value, Math.sqrt(variance) / Math.abs(denominator));
}

/**
 * The area when each row is a positive by its chance c and a negative by 1 - c: the weight of pairs ranked right over that of all pairs, a row's pair
 * with itself left out.
 */
function expectedAuc(s: Float64Array, c: Float64Array): Estimated {
  const order = Uint32Array.from(s.keys()).sort((a, b) => s[a]! - s[b]!);
  const positives = sumOver(c, (_, chance) => chance);
  const negatives = c.length - positives;
  const self = sumOver(c, (_, chance) => chance * (1 - chance));
  const pairs = positives * negatives - self;
  if (pairs <= 0) return { value: null };
  // What a row would win as a positive, less what it would lose to others as a negative: how the area hangs on its outcome.
  const slope = new Float64Array(c.length);
  let [won, positivesBelow, negativesBelow] = [0, 0, 0];
  for (let from = 0, to = 0; from < order.length; from = to) {
    let [tiedPositives, tiedNegatives] = [0, 0];
    for (; to < order.length && s[order[to]!] === s[order[from]!]; to++) {
      tiedPositives += c[order[to]!]!;
      tiedNegatives += 1 - c[order[to]!]!;
    }
    for (let at = from; at < to; at++) {
      const wins = negativesBelow + tiedNegatives / 2;
      const losses = positives - positivesBelow - tiedPositives / 2;
      won += c[order[at]!]! * wins;
      slope[order[at]!] = wins - losses;
    }
    positivesBelow += tiedPositives;
    negativesBelow += tiedNegatives;
  }
  const value = (won - self / 2) / pairs;
  const variance = sumOver(c, (row, chance) => (slope[row]! - value * (negatives - positives)) ** 2 * chance * (1 - chance));
  return spread(value, Math.sqrt(variance) / pairs);
}

const spread = (value: number, sd: number): Estimated => ({ value, interval: [value - Z95 * sd, value + Z95 * sd] });

const cut = ({ value, interval }: Estimated): Estimated =>
  interval ? { value, interval: [Math.max(0, interval[0]), Math.min(1, interval[1])] } : { value };

function sumOver(values: Float64Array, term: (row: number, value: number) => number): number {
  let sum = 0;
  for (let row = 0; row < values.length; row++) sum += term(row, values[row]!);
  return sum;
}
