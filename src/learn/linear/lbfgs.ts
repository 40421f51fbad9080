/**
 * Limited-memory BFGS: minimises a smooth function from its gradients. The last few steps stand in for the curvature (two-loop recursion);
 * each step is searched for by bisection until it meets the weak Wolfe conditions. Sources: Nocedal and Wright 2006, algorithm 7.5; Lewis and Overton 2013.
 */
const MEMORY = 10;
/** Wolfe: a step must gain this part of what the slope promises, and flatten the slope to this part. */
const SUFFICIENT = 1e-4;
const FLATTER = 0.9;
const TRIALS = 40;

export interface Point {
  readonly x: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
}

export interface Minimum extends Point {
  readonly iterations: number;
  /** False when `iterationsMax` came first. */
  readonly converged: boolean;
}

export interface Evaluation {
  readonly value: number;
  /** A new array. */
  readonly gradient: Float64Array;
}

/** A search yields the points that it wants evaluated, and goes on with the answer: whoever drives it may take time between, and threads. */
export type Search<Result> = Generator<Float64Array, Result, Evaluation>;

export interface SearchOptions {
  readonly iterationsMax: number;
  /** Bounds the largest partial derivative at the end. */
  readonly tolerance: number;
  onIteration(iteration: number): void;
}

export function* minimise(start: Float64Array, options: SearchOptions): Search<Minimum> {
  let point = yield* evaluated(start);
  const steps: Step[] = [];
  for (let iteration = 0; iteration < options.iterationsMax; iteration++) {
    if (largest(point.gradient) <= options.tolerance) return { ...point, iterations: iteration, converged: true };
    const next = yield* search(point, directionOf(point.gradient, steps), steps.length === 0);
    if (next === null) return { ...point, iterations: iteration, converged: true };
    remember(steps, point, next);
    point = next;
    options.onIteration(iteration + 1);
  }
  return { ...point, iterations: options.iterationsMax, converged: largest(point.gradient) <= options.tolerance };
}

export function* evaluated(x: Float64Array): Search<Point> {
  return { x, ...(yield x) };
}

export interface Step {
  readonly dx: Float64Array;
  readonly dg: Float64Array;
  readonly curvature: number;
}

/** Minus the gradient, bent by what the last steps saw of the curvature. */
export function directionOf(gradient: Float64Array, steps: readonly Step[]): Float64Array {
  const direction = gradient.map((value) => -value);
  const alphas = steps.map(() => 0);
  for (let index = steps.length - 1; index >= 0; index--) {
    const { dx, dg, curvature } = steps[index]!;
    alphas[index] = dot(dx, direction) / curvature;
    addScaled(direction, dg, -alphas[index]!);
  }
  const last = steps.at(-1);
  if (last !== undefined) {
    const scale = last.curvature / dot(last.dg, last.dg);
    for (let index = 0; index < direction.length; index++) direction[index]! *= scale;
  }
  steps.forEach(({ dx, dg, curvature }, index) => {
    addScaled(direction, dx, alphas[index]! - dot(dg, direction) / curvature);
  });
  return direction;
}

/** The next point along `direction`, or null when no step gains anything that a double can show. */
function* search(from: Point, direction: Float64Array, first: boolean): Search<Point | null> {
  const slope = dot(from.gradient, direction);
  if (!(slope < 0)) return null;
  let [low, high] = [0, Infinity];
  let length = first ? Math.min(1, 1 / Math.sqrt(dot(from.gradient, from.gradient))) : 1;
  let best: Point | null = null;
  for (let trial = 0; trial < TRIALS; trial++) {
    const x = Float64Array.from(from.x);
    addScaled(x, direction, length);
    const point = yield* evaluated(x);
    if (!(point.value <= from.value + SUFFICIENT * length * slope)) high = length;
    else {
      if (point.value < (best?.value ?? from.value)) best = point;
      if (dot(point.gradient, direction) >= FLATTER * slope) return best;
      low = length;
    }
    length = high === Infinity ? low * 2 : (low + high) / 2;
  }
  return best;
}

export function remember(steps: Step[], from: Point, to: Point): void {
  const dx = to.x.map((value, index) => value - from.x[index]!);
  const dg = to.gradient.map((value, index) => value - from.gradient[index]!);
  const curvature = dot(dx, dg);
  if (curvature <= 1e-12 * dot(dg, dg)) return;
  steps.push({ dx, dg, curvature });
  if (steps.length > MEMORY) steps.shift();
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}

function addScaled(to: Float64Array, by: Float64Array, factor: number): void {
  for (let index = 0; index < to.length; index++) to[index]! += by[index]! * factor;
}

function largest(values: Float64Array): number {
  let found = 0;
  for (const value of values) found = Math.max(found, Math.abs(value));
  return found;
}
