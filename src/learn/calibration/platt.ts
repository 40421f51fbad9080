/**
 * Platt's scaling: probability = 1 / (1 + e^(slope x score + offset)), fitted by maximum likelihood to targets that are drawn in from 0 and 1 as far as so few
 * rows deserve. Newton's method with a line search. Sources: Platt, 1999; Lin, Lin and Weng, A note on Platt's probabilistic outputs, 2007.
 */
export interface Platt {
  readonly slope: number;
  readonly offset: number;
}

const ITERATIONS_MAX = 100;
/** Of each partial derivative, as a share of the weights' sum. */
const TOLERANCE = 1e-12;
/** Keeps the Hessian invertible when all scores are equal. */
const RIDGE = 1e-12;
const STEP_MIN = 1e-10;
/** Of the loss: near the minimum a step's gain is less than what summing loses. */
const ROUNDING = 1e-14;

/** `y`: 1 for a positive, else 0. */
export function fitPlatt(scores: Float64Array, y: Float64Array, weights?: Float64Array): Platt & { readonly converged: boolean } {
  const weightOf = weights === undefined ? () => 1 : (row: number) => weights[row]!;
  const { positive, negative } = countsOf(y, weights);
  const [low, high] = targetsOf(y, weights);
  const targetOf = (row: number) => (y[row] === 1 ? high : low);

  const lossOf = (slope: number, offset: number) => {
    let loss = 0;
    for (let row = 0; row < y.length; row++) {
      const f = slope * scores[row]! + offset;
      const t = targetOf(row);
      loss += weightOf(row) * (f >= 0 ? t * f + Math.log1p(Math.exp(-f)) : (t - 1) * f + Math.log1p(Math.exp(f)));
    }
    return loss;
  };

  let [slope, offset] = [0, Math.log((negative + 1) / (positive + 1))];
  let loss = lossOf(slope, offset);
  for (let iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
    let [h11, h22, h21, g1, g2] = [RIDGE, RIDGE, 0, 0, 0];
    for (let row = 0; row < y.length; row++) {
      const score = scores[row]!;
      const p = 1 / (1 + Math.exp(slope * score + offset));
      const curvature = weightOf(row) * p * (1 - p);
      const away = weightOf(row) * (targetOf(row) - p);
      h11 += score * score * curvature;
      h22 += curvature;
      h21 += score * curvature;
      g1 += score * away;
      g2 += away;
    }
    const bound = TOLERANCE * (positive + negative);
    if (Math.abs(g1) <= bound && Math.abs(g2) <= bound) return { slope, offset, converged: true };
    const determinant = h11 * h22 - h21 * h21;
    const [toSlope, toOffset] = [-(h22 * g1 - h21 * g2) / determinant, -(h11 * g2 - h21 * g1) / determinant];
    const descent = g1 * toSlope + g2 * toOffset;
    let step = 1;
    for (; step >= STEP_MIN; step /= 2) {
      const there = lossOf(slope + step * toSlope, offset + step * toOffset);
      if (!(there < loss + 1e-4 * step * descent + ROUNDING * Math.abs(loss))) continue;
      [slope, offset, loss] = [slope + step * toSlope, offset + step * toOffset, there];
      break;
    }
    // No step gains anything that a double can show.
    if (step < STEP_MIN) return { slope, offset, converged: true };
  }
  return { slope, offset, converged: false };
}

/** What stands for 0 and for 1: the shares that so many rows of one outcome leave to the other, by Laplace's rule. */
export function targetsOf(y: Float64Array, weights?: Float64Array): readonly [low: number, high: number] {
  const { positive, negative } = countsOf(y, weights);
  return [1 / (negative + 2), (positive + 1) / (positive + 2)];
}

function countsOf(y: Float64Array, weights?: Float64Array): { positive: number; negative: number } {
  let [positive, negative] = [0, 0];
  for (let row = 0; row < y.length; row++) {
    const weight = weights === undefined ? 1 : weights[row]!;
    if (y[row] === 1) positive += weight;
    else negative += weight;
  }
  return { positive, negative };
}
