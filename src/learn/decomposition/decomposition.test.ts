import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import type { FitContext, Params, TrainingData } from "../estimator.ts";
import { realData } from "../fixtures/real-data.ts";
import type { NumberColumn } from "../frame.ts";
import { unpackFloat64 } from "../packed.ts";
import { checkTransformer } from "../preprocessing/suite.ts";
import { quiet } from "../suite.ts";
import type { FittedTransform, Transformer } from "../transformer.ts";
import { eigenOf } from "./eigen.ts";
import { squaresOf } from "./jacobi.ts";
import { covarianceOf } from "./one-pass.ts";
import { pca } from "./pca.ts";
import { truncatedSvd } from "./truncated-svd.ts";

checkTransformer(pca, {
  cases: {
    "a share": { golden: "sha256:20b555346c90f7d06f56d4e09c93c512065ded376e33e0e9f9ff7c43f3df75b2" },
    "a count": {
      params: { components: 3, standardise: false },
      golden: "sha256:1e4e13c39764fe6b8883882d8dee87368240c5ebaf71faf534ed5f47f8a36e94",
    },
  },
  revision: 2,
  graphTolerance: 1e-9,
  orderTolerance: 1e-9,
});

checkTransformer(pca, {
  cases: { "numbers in one reading": { golden: "sha256:c2521b6787d864eaac06e85239750fdd3fb71a2aae89d3218541180d49af0e98" } },
  data: (rowCount) => {
    const random = createRandom(rowCount);
    const columns = ["a", "b", "c"].map((name, at) => {
      const values = Float64Array.from({ length: rowCount }, (_, row) => Math.sin(row * (at + 1)) * 10 ** at + random.normal());
      return [name, values] as const;
    });
    return numbers(Object.fromEntries(columns));
  },
  revision: 2,
  graphTolerance: 1e-9,
  orderTolerance: 1e-9,
});

checkTransformer(truncatedSvd, {
  cases: { "a count": { golden: "sha256:87b8280c67fcbfe15993a77b8909d562b2a0652f5727969ea93f226754bd15b6" } },
  revision: 1,
  graphTolerance: 1e-9,
  orderTolerance: 1e-9,
});

const partOf = (fitted: FittedTransform, part: string) => unpackFloat64((fitted.toJson() as Record<string, unknown>)[part]);

function near(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, at) => {
    assert.ok(Math.abs(actual[at]! - value) <= tolerance, `value ${at}: ${actual[at]} instead of ${value}`);
  });
}

test("every way to the components of iris finds the shares and the coordinates that scikit-learn finds", async () => {
  const iris = realData("iris");
  for (const solver of ["auto", "covariance", "triangle", "randomised"]) {
    const fitted = await pca.fit(iris, { components: 4, standardise: false, solver }, quiet());
    near(partOf(fitted, "shares"), [0.9246187, 0.0530665, 0.0171026, 0.0052122], 5e-8);
    const [first] = Object.values(fitted.transform(iris.X).columns) as NumberColumn[];
    near(first!.values.subarray(0, 2), [-2.68412563, -2.71414169], 5e-9);
  }
  const share = async (components: number) => (await pca.fit(iris, { components, standardise: false }, quiet())).outputs.length;
  assert.deepEqual([await share(0.9), await share(0.97), await share(0.99), await share(7)], [1, 2, 3, 4]);
});

test("small components survive in a triangle, which auto takes where the covariance would lose them", async () => {
  const random = createRandom(4);
  const [a, b] = [
    Float64Array.from({ length: 3000 }, () => random.normal()),
    Float64Array.from({ length: 3000 }, () => random.normal()),
  ];
  const data = numbers({ a, b: a.map((value, row) => value + 1e-7 * b[row]!) });
  const plain = { components: 2, standardise: false };
  const [auto, triangle, covariance] = await Promise.all(
    ["auto", "triangle", "covariance"].map(
      async (solver) => partOf(await pca.fit(data, { ...plain, solver }, quiet()), "variances")[1]!,
    ),
  );
  const spread = b.reduce((sum, value) => sum + value * value, 0) / 2999;
  assert.ok(Math.abs(triangle! / (spread * 1e-14 * 0.5) - 1) < 0.1);
  assert.equal(auto, triangle);
  assert.ok(Math.abs(covariance! / triangle! - 1) > 1e-4);
});

test("1 and 2 threads find the same components, and random directions come near the exact ones", async () => {
  const random = createRandom(9);
  const hidden = Array.from({ length: 5 }, () => Float64Array.from({ length: 9000 }, () => random.normal()));
  const columns = Array.from({ length: 130 }, (_, at): [string, Float64Array] => {
    const mix = hidden.map(() => random.normal() * 3);
    return [
      `x${at}`,
      Float64Array.from({ length: 9000 }, (_, row) => mix.reduce((sum, m, k) => sum + m * hidden[k]![row]!, random.normal())),
    ];
  });
  const data = numbers(Object.fromEntries(columns));
  const fit = (params: Params, threads = 1) => pca.fit(data, { components: 5, ...params }, { ...quiet(), threads });
  const exact = await fit({});
  const rough = await fit({ solver: "randomised" });
  for (const [one, params, counts] of [
    [exact, {}, [2]],
    [rough, { solver: "randomised" }, [2]],
  ] as const)
    for (const threads of counts) assert.deepEqual((await fit(params, threads)).toJson(), one.toJson());
  near(partOf(rough, "variances"), [...partOf(exact, "variances")], 1e-6);
  near(partOf(rough, "vectors"), [...partOf(exact, "vectors")], 1e-6);
});

test("helping threads do not change the components of many numbers, and end when the training is cancelled", async () => {
  const random = createRandom(6);
  const base = Float64Array.from({ length: 80_000 }, () => random.normal());
  const columns = Array.from({ length: 120 }, (_, at): [string, Float64Array] => [
    `x${at}`,
    base.map((value, row) => value * at + base[(row * (at + 7)) % base.length]!),
  ]);
  const data = numbers(Object.fromEntries(columns));
  const fit = (context: Partial<FitContext>) => pca.fit(data, { components: 3 }, { ...quiet(), ...context });
  const [one, ...others] = [await fit({}), await fit({ threads: 2 }), await fit({ threads: 4 })];
  for (const other of others) assert.deepEqual(other.toJson(), one.toJson());
  const abort = new AbortController();
  const cancelled = fit({ threads: 4, progress: () => abort.abort(), signal: abort.signal });
  await assert.rejects(cancelled, { code: "learn.cancelled" });
  assert.equal((process.report.getReport() as unknown as { workers: unknown[] }).workers.length, 0);
});

test("a truncated decomposition of counts has the singular values of the matrix", async () => {
  const data = numbers({ a: Float64Array.of(3, 0, 0, 1), b: Float64Array.of(0, 2, 0, 1), c: Float64Array.of(0, 0, 1, 0) });
  const fitted = await truncatedSvd.fit(data, { components: 3 }, quiet());
  const columns = Object.values(fitted.transform(data.X).columns) as NumberColumn[];
  const squares = columns.map(({ values }) => values.reduce((sum, value) => sum + value * value, 0));
  // The squares of the singular values of [3 0; 0 2; 1 1] and 1: (15 +- sqrt(29)) / 2.
  near(squares, [(15 + Math.sqrt(29)) / 2, (15 - Math.sqrt(29)) / 2, 1], 1e-12);
  near(
    columns[0]!.values.map((value) => Math.sign(value)),
    [1, 1, 0, 1].map((sign) => sign),
    1e-9,
  );
});

test("eigenvectors of a symmetric matrix make it up again, ties, zeros and wide ranges included", () => {
  const random = createRandom(1);
  for (const [size, make] of [
    [1, () => 3],
    [30, () => random.normal()],
    [12, (i: number, k: number) => (i === k ? 2 : 0)],
    [20, (i: number, k: number) => 1 / (i + k + 1)],
    [9, () => 0],
    [40, (i: number, k: number) => (i === k ? 10 ** (i / 4) : 0.001 * random.normal())],
  ] as const) {
    const matrix = new Float64Array(size * size);
    for (let i = 0; i < size; i++) for (let k = i; k < size; k++) matrix[i * size + k] = matrix[k * size + i] = make(i, k);
    const { values, vectors } = eigenOf(matrix, size);
    const largest = Math.max(Math.abs(values[0]!), Math.abs(values.at(-1)!));
    for (let i = 0; i < size; i++)
      for (let k = 0; k < size; k++) {
        let [made, upright] = [0, 0];
        for (let at = 0; at < size; at++) {
          made += vectors[at * size + i]! * values[at]! * vectors[at * size + k]!;
          upright += vectors[i * size + at]! * vectors[k * size + at]!;
        }
        assert.ok(Math.abs(made - matrix[i * size + k]!) <= 1e-13 * size * Math.max(largest, 1e-300), `${size}: ${i} ${k}`);
        assert.ok(Math.abs(upright - Number(i === k)) <= 1e-13 * size);
      }
    const squared = squaresOf(matrix, size).values;
    const expected = [...values].map((value) => value * value).sort((a, b) => b - a);
    near(squared, expected, 1e-12 * size * Math.max(largest ** 2, 1e-300));
  }
});

test("covariance in one reading is that of careful sums, for sorted, far, constant and few rows, and there is none where values are missing", async () => {
  const random = createRandom(3);
  const context = quiet();
  for (const rowCount of [1, 2, 511, 513, 9001]) {
    const columns = [
      Float64Array.from({ length: rowCount }, (_, row) => row),
      Float64Array.from({ length: rowCount }, () => 1e9 + random.normal()),
      new Float64Array(rowCount).fill(0.1),
      Float64Array.from({ length: rowCount }, (_, row) => (row < 400 ? 1e6 : random.normal())),
    ];
    const { X } = numbers(Object.fromEntries(columns.map((values, at) => [`x${at}`, values])));
    const found = (await covarianceOf(X, context))!;
    const centred = columns.map((values, at) => {
      const mean = values[0]! + values.reduce((sum, value) => sum + (value - values[0]!), 0) / rowCount;
      const { mean: foundMean, farthest } = found.columns[at]!;
      near([foundMean], [mean], 1e-13 * Math.abs(mean));
      const away = values.map((value) => value - mean);
      near([farthest], [Math.max(...away.map(Math.abs))], 1e-6);
      return away;
    });
    centred.forEach((a, i) => {
      centred.forEach((b, k) => {
        const [product, scale] = [dotOf(a, b), Math.sqrt(dotOf(a, a) * dotOf(b, b))];
        near([found.products[i * 4 + k]!], [product], 1e-9 * scale + 1e-12);
      });
    });
    columns[3]![rowCount - 1] = NaN;
    assert.equal(await covarianceOf(X, context), null);
  }
});

const dotOf = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, at) => sum + value * b[at]!, 0);

test("a number of components that is no whole number is refused", async () => {
  for (const transformer of [pca, truncatedSvd] satisfies Transformer[])
    await assert.rejects(transformer.fit(realData("iris"), { components: 1.5 }, quiet()), {
      code: "learn.bad-parameter",
      at: `${transformer.name}.components`,
    });
});

function numbers(columns: Record<string, Float64Array>): TrainingData {
  const entries = Object.entries(columns).map(([name, values]): [string, NumberColumn] => [name, { kind: "number", values }]);
  const rowCount = entries[0]![1].values.length;
  return { X: { rowCount, columns: Object.fromEntries(entries) }, y: new Float64Array(), task: "clustering", classes: [] };
}
