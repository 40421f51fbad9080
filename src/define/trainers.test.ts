import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { estimatorNamed } from "../learn/index.ts";
import { type GradientBoostingParams, gradientBoosting, type LogisticRegressionParams, logisticRegression } from "./index.ts";

const boosting: Record<keyof GradientBoostingParams, true> = {
  trees: true,
  leaves: true,
  learningRate: true,
  minRowsPerLeaf: true,
  l2: true,
  maxBins: true,
  depthMax: true,
  minGain: true,
};
const logistic: Record<keyof LogisticRegressionParams, true> = { l2: true, iterationsMax: true, tolerance: true, countMin: true };

const source = readFileSync(join(import.meta.dirname, "trainers.ts"), "utf8");

/** The defaults that the comments of an interface promise, by parameter. */
function promised(name: string): Readonly<Record<string, number>> {
  const body = source.slice(source.indexOf(`interface ${name} {`)).split("\n}")[0]!;
  const found = [...body.matchAll(/Default ([\d.e-]+)\. \*\/\s+readonly (\w+)\?/g)];
  return Object.fromEntries(found.map(([, value, key]) => [key!, Number(value)]));
}

describe("the words of a trainer", () => {
  for (const [interfaceName, word, stated] of [
    ["GradientBoostingParams", gradientBoosting, boosting],
    ["LogisticRegressionParams", logisticRegression, logistic],
  ] as const)
    test(`${interfaceName} names every parameter of the estimator, with its default`, () => {
      const { estimator, params } = word();
      const specs = estimatorNamed(estimator).params;
      assert.deepEqual(Object.keys(stated).sort(), Object.keys(specs).sort());
      assert.deepEqual(promised(interfaceName), params);
    });
});
