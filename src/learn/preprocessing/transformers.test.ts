import assert from "node:assert/strict";
import { test } from "node:test";
import { trainingData } from "../fixtures/training-data.ts";
import { quiet } from "../suite.ts";
import { hash } from "./hash.ts";
import { readTransform, transformerNamed, transformers } from "./transformers.ts";

test("a transformer is found by name, and a near miss is told", () => {
  for (const transformer of transformers) assert.equal(transformerNamed(transformer.name), transformer);
  assert.throws(() => transformerNamed("standard-scaler"), {
    code: "learn.unknown-transformer",
    message: /Did you mean "standard-scale"/,
  });
});

test("names are told apart, and every parameter says what it is for", () => {
  assert.equal(new Set(transformers.map(({ name }) => name)).size, transformers.length);
  for (const { name, about, params } of transformers) {
    assert.match(about, /^[A-Z].*\.$/, name);
    for (const [param, spec] of Object.entries(params)) assert.ok(spec.about.length > 10, `${name}.${param}`);
  }
});

test("what is no transform is refused", () => {
  const impute = { name: "a", isText: false, number: 1, text: "", isMarked: false };
  const no = [null, [], "impute", {}, { transformer: "toString", columns: [] }, { transformer: "impute", columns: [] }];
  for (const json of [
    ...no,
    { transformer: "impute", columns: [null] },
    { transformer: "impute", columns: [{ ...impute, number: null }] },
  ])
    assert.throws(() => readTransform(json), { code: "learn.bad-model" }, JSON.stringify(json));
  assert.equal(readTransform({ transformer: "impute", columns: [impute] }).rowTransformer()({}).a, 1);
});

test("more dense numbers than memory holds are refused with the way out", async () => {
  const { X, ...data } = trainingData("clustering", 200);
  const fitted = await hash.fit(
    { ...data, X: { rowCount: 200, columns: { place: X.columns.place! } } },
    { columns: 5000 },
    quiet(),
  );
  assert.throws(() => fitted.transform({ rowCount: 200_001, columns: X.columns }), {
    code: "learn.too-large",
    fix: /fewer columns/,
  });
});
