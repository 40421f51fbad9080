import assert from "node:assert/strict";
import { test } from "node:test";
import { type Evaluation, minimise } from "./lbfgs.ts";

function minimum(of: (x: Float64Array) => Evaluation, start: Float64Array, given: Parameters<typeof minimise>[1]) {
  const search = minimise(start, given);
  let next = search.next();
  while (!next.done) next = search.next(of(next.value));
  return next.value;
}

const options = { iterationsMax: 2000, tolerance: 1e-8, onIteration: () => {} };

test("the minimum of a long, bent valley is found", () => {
  const rosenbrock = (x: Float64Array) => {
    const [a, b] = [x[0]!, x[1]!];
    const gradient = Float64Array.of(-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a));
    return { value: (1 - a) ** 2 + 100 * (b - a * a) ** 2, gradient };
  };
  const { x, converged, iterations } = minimum(rosenbrock, Float64Array.of(-1.2, 1), options);
  assert.ok(converged && iterations < 100, `${iterations} iterations`);
  assert.ok(Math.abs(x[0]! - 1) < 1e-6 && Math.abs(x[1]! - 1) < 1e-6, `${x}`);
});

test("a badly scaled quadratic is solved, and a bound on the iterations is kept and told", () => {
  const scales = Float64Array.from({ length: 40 }, (_, index) => 10 ** (index / 10));
  const bowl = (x: Float64Array) => ({
    value: x.reduce((sum, value, index) => sum + (scales[index]! * (value - 1) ** 2) / 2, 0),
    gradient: x.map((value, index) => scales[index]! * (value - 1)),
  });
  const { x, converged } = minimum(bowl, new Float64Array(40), options);
  assert.ok(converged && x.every((value) => Math.abs(value - 1) < 1e-6));
  const short = minimum(bowl, new Float64Array(40), { ...options, iterationsMax: 2 });
  assert.deepEqual([short.converged, short.iterations], [false, 2]);
});
