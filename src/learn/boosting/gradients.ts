/**
 * First and second derivatives of the loss by the score, as integers. Each is rounded to a multiple of a power of two, so that sums over rows are exact:
 * the same histograms, and the same trees, whatever the number of threads or the order of the rows.
 *
 *   loss      score s to prediction     gradient        hessian
 *   log loss  p = 1 / (1 + exp(-s))     w (p - y)       w p (1 - p)
 *   softmax   p_k = exp(s_k) / sum      w (p_k - [y=k]) w p_k (1 - p_k)
 *   squared   s                         w (s - y)       w
 */
import type { LearnTask } from "../estimator.ts";
import { exactMean, exactSum } from "../exact-sum.ts";

/** Bits of a rounded gradient, fewer when there are more than 2^22 rows: sums must stay below 2^53. */
const GRADIENT_BITS = 30;
const HESSIAN_BITS = 21;
/** Adding and subtracting 1.5 x 2^52 rounds a double to an integer; much faster than Math.round. */
const ROUND = 6755399441055744;

export interface Loss {
  /** Scores before the first tree: the best constant. */
  readonly start: Float64Array;
  /** Bound of |gradient| that holds in every round, or undefined where it must be measured. */
  readonly gradientBound: number | undefined;
  readonly hessianBound: number;
}

export interface Targets {
  readonly task: LearnTask;
  readonly outputs: number;
  readonly y: Float64Array;
  readonly weights: Float64Array | undefined;
}

/** Integers per unit of gradient and of hessian. */
export interface Scales {
  readonly gradient: number;
  readonly hessian: number;
}

export function lossOf(targets: Targets): Loss {
  const { task, y, weights } = targets;
  const weightMax = weights === undefined ? 1 : weights.reduce((a, b) => Math.max(a, b), 0);
  if (task === "regression") {
    return { start: Float64Array.of(exactMean(y, weights)), gradientBound: undefined, hessianBound: weightMax };
  }
  return { start: logPriors(targets), gradientBound: weightMax, hessianBound: weightMax / 4 };
}

/** Log odds of the positive class, or log shares of the classes; a class without rows counts as half a row. */
function logPriors({ outputs, y, weights }: Targets): Float64Array {
  const total = weights === undefined ? y.length : exactSum(y.length, (row) => weights[row]!);
  const shareOf = (classIndex: number) => {
    const mass = exactSum(y.length, (row) => (y[row] === classIndex ? (weights === undefined ? 1 : weights[row]!) : 0));
    return Math.min(Math.max(mass, 0.5), total - 0.5 > 0 ? total - 0.5 : total / 2) / total;
  };
  if (outputs > 1) return Float64Array.from({ length: outputs }, (_, classIndex) => Math.log(shareOf(classIndex)));
  const positive = shareOf(1);
  return Float64Array.of(Math.log(positive / (1 - positive)));
}

export function scalesOf(gradientBound: number, hessianBound: number, rowCount: number): Scales {
  const gradientBits = Math.min(GRADIENT_BITS, 52 - Math.ceil(Math.log2(rowCount + 1)));
  return { gradient: scaleFor(gradientBound, gradientBits), hessian: scaleFor(hessianBound, HESSIAN_BITS) };
}

/** The largest power of two that keeps `bound` within so many bits. */
const scaleFor = (bound: number, bits: number) => (bound > 0 ? 2 ** Math.min(bits - Math.ceil(Math.log2(bound)), 1000) : 1);

/** The largest |gradient| of the squared loss over rows `from` to `to`. */
export function largestResidual({ y, weights }: Targets, scores: Float64Array, from: number, to: number): number {
  let largest = 0;
  for (let row = from; row < to; row++) {
    const residual = Math.abs(scores[row]! - y[row]!) * (weights === undefined ? 1 : weights[row]!);
    if (residual > largest) largest = residual;
  }
  return largest;
}

/** Softmax only, once per round before its first tree. */
export function writeNormalisers(
  scores: Float64Array,
  outputs: number,
  normalisers: Float64Array,
  from: number,
  to: number,
): void {
  for (let row = from; row < to; row++) {
    const first = row * outputs;
    let largest = -Infinity;
    for (let k = 0; k < outputs; k++) largest = Math.max(largest, scores[first + k]!);
    let sum = 0;
    for (let k = 0; k < outputs; k++) sum += Math.exp(scores[first + k]! - largest);
    normalisers[row] = largest + Math.log(sum);
  }
}

/** Writes gradient and hessian of output `output` into words 0 and 1 of the records of rows `from` to `to`. */
export function writeGradients(
  targets: Targets,
  output: number,
  scores: Float64Array,
  normalisers: Float64Array,
  scales: Scales,
  records: Int32Array,
  stride: number,
  from: number,
  to: number,
): void {
  const { task, outputs, y, weights } = targets;
  for (let row = from; row < to; row++) {
    const weight = weights === undefined ? 1 : weights[row]!;
    const score = scores[row * outputs + output]!;
    let gradient = score - y[row]!;
    let hessian = 1;
    if (task !== "regression") {
      const p = outputs === 1 ? 1 / (1 + Math.exp(-score)) : Math.exp(score - normalisers[row]!);
      gradient = outputs === 1 ? p - y[row]! : p - (y[row] === output ? 1 : 0);
      hessian = p * (1 - p);
    }
    const at = row * stride;
    records[at] = gradient * weight * scales.gradient + ROUND - ROUND;
    records[at + 1] = hessian * weight * scales.hessian + ROUND - ROUND;
  }
}
