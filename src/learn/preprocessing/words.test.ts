import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import type { LearnTask, TrainingData } from "../estimator.ts";
import { trainingData } from "../fixtures/training-data.ts";
import { quiet } from "../suite.ts";
import { hashWords } from "./hash-words.ts";
import { checkTransformer } from "./suite.ts";
import { termsOf } from "./tokens.ts";
import { countWords, tfIdf } from "./words.ts";

const data = sentences;
const spaces = { tokens: "spaces", ngrams: 2, columnsMax: 40 };

checkTransformer(countWords, {
  revision: 1,
  data,
  cases: { "at spaces": { params: spaces, golden: "sha256:c9997048216bdac1fb64d76919a5b2a054375581fa759af6d08b0b7783f9efc8" } },
});
checkTransformer(tfIdf, {
  revision: 1,
  data,
  cases: {
    "at spaces": { params: spaces, golden: "sha256:9b1c6ea0219d57c353978b3605c573b5f18883978cea26aaa1c8664cfa665fe9" },
    "not normed": {
      params: { ...spaces, norm: false },
      golden: "sha256:8f205ea4d05330da417ff21614a3be16d205c53587ab35a5c697bb1dcf797555",
    },
  },
  graphTolerance: 1e-12,
});
checkTransformer(hashWords, {
  revision: 1,
  data,
  cases: {
    defaults: { params: { columns: 32 }, golden: "sha256:6d0ff01db3a5e9b7c0e2fa7b5a7ee19b5cfd43e61fb923030cb469aa72e60611" },
  },
});

test("words are letters and digits of any script in lower case, or what stands between spaces", () => {
  assert.deepEqual(termsOf("It's 5 o'clock, Zoë — 東京 42_x", "words", 1), ["it", "clock", "zoë", "東京", "42_x"]);
  assert.deepEqual(termsOf("  It's  5\to'clock ", "spaces", 2), ["It's", "5\to'clock", "It's 5\to'clock"]);
});

test("the words of any script cannot be said in a graph, and the message says what can", async () => {
  const fitted = await tfIdf.fit(sentences(100, "clustering"), {}, quiet());
  const graph = {} as Parameters<typeof fitted.addTo>[0];
  assert.throws(() => fitted.addTo(graph, { note: "note" }, "wide"), { code: "onnx.unsupported", fix: /tokens "spaces"/ });
});

test("terms have columns by how often they are, in the order of the terms", async () => {
  const texts = ["b b b a", "a b", "c a", "z"];
  const X = { rowCount: 4, columns: { note: { kind: "text" as const, codes: Int32Array.of(0, 1, 2, 3), texts } } };
  const fitted = await countWords.fit(
    { ...sentences(4, "clustering"), X },
    { tokens: "spaces", columnsMax: 2, countMin: 1 },
    quiet(),
  );
  assert.deepEqual(
    fitted.outputs.map(({ name }) => name),
    ["note:a", "note:b"],
  );
  assert.deepEqual(fitted.rowTransformer()({ note: "b z a b" }), { "note:a": 1, "note:b": 2 });
});

test("a column whose words are all rare is refused by name", async () => {
  const fit = countWords.fit(sentences(100, "clustering"), { countMin: 1000 }, quiet());
  await assert.rejects(fit, { code: "learn.bad-column", at: "note" });
});

test("a long column lets other work of the event loop have its turn, and a cancel is heard in it", async () => {
  const texts = Array.from({ length: 20_000 }, (_, at) => `text of number ${at}`);
  const X = { rowCount: texts.length, columns: { note: { kind: "text" as const, codes: Int32Array.from(texts.keys()), texts } } };
  const abort = new AbortController();
  const shares: number[] = [];
  const progress = (done: number, total: number) => {
    shares.push(done / total);
    if (shares.length === 3) setImmediate(() => abort.abort());
  };
  const fit = countWords.fit({ ...sentences(1, "clustering"), X }, {}, { ...quiet(), progress, signal: abort.signal });
  await assert.rejects(fit, { code: "learn.cancelled" });
  assert.ok(shares.length >= 3 && shares.at(-1)! < 1, shares.join(" "));
});

function sentences(rowCount: number, task: LearnTask): TrainingData {
  const random = createRandom(17);
  const words = ["late", "plane", "rain", "Rain,", "the", "of", "gate", "B", "7", "naïve", "東京", "engine"];
  const text = () =>
    Array.from({ length: random.below(9) }, () => words[random.below(1 + random.below(words.length))]!).join(
      random.next() < 0.2 ? "  " : " ",
    );
  const all = Array.from({ length: rowCount }, text);
  const texts = [...new Set(all)];
  const codeOf = new Map(texts.map((each, code) => [each, code] as const));
  const codes = Int32Array.from(all, (each) => (random.next() < 0.05 ? -1 : codeOf.get(each)!));
  return { ...trainingData(task, rowCount), X: { rowCount, columns: { note: { kind: "text", codes, texts } } } };
}
