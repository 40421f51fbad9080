/**
 * Probabilities from decision values: p = 1 / (1 + e^-(slope x score + offset)), the slope and the offset by Newton's method on the log loss, with labels drawn
 * in a little from 0 and 1. Sources: Platt 1999; Lin, Lin and Weng 2007.
 */
export interface Sigmoid {
  readonly slope: number;
  readonly offset: number;
}

const ITERATIONS = 100;

/** `isPositive` and `weightOf` by row. */
export function fitSigmoid(
  scores: Float64Array,
  isPositive: (row: number) => boolean,
  weightOf: (row: number) => number,
): Sigmoid {
  const size = largest(scores) || 1;
  let [positive, negative] = [0, 0];
  for (let row = 0; row < scores.length; row++)
    if (isPositive(row)) positive += weightOf(row);
    else negative += weightOf(row);
  const [high, low] = [(positive + 1) / (positive + 2), 1 / (negative + 2)];
  const lossAt = (slope: number, offset: number) => {
    let loss = 0;
    for (let row = 0; row < scores.length; row++) {
      const score = (slope * scores[row]!) / size + offset;
      const target = isPositive(row) ? high : low;
      loss += weightOf(row) * (Math.log1p(Math.exp(-Math.abs(score))) + Math.max(score, 0) - target * score);
    }
    return loss;
  };
  let [slope, offset] = [0, Math.log((positive + 1) / (negative + 1))];
  let loss = lossAt(slope, offset);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const { g0, g1, h00, h01, h11 } = slopesAt(slope, offset);
    if (Math.max(Math.abs(g0), Math.abs(g1)) <= 1e-9 * (positive + negative)) break;
    const determinant = h00 * h11 - h01 * h01;
    const d0 = -(h11 * g0 - h01 * g1) / determinant;
    const d1 = -(h00 * g1 - h01 * g0) / determinant;
    let length = 1;
    for (; length > 1e-10; length /= 2) {
      const next = lossAt(slope + length * d0, offset + length * d1);
      if (next >= loss + 1e-4 * length * (g0 * d0 + g1 * d1)) continue;
      [slope, offset, loss] = [slope + length * d0, offset + length * d1, next];
      break;
    }
    if (length <= 1e-10) break;
  }
  return { slope: slope / size, offset };

  function slopesAt(slope: number, offset: number) {
    let [g0, g1, h00, h01, h11] = [0, 0, 1e-12, 0, 1e-12];
    for (let row = 0; row < scores.length; row++) {
      const x = scores[row]! / size;
      const p = 1 / (1 + Math.exp(-(slope * x + offset)));
      const weight = weightOf(row);
      const residual = weight * (p - (isPositive(row) ? high : low));
      const curvature = weight * p * (1 - p);
      g0 += residual * x;
      g1 += residual;
      h00 += curvature * x * x;
      h01 += curvature * x;
      h11 += curvature;
    }
    return { g0, g1, h00, h01, h11 };
  }
}

function largest(values: Float64Array): number {
  let found = 0;
  for (let at = 0; at < values.length; at++) found = Math.max(found, Math.abs(values[at]!));
  return found;
}
