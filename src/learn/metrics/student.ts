import { Z95 } from "./normal.ts";

/** The 97.5 % quantiles of Student's t distribution with 1 to 30 degrees of freedom. */
const T95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101,
  2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** The mean of some draws, with its 95 % interval where there are two or more. */
export function meanInterval(draws: readonly number[]): { mean: number; interval: readonly [low: number, high: number] | null } {
  const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
  const freedom = draws.length - 1;
  if (freedom < 1) return { mean, interval: null };
  const squares = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0);
  const margin = (T95[freedom - 1] ?? Z95) * Math.sqrt(squares / freedom / draws.length);
  return { mean, interval: [mean - margin, mean + margin] };
}
