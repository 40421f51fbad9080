/** Measures of lists and clusters against what they mean, worked out the slow way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { daviesBouldin, silhouette } from "./cluster-shape.ts";
import { adjustedMutualInformation, adjustedRand, normalisedMutualInformation } from "./clusterings.ts";
import { meanAveragePrecision, meanReciprocalRank, ndcg } from "./ranked-lists.ts";

const check = <T>(property: fc.IProperty<T>) => fc.assert(property, { seed: 20010601, numRuns: 200 });
const near = (a: number | null, b: number, why: string) =>
  assert.ok(a !== null && Math.abs(a - b) <= 1e-9, `${why}: ${a} is not ${b}`);

const list = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 1, maxLength: 6 });
const listOf = (rows: readonly (readonly [number, number])[]) => ({
  scores: Float64Array.from(rows, ([score]) => score),
  grades: Float64Array.from(rows, ([, grade]) => grade),
  groups: new Int32Array(rows.length),
});

/** Every order of the rows that their scores allow. */
function orders(rows: readonly (readonly [number, number])[]): number[][] {
  if (rows.length === 0) return [[]];
  const best = Math.max(...rows.map(([score]) => score));
  return rows.flatMap(([score, grade], at) =>
    score < best ? [] : orders(rows.toSpliced(at, 1)).map((rest) => [grade, ...rest]),
  );
}

test("the gain of a list with ties is the mean over all orders that they allow", () => {
  check(
    fc.property(list, fc.integer({ min: 1, max: 7 }), (rows, k) => {
      const gained = (grades: readonly number[]) =>
        grades.slice(0, k).reduce((sum, grade, place) => sum + (2 ** grade - 1) / Math.log2(place + 2), 0);
      const best = gained(rows.map(([, grade]) => grade).toSorted((a, b) => b - a));
      const { value } = ndcg(listOf(rows), k);
      if (best === 0) return assert.equal(value, null);
      const all = orders(rows).map(gained);
      near(value, all.reduce((sum, each) => sum + each, 0) / all.length / best, "ndcg");
    }),
  );
});

test("without ties precision and rank are counted down the list, and the order of the rows does not matter with them", () => {
  check(
    fc.property(list, (rows) => {
      const distinct = rows.map(([, grade], place) => [-place, grade] as const);
      const hits = distinct.flatMap(([, grade], place) => (grade > 0 ? [place + 1] : []));
      const [precision, rank] = [meanAveragePrecision(listOf(distinct)).value, meanReciprocalRank(listOf(distinct)).value];
      if (hits.length === 0) return assert.deepEqual([precision, rank], [null, null]);
      near(precision, hits.reduce((sum, place, at) => sum + (at + 1) / place, 0) / hits.length, "average precision");
      near(rank, 1 / hits[0]!, "reciprocal rank");
      for (const measure of [ndcg, meanAveragePrecision, meanReciprocalRank])
        assert.equal(measure(listOf(rows)).value?.toFixed(12), measure(listOf(rows.toReversed())).value?.toFixed(12));
    }),
  );
});

const labels = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 2, maxLength: 14 });

test("the adjusted Rand index is what pairs of rows say, counted one by one", () => {
  check(
    fc.property(labels, (rows) => {
      const pairs = rows.flatMap((a, i) => rows.slice(i + 1).map((b) => [a[0] === b[0], a[1] === b[1]] as const));
      const count = (holds: (pair: readonly [boolean, boolean]) => boolean) => pairs.filter(holds).length;
      const [both, inA, inB] = [count(([a, b]) => a && b), count(([a]) => a), count(([, b]) => b)];
      const chance = (inA * inB) / pairs.length;
      const possible = (inA + inB) / 2 - chance;
      const { value } = adjustedRand(
        rows.map(([a]) => a),
        rows.map(([, b]) => b),
      );
      near(value, possible === 0 ? 1 : (both - chance) / possible, "adjusted Rand");
    }),
  );
});

test("agreement does not ask for names, is the same both ways, and whole for equal groupings", () => {
  check(
    fc.property(labels, (rows) => {
      const [a, b] = [rows.map(([label]) => label), rows.map(([, label]) => label)];
      for (const measure of [adjustedRand, adjustedMutualInformation, normalisedMutualInformation]) {
        near(measure(a, b).value, measure(b, a).value!, `${measure.name}, both ways`);
        near(
          measure(
            a.map((label) => 7 - label),
            b,
          ).value,
          measure(a, b).value!,
          `${measure.name}, renamed`,
        );
        near(measure(a, a).value, 1, `${measure.name}, with itself`);
      }
    }),
  );
});

test("the shape of clusters does not depend on where they lie or how they are called, and is null where there are not two", () => {
  const points = fc.array(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }), fc.nat(2)), {
    minLength: 2,
    maxLength: 15,
  });
  check(
    fc.property(points, (rows) => {
      const [values, moved] = [0, 64].map((by) => Float64Array.from(rows.flatMap(([x, y]) => [x + by, y - by])));
      const own = rows.map(([, , label]) => label);
      const clusters = new Set(own).size;
      for (const measure of [silhouette, daviesBouldin]) {
        const here = measure({ values: values!, width: 2 }, own).value;
        const there = measure(
          { values: moved!, width: 2 },
          own.map((label) => 5 - label),
        ).value;
        if (here === null || there === null) assert.equal(here, there);
        else near(there, here, measure.name);
        if (clusters < 2 || clusters === rows.length) assert.equal(here, null);
      }
      const { value } = silhouette({ values: values!, width: 2 }, own);
      assert.ok(value === null || (value >= -1 && value <= 1));
    }),
  );
});

test("a sample of the rows stands for all of them", () => {
  const values = Float64Array.from({ length: 4000 }, (_, at) => Math.sin(at * 12.9898) + (at % 4 < 2 ? 0 : 4));
  const own = Int32Array.from({ length: 2000 }, (_, row) => row % 2);
  const points = { values, width: 2 };
  const [all, some] = [silhouette(points, own).value!, silhouette(points, own, 300).value!];
  assert.ok(all > 0.6 && Math.abs(all - some) < 0.02, `${all} ${some}`);
  assert.equal(silhouette(points, own, 300).value, some);
});
