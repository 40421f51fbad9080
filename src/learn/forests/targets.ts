/**
 * Labels and weights as integers, so that all sums are exact. A label of regression is its distance from the mean, in steps of 2^-30 of the largest;
 * a weight a multiple of a power of two, of which all together make less than 2^27: a bootstrap may draw a row more than once.
 */
import { MillError } from "../../base/index.ts";
import { exactMean, exactSum } from "../exact-sum.ts";

const TARGET_BITS = 30;
const UNIT_BITS = 27;

export interface Targets {
  /** 0 or 1, the class, or steps from the mean. */
  readonly targets: Int32Array;
  /** Steps per unit of the label. */
  readonly targetScale: number;
  /** null where all rows weigh 1. */
  readonly units: Uint32Array | null;
  /** Steps per unit of the weight. */
  readonly unitScale: number;
}

/** Error: `learn.bad-label` when labels are too large to be summed. */
export function integerTargets(y: Float64Array, isRegression: boolean, weights: Float64Array | undefined): Targets {
  const { units, unitScale } = integerWeights(weights);
  if (!isRegression) return { targets: Int32Array.from(y), targetScale: 1, units, unitScale };
  const mean = exactMean(y, weights);
  const bound = y.reduce((largest, label) => Math.max(largest, Math.abs(label - mean)), 0);
  const sum = y.reduce((total, label, row) => total + Math.abs(label) * (weights?.[row] ?? 1), 0);
  if (!Number.isFinite(sum) || !Number.isFinite(bound))
    throw new MillError("learn.bad-label", "The labels are too large to be summed.", {
      expected: "labels whose sum fits a double",
      fix: "Scale the label down.",
    });
  const targetScale = bound > 0 ? 2 ** Math.min(TARGET_BITS - Math.ceil(Math.log2(bound)), 1000) : 1;
  return { targets: Int32Array.from(y, (label) => Math.round((label - mean) * targetScale)), targetScale, units, unitScale };
}

function integerWeights(weights: Float64Array | undefined): Pick<Targets, "units" | "unitScale"> {
  if (weights === undefined) return { units: null, unitScale: 1 };
  const total = exactSum(weights.length, (row) => weights[row]!);
  const unitScale = 2 ** Math.min(UNIT_BITS - Math.ceil(Math.log2(total)), 1000);
  return { units: Uint32Array.from(weights, (weight) => Math.round(weight * unitScale)), unitScale };
}
