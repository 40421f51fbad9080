import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import { trainingData } from "../fixtures/training-data.ts";
import type { NumberColumn } from "../frame.ts";
import { quiet } from "../suite.ts";
import { hash } from "./hash.ts";
import { murmur3 } from "./murmur3.ts";
import { select, selectVariance } from "./select.ts";
import { checkTransformer } from "./suite.ts";

checkTransformer(select, {
  revision: 1,
  cases: {
    classes: { params: { columnsMax: 2 }, golden: "sha256:33fbd54ed9d74f8eed7a671c6b7ebaa98e878f365ec2f75439f6abef99908f48" },
    regression: {
      task: "regression",
      params: { share: 0.9 },
      golden: "sha256:8bd0b8293a1587386464a5d3527ec849db558284e147fefc268df105ac3c0640",
    },
  },
});
checkTransformer(selectVariance, {
  revision: 1,
  cases: {
    all: { golden: "sha256:f94d1a43974faa88cf0c2180b94a71fdb6063766e955c042feb85338866e50e0" },
    "above 100": {
      params: { varianceMin: 100 },
      golden: "sha256:7e4b8fff1b77eeffc756a0fee165a3551ebfea412ab15edbb2312a9e3b0fd653",
    },
  },
});
checkTransformer(hash, {
  revision: 1,
  cases: {
    defaults: { golden: "sha256:fd75c9c543fd09966b9ce6e54bf6072f6275fab8da4d232929364eb70d2821ab" },
    three: { params: { columns: 3 }, golden: "sha256:9e06d27795b77da5c9e74f9d0c0b628a952fe9486943e7ec70903d52d5b99c66" },
  },
});

test("columns of noise go, and a column that says all stays", async () => {
  const data = trainingData("binary-classification", 2000);
  const random = createRandom(5);
  const noise: NumberColumn = { kind: "number", values: Float64Array.from({ length: 2000 }, () => random.next()) };
  const X = { rowCount: 2000, columns: { noise, ...data.X.columns, label: { kind: "number" as const, values: data.y } } };
  const fitted = await select.fit({ ...data, X }, { share: 0.95 }, quiet());
  const names = fitted.outputs.map(({ name }) => name);
  assert.ok(names.includes("label") && !names.includes("noise") && !names.includes("kind"), names.join(" "));
});

test("the F test takes numbers alone, and says so", async () => {
  const data = trainingData("regression", 300);
  await assert.rejects(select.fit(data, { score: "f-test" }, quiet()), { code: "learn.bad-column", at: "place" });
});

test("columns that do not vary are dropped, and if none does they are named", async () => {
  const columns = {
    same: { kind: "number" as const, values: new Float64Array(50).fill(3) },
    other: { kind: "number" as const, values: Float64Array.from({ length: 50 }, (_, row) => row) },
  };
  const data = { ...trainingData("clustering", 50), X: { rowCount: 50, columns } };
  const fitted = await selectVariance.fit(data, {}, quiet());
  assert.deepEqual(fitted.outputs, [{ name: "other", kind: "number", of: ["other"] }]);
  await assert.rejects(selectVariance.fit({ ...data, X: { rowCount: 50, columns: { same: columns.same } } }, {}, quiet()), {
    code: "learn.bad-column",
    at: "same",
  });
});

test("the hash is MurmurHash3 of the bytes", () => {
  const known = { "": 0, hello: 613153351, "hello, world": 345750399, "The quick brown fox jumps over the lazy dog": 776992547 };
  for (const [text, value] of Object.entries(known)) assert.equal(murmur3(text), value, text);
});
