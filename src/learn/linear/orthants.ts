/**
 * L-BFGS for a smooth function + sum of l1 |x|: each step stays in one orthant, where the whole is smooth, and what would leave it becomes 0. Source: Andrew
 * and Gao 2007 (OWL-QN).
 */
import {
  directionOf,
  evaluated,
  type Minimum,
  type Point,
  remember,
  type Search,
  type SearchOptions,
  type Step,
} from "./lbfgs.ts";

const SUFFICIENT = 1e-4;
const TRIALS = 40;

/** As `minimise`; `value` and `gradient` are those of the smooth part. */
export function* minimiseSparse(start: Float64Array, l1: Float64Array, options: SearchOptions): Search<Minimum> {
  let point = yield* evaluated(start);
  const steps: Step[] = [];
  for (let iteration = 0; iteration < options.iterationsMax; iteration++) {
    const slopes = slopesOf(point, l1);
    if (largest(slopes) <= options.tolerance) return { ...point, iterations: iteration, converged: true };
    const next = yield* search(point, slopes, l1, steps);
    if (next === null && steps.length === 0) return { ...point, iterations: iteration, converged: true };
    if (next === null) {
      steps.length = 0; // what was seen of the curvature misled: begin anew downhill
      continue;
    }
    remember(steps, point, next);
    point = next;
    options.onIteration(iteration + 1);
  }
  return { ...point, iterations: options.iterationsMax, converged: largest(slopesOf(point, l1)) <= options.tolerance };
}

/** The slopes of the whole; at 0, the one that leads down, if any. */
function slopesOf({ x, gradient }: Point, l1: Float64Array): Float64Array {
  return gradient.map((slope, at) => {
    const penalty = l1[at]!;
    if (x[at] !== 0) return slope + Math.sign(x[at]!) * penalty;
    return Math.sign(slope) * Math.max(0, Math.abs(slope) - penalty);
  });
}

function* search(from: Point, slopes: Float64Array, l1: Float64Array, steps: readonly Step[]): Search<Point | null> {
  const direction = directionOf(slopes, steps).map((part, at) => (part * slopes[at]! < 0 ? part : 0));
  const orthant = from.x.map((value, at) => (value !== 0 ? Math.sign(value) : -Math.sign(slopes[at]!)));
  const before = whole(from, l1);
  let length = steps.length === 0 ? Math.min(1, 1 / Math.sqrt(slopes.reduce((sum, slope) => sum + slope * slope, 0))) : 1;
  for (let trial = 0; trial < TRIALS; trial++, length /= 2) {
    const x = from.x.map((value, at) => {
      const moved = value + length * direction[at]!;
      return moved * orthant[at]! > 0 ? moved : 0;
    });
    const gain = x.reduce((sum, value, at) => sum + slopes[at]! * (value - from.x[at]!), 0);
    if (!(gain < 0)) return null;
    const point = yield* evaluated(x);
    if (whole(point, l1) <= before + SUFFICIENT * gain) return point;
  }
  return null;
}

const whole = ({ x, value }: Point, l1: Float64Array) => x.reduce((sum, part, at) => sum + l1[at]! * Math.abs(part), value);

const largest = (values: Float64Array) => values.reduce((found, value) => Math.max(found, Math.abs(value)), 0);
