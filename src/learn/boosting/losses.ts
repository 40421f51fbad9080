/**
 * Losses: what a forest's scores are fitted by. w is a row's weight, s its score.
 *
 *   loss        prediction              gradient / w                       hessian / w
 *   log loss    p = 1 / (1 + e^-s)      p - y                              p (1 - p)
 *   softmax     p_k = e^s_k / sum       p_k - [y = k]                      p_k (1 - p_k)
 *   squared     s                       s - y                              1
 *   absolute    s                       sign(s - y)                        1
 *   quantile    s                       1 - q above y, -q below            1
 *   poisson     e^s                     e^s - y                            e^s
 *   gamma       e^s                     1 - y e^-s                         y e^-s
 *   tweedie     e^s                     e^((2-p)s) - y e^((1-p)s)          (2-p) e^((2-p)s) + (p-1) y e^((1-p)s)
 *
 * Ranking derives list by list (`ranking.ts`). The first three derive in the kernels; the others in doubles here, which a kernel then rounds. Absolute and quantile loss have no curvature to divide by:
 * their leaves take the quantile of what is left of their rows (`refit`).
 */

import type { Member } from "../crew/crew.ts";
import { exactMean, exactSum } from "../exact-sum.ts";
import type { GradientsKernel } from "../kernels/gradients.ts";
import type { Link } from "../link.ts";
import type { Scales } from "./gradients.ts";
import type { Memory } from "./memory.ts";
import { quantileOf } from "./quantiles.ts";
import { rankingLoss } from "./ranking.ts";

export type LossName = "log-loss" | "softmax" | "squared" | "absolute" | "quantile" | "poisson" | "gamma" | "tweedie" | "ranking";

/** As it goes to the crew. */
export interface LossSpec {
  readonly name: LossName;
  readonly outputs: number;
  /** Of the quantile loss. */
  readonly quantile: number;
  /** Of the Tweedie loss. */
  readonly power: number;
}

/** Bounds of |gradient| and of hessian. */
export interface Bound {
  readonly gradient: number;
  readonly hessian: number;
}

export interface Loss {
  /** Scores before the first tree: the best constant. */
  readonly start: Float64Array;
  /** Of rows `from` to `to`, or of this member's lists, before a round's first tree. */
  begin(kernel: GradientsKernel, from: number, to: number, member: Member): Bound;
  write(kernel: GradientsKernel, output: number, from: number, to: number, target: RecordTarget, scales: Scales): void;
  /** Leaves take this quantile of y - s instead of a Newton step. */
  readonly refit: number | undefined;
  /** Before `lossOf` is asked for rows: forgets what it knew of them. */
  beforeLosses?(): void;
  /** What the loss of a row is, weight left out, for the stopping rule; constants that the score does not change may be left out. */
  lossOf(row: number): number;
}

export interface RecordTarget {
  /** Address of the records, and bytes of each. */
  readonly records: number;
  readonly stride: number;
}

/** Losses that derive in doubles. */
export const derivesInDoubles = (name: LossName) => !["log-loss", "softmax", "squared"].includes(name);

export const linkOfLoss = (name: LossName): Link =>
  name === "log-loss" ? "logistic" : name === "softmax" ? "softmax" : hasLogLink(name) ? "exp" : "identity";

const hasLogLink = (name: LossName) => name === "poisson" || name === "gamma" || name === "tweedie";

/** Rows of a call: kernels are called often rather than long. */
const CALL_ROWS = 8192;

export function createLoss(spec: LossSpec, groups: Int32Array | undefined, memory: Memory): Loss {
  if (spec.name === "ranking") return rankingLoss(groups!, memory);
  if (spec.name === "log-loss" || spec.name === "squared") return inKernel(spec.name, memory);
  if (spec.name === "softmax") return softmax(spec.outputs, memory);
  return inDoubles(spec, memory);
}

function inKernel(name: "log-loss" | "squared", memory: Memory): Loss {
  const { y, scores, weights } = memory;
  const weighed = weightsOf(memory);
  const weightMax = largest(weights, 1);
  const addresses = [y.byteOffset, weighed === undefined ? 0 : weights.byteOffset, scores.byteOffset] as const;
  const isSquared = name === "squared";
  return {
    start: isSquared ? Float64Array.of(exactMean(y, weighed)) : logOdds(memory),
    refit: undefined,
    begin: (kernel, from, to) => {
      if (!isSquared) return { gradient: weightMax, hessian: weightMax / 4 };
      let gradient = 0;
      inCalls(from, to, (first, last) => {
        gradient = Math.max(gradient, kernel.largestResidual(...addresses, first, last));
      });
      return { gradient, hessian: weightMax };
    },
    write: (kernel, _, from, to, { records, stride }, scales) => {
      const write = isSquared ? kernel.squared : kernel.logistic;
      inCalls(from, to, (first, last) => write(...addresses, first, last, records, stride, scales.gradient, scales.hessian));
    },
    lossOf: isSquared
      ? (row) => (scores[row]! - y[row]!) ** 2
      : (row) => softplus(scores[row]!) - (y[row] === 1 ? scores[row]! : 0),
  };
}

function softmax(outputs: number, memory: Memory): Loss {
  const { y, scores, weights, normalisers } = memory;
  const weightMax = largest(weights, 1);
  const weightsAt = weights.length === 0 ? 0 : weights.byteOffset;
  return {
    start: Float64Array.from({ length: outputs }, (_, output) => Math.log(shareOf(memory, output))),
    refit: undefined,
    begin: (kernel, from, to) => {
      inCalls(from, to, (first, last) => kernel.normalise(scores.byteOffset, outputs, normalisers.byteOffset, first, last));
      return { gradient: weightMax, hessian: weightMax / 4 };
    },
    write: (kernel, output, from, to, { records, stride }, scales) =>
      inCalls(from, to, (first, last) =>
        kernel.softmax(
          ...([y.byteOffset, weightsAt, scores.byteOffset, outputs, output, normalisers.byteOffset] as const),
          ...([first, last, records, stride, scales.gradient, scales.hessian] as const),
        ),
      ),
    lossOf: (row) => {
      const own = scores.subarray(row * outputs, (row + 1) * outputs);
      const most = own.reduce((a, b) => Math.max(a, b));
      return most + Math.log(own.reduce((sum, score) => sum + Math.exp(score - most), 0)) - own[y[row]!]!;
    },
  };
}

function inDoubles(spec: LossSpec, memory: Memory): Loss {
  const { y, scores, raw } = memory;
  const weights = weightsOf(memory);
  const { start, derive, lossOf, refit } = RULES[spec.name as keyof typeof RULES](spec, y, weights);
  return {
    start: Float64Array.of(start),
    refit,
    begin: (_, from, to) => {
      const bound = { gradient: 0, hessian: 0 };
      const pair = new Float64Array(2);
      for (let row = from; row < to; row++) {
        derive(scores[row]!, y[row]!, pair);
        const weight = weights === undefined ? 1 : weights[row]!;
        raw[row * 2] = pair[0]! * weight;
        raw[row * 2 + 1] = pair[1]! * weight;
        bound.gradient = Math.max(bound.gradient, Math.abs(raw[row * 2]!));
        bound.hessian = Math.max(bound.hessian, raw[row * 2 + 1]!);
      }
      return bound;
    },
    write: (kernel, _, from, to, target, scales) => roundRaw(kernel, raw, from, to, target, scales),
    lossOf: (row) => lossOf(scores[row]!, y[row]!),
  };
}

/** Rounds derivatives that stand in `raw`. */
export function roundRaw(
  kernel: GradientsKernel,
  raw: Float64Array,
  from: number,
  to: number,
  { records, stride }: RecordTarget,
  scales: Scales,
): void {
  inCalls(from, to, (first, last) => kernel.round(raw.byteOffset, first, last, records, stride, scales.gradient, scales.hessian));
}

interface Rule {
  readonly start: number;
  readonly refit?: number;
  /** Writes gradient and hessian. */
  derive(score: number, y: number, pair: Float64Array): void;
  lossOf(score: number, y: number): number;
}

type Weights = Float64Array | undefined;

const RULES = {
  absolute: (_: LossSpec, y: Float64Array, weights: Weights) => quantileRule(0.5, y, weights),
  quantile: ({ quantile }: LossSpec, y: Float64Array, weights: Weights) => quantileRule(quantile, y, weights),
  poisson: (_: LossSpec, y: Float64Array, weights: Weights): Rule => ({
    start: Math.log(exactMean(y, weights)),
    derive: (score, label, pair) => {
      const rate = Math.exp(score);
      pair[0] = rate - label;
      pair[1] = rate;
    },
    lossOf: (score, label) => Math.exp(score) - label * score,
  }),
  gamma: (_: LossSpec, y: Float64Array, weights: Weights): Rule => ({
    start: Math.log(exactMean(y, weights)),
    derive: (score, label, pair) => {
      const ratio = label * Math.exp(-score);
      pair[0] = 1 - ratio;
      pair[1] = ratio;
    },
    lossOf: (score, label) => score + label * Math.exp(-score),
  }),
  tweedie: ({ power }: LossSpec, y: Float64Array, weights: Weights): Rule => ({
    start: Math.log(exactMean(y, weights)),
    derive: (score, label, pair) => {
      const rate = Math.exp((2 - power) * score);
      const share = label * Math.exp((1 - power) * score);
      pair[0] = rate - share;
      pair[1] = (2 - power) * rate + (power - 1) * share;
    },
    lossOf: (score, label) => Math.exp((2 - power) * score) / (2 - power) + (label * Math.exp((1 - power) * score)) / (power - 1),
  }),
};

function quantileRule(quantile: number, y: Float64Array, weights: Weights): Rule {
  return {
    start: quantileOf(
      Array.from(y, (label, row) => [label, weights?.[row] ?? 1] as const),
      quantile,
    ),
    refit: quantile,
    derive: (score, label, pair) => {
      pair[0] = score > label ? 1 - quantile : score < label ? -quantile : 0;
      pair[1] = 1;
    },
    lossOf: (score, label) => (score > label ? (1 - quantile) * (score - label) : quantile * (label - score)),
  };
}

const weightsOf = ({ weights }: Memory): Weights => (weights.length === 0 ? undefined : weights);

const largest = (values: Float64Array, otherwise: number) =>
  values.length === 0 ? otherwise : values.reduce((a, b) => Math.max(a, b), 0);

const softplus = (x: number) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)));

/** A class's share of the rows; a class without rows counts as half a row. */
function shareOf(memory: Memory, classIndex: number): number {
  const { y } = memory;
  const weights = weightsOf(memory);
  const weightAt = (row: number) => (weights === undefined ? 1 : weights[row]!);
  const total = weights === undefined ? y.length : exactSum(y.length, weightAt);
  const mass = exactSum(y.length, (row) => (y[row] === classIndex ? weightAt(row) : 0));
  return Math.min(Math.max(mass, 0.5), total - 0.5 > 0 ? total - 0.5 : total / 2) / total;
}

function logOdds(memory: Memory): Float64Array {
  const positive = shareOf(memory, 1);
  return Float64Array.of(Math.log(positive / (1 - positive)));
}

function inCalls(from: number, to: number, call: (first: number, last: number) => void): void {
  for (let first = from; first < to; first += CALL_ROWS) call(first, Math.min(first + CALL_ROWS, to));
}
