import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../../base/index.ts";
import { descend } from "./coordinate-descent.ts";
import { centred, type NormalEquations, solveByCholesky } from "./normal-equations.ts";
import { shortestSolution, triangularise } from "./orthogonal.ts";

interface Rows {
  readonly x: number[][];
  readonly y: number[];
}

/** Rows with a column made up by others in every third case. */
const rows: fc.Arbitrary<Rows> = fc
  .tuple(fc.integer(), fc.integer({ min: 2, max: 6 }), fc.integer({ min: 8, max: 40 }))
  .map(([seed, width, count]) => {
    const random = createRandom(seed);
    const x = Array.from({ length: count }, () => Array.from({ length: width }, () => random.normal()));
    if (seed % 3 === 0) for (const row of x) row[width - 1] = row[0]! - 2 * row[width - 2]!;
    return { x, y: x.map((row) => row.reduce((a, b) => a + b) + random.normal()) };
  });

/** Products of | x | 1 | y |. */
function gramOf({ x, y }: Rows): { gram: Float64Array; size: number } {
  const lines = x.map((row, at) => [...row, 1, y[at]!]);
  const size = lines[0]!.length;
  const gram = Float64Array.from({ length: size * size }, (_, at) =>
    lines.reduce((sum, line) => sum + line[Math.floor(at / size)]! * line[at % size]!, 0),
  );
  return { gram, size };
}

/** The slope of the squares' half sum along each weight. */
const slopesOf = ({ count, G, q }: NormalEquations, weights: Float64Array) =>
  q.map((value, i) => weights.reduce((sum, weight, k) => sum + G[i * count + k]! * weight, -value));

test("Cholesky's weights leave no slope, with columns that others make up left out", () => {
  fc.assert(
    fc.property(rows, fc.double({ min: 0, max: 10, noNaN: true }), (data, penalty) => {
      const { gram, size } = gramOf(data);
      const system = centred(gram, size);
      const { weights } = solveByCholesky(system, new Float64Array(size).fill(penalty));
      slopesOf(system, weights).forEach((slope, at) => {
        assert.ok(Math.abs(slope + penalty * weights[at]!) < 1e-6 * (1 + Math.abs(system.q[at]!)), `${slope}`);
      });
    }),
    { numRuns: 200 },
  );
});

test("reflections leave no slope either, and no shorter weights do", () => {
  fc.assert(
    fc.property(rows, (data) => {
      const width = data.x[0]!.length;
      const size = width + 1;
      const matrix = Float64Array.from(data.x.flatMap((row, at) => [...row, data.y[at]!]));
      triangularise(matrix, data.x.length, size);
      const weights = shortestSolution(matrix.subarray(0, size * size), size);
      for (let k = 0; k < width; k++) {
        const slope = data.x.reduce(
          (sum, row, at) => sum + row[k]! * (row.reduce((s, v, j) => s + v * weights[j]!, 0) - data.y[at]!),
          0,
        );
        assert.ok(Math.abs(slope) < 1e-8 * data.x.length, `${slope}`);
      }
      const isMadeUp = data.x.every((row) => Math.abs(row[0]! - 2 * row[width - 2]! - row[width - 1]!) < 1e-12);
      if (!isMadeUp) return;
      const along = weights[0]! - 2 * weights[width - 2]! - weights[width - 1]!;
      assert.ok(Math.abs(along) < 1e-8, "a part that changes no prediction");
    }),
    { numRuns: 200 },
  );
});

test("coordinate descent ends where no weight can be moved for the better", () => {
  fc.assert(
    fc.property(
      rows,
      fc.double({ min: 0.01, max: 20, noNaN: true }),
      fc.double({ min: 0, max: 5, noNaN: true }).map((value) => (value < 0.01 ? 0 : value)), // less divides copies too slowly for the gap asked
      (data, one, two) => {
        const { gram, size } = gramOf(data);
        const system = centred(gram, size);
        const [l1, l2] = [one, two].map((value) => new Float64Array(size).fill(value));
        const { weights, converged } = descend(system, l1!, l2!, { iterationsMax: 100_000, tolerance: 1e-13 });
        assert.ok(converged);
        slopesOf(system, weights).forEach((slope, at) => {
          const whole = slope + two * weights[at]!;
          const bound = 1e-4 * (1 + one);
          if (weights[at] === 0) assert.ok(Math.abs(whole) <= one + bound);
          else assert.ok(Math.abs(whole + Math.sign(weights[at]!) * one) <= bound, `${whole} ${one}`);
        });
      },
    ),
    { numRuns: 100 },
  );
});
