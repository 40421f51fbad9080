/** What a column adds to the score over the training rows: its mean, for explanations, and its standard deviation, for importance. */
import type { Design } from "../design.ts";

export interface Contributions {
  /** Per input, mean over the outputs. */
  readonly spreads: readonly number[];
  /** input x outputs + output. */
  readonly means: Float64Array;
}

/** A standardised number has mean 0 and deviation 1; marks and slots are met by their shares of the rows. */
export function contributionsOf({ inputs, shares, weightCount }: Design, weights: Float64Array, outputs: number): Contributions {
  const means = new Float64Array(inputs.length * outputs);
  const spreads = inputs.map((input, index) => {
    const slots = input.kind === "number" ? [input.missingAt] : [...new Set([...input.at, input.missingAt])];
    const marked = slots.filter((at) => at >= 0);
    let sum = 0;
    for (let output = 0; output < outputs; output++) {
      const first = output * weightCount;
      const mean = marked.reduce((total, at) => total + shares[at]! * weights[first + at]!, 0);
      const square = marked.reduce((total, at) => total + shares[at]! * weights[first + at]! ** 2, 0);
      const own = input.kind === "number" && input.scale > 0 ? weights[first + input.at]! ** 2 : 0;
      means[index * outputs + output] = mean;
      sum += Math.sqrt(Math.max(0, own + square - mean * mean));
    }
    return sum / outputs;
  });
  return { spreads, means };
}
