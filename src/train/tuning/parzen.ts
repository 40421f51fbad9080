/**
 * A density over the unit cube from observed points, oldest first: the mean of one kernel around each, and of one that is nearly flat. A kernel is a product over the
 * dimensions: of a normal distribution cut to [0, 1], or of a choice that is mostly the observed value.
 */
import type { Random } from "../../base/index.ts";

export interface Parzen {
  /** A point, as dense as the density says. */
  draw(random: Random): number[];
  logDensity(units: readonly number[]): number;
}

const WIDTH = 0.2;
/** So many newest trials weigh the same; older ones less, the oldest nearly nothing. */
const FULL_WEIGHT = 25;

/** `choices`: for each dimension the number of its values, or null for numbers. */
export function createParzen(observed: readonly (readonly number[])[], choices: readonly (number | null)[]): Parzen {
  const count = observed.length;
  const width = Math.max(WIDTH * Math.max(count, 1) ** (-1 / (choices.length + 4)), 1 / Math.min(100, 2 + count));
  const flat = choices.map(() => 0.5);
  const kernels = [...observed.map((means) => ({ means, width, isFlat: false })), { means: flat, width: 1, isFlat: true }];
  const weights = [...weightsByAge(count), 1];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const logWeights = weights.map((weight) => Math.log(weight / total));
  const kernelChoice = 1 / (count + 1);

  /** Of a listed value: a little for each, the rest for the one observed. */
  const choiceShare = (isSame: boolean, isFlat: boolean, values: number) =>
    isFlat ? 1 / values : (kernelChoice + Number(isSame)) / (1 + values * kernelChoice);

  return {
    draw(random) {
      const { means, width: own, isFlat } = kernels[drawIndex(weights, total, random)]!;
      return choices.map((values, at) => {
        if (values === null) return drawNormal(means[at]!, own, random);
        const mine = Math.floor(means[at]! * values);
        const shares = Array.from({ length: values }, (_, value) => choiceShare(value === mine, isFlat, values));
        return (drawIndex(shares, 1, random) + 0.5) / values;
      });
    },

    logDensity(units) {
      const terms = kernels.map(({ means, width: own, isFlat }, kernel) => {
        let sum = logWeights[kernel]!;
        for (const [at, values] of choices.entries())
          sum +=
            values === null
              ? logNormal(units[at]!, means[at]!, own)
              : Math.log(choiceShare(Math.floor(units[at]! * values) === Math.floor(means[at]! * values), isFlat, values));
        return sum;
      });
      const top = Math.max(...terms);
      return top + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - top), 0));
    },
  };
}

function weightsByAge(count: number): number[] {
  const ramp = Math.max(0, count - FULL_WEIGHT);
  return Array.from({ length: count }, (_, at) => {
    if (at >= ramp) return 1;
    return ramp === 1 ? 1 / count : 1 / count + (at * (1 - 1 / count)) / (ramp - 1);
  });
}

function drawIndex(weights: readonly number[], total: number, random: Random): number {
  let left = random.next() * total;
  for (const [index, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return weights.length - 1;
}

/** The mean lies in [0, 1], so that at least about every third draw does too. */
function drawNormal(mean: number, width: number, random: Random): number {
  for (;;) {
    const drawn = mean + width * random.normal();
    if (drawn >= 0 && drawn < 1) return drawn;
  }
}

function logNormal(unit: number, mean: number, width: number): number {
  const inside = normalShare((1 - mean) / width) - normalShare(-mean / width);
  return -0.5 * ((unit - mean) / width) ** 2 - Math.log(width * Math.sqrt(2 * Math.PI) * inside);
}

/** The normal distribution function, within 1e-7 (Abramowitz and Stegun 26.2.17). */
function normalShare(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const above = (Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)) * series;
  return z > 0 ? 1 - above : above;
}
