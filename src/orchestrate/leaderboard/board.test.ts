import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { boardOf, type Candidate, COSTS, type CostName, frontOf } from "./board.ts";

const quality = { measure: "logLoss", better: "lower" } as const;

const candidate = (
  model: string,
  logLoss: number | null,
  more: Partial<Candidate> & { readonly micros?: number | null } = {},
): Candidate => {
  const { micros = 10, ...others } = more;
  return {
    ...{ model, version: 1, standing: "champion", framework: "millwright", trainer: "ridge", searched: null, form: "inline" },
    ...{ dataset: { name: "birds", version: 1 }, rows: 50, measures: { logLoss }, intervals: { logLoss: [0.2, 0.3] } },
    ...{
      trainMs: 1000,
      searchMs: null,
      memoryBytes: 5e7,
      sizeBytes: 2000,
      license: "Apache-2.0",
      licensedBy: null,
      packages: [],
    },
    latency: micros === null ? null : { medianMicros: micros, p99Micros: 2 * micros, rows: 500, machine: "a machine" },
    ...others,
  };
};
const names = (candidates: readonly Candidate[]) => candidates.map(({ model }) => model);

test("models stand by the measure or the cost asked for, what is not known last, refused ones in their place", () => {
  const all = [
    candidate("a", 0.3, { micros: null }),
    candidate("b", 0.25, { micros: 20 }),
    candidate("c", null, { micros: 5 }),
    candidate("d", 0.2, { micros: 30, standing: "refused" }),
  ];
  assert.deepEqual(names(boardOf(all, null, quality).models), ["d", "b", "a", "c"]);
  assert.deepEqual(names(boardOf(all, "latency", quality).models), ["c", "b", "d", "a"]);
  assert.deepEqual(names(boardOf(all, null, { measure: "logLoss", better: "higher" }).models), ["a", "b", "d", "c"]);
  assert.equal(boardOf(all, null, quality).models[0]!.front, false, "who serves nobody is on no front");
});

test("on the front is whom nobody beats, and everybody else is beaten by one on it", () => {
  const value = fc.option(fc.integer({ min: 0, max: 4 }), { nil: null });
  const any = fc.record({ loss: value, micros: value, trainMs: value, sizeBytes: value });
  const costs = (one: Candidate) => [
    one.measures.logLoss,
    ...(["time", "latency", "size"] as CostName[]).map((name) => COSTS[name].of(one)),
  ];
  const beats = (a: Candidate, b: Candidate) => {
    const [x, y] = [costs(a), costs(b)].map((all) => all.map((one) => one ?? Infinity)) as [number[], number[]];
    return x.every((one, at) => one <= y[at]!) && x.some((one, at) => one < y[at]!);
  };
  fc.assert(
    fc.property(fc.array(any, { maxLength: 8 }), (drawn) => {
      const all = drawn.map(({ loss, ...more }, at) => candidate(String(at), loss, more));
      const front = frontOf(all, quality);
      for (const one of all) assert.equal(front.has(one), ![...front].some((other) => beats(other, one)));
    }),
  );
});

test("the sentence says which is best, what it costs, and who comes as near for less", () => {
  const best = candidate("torch", 0.25, {
    ...{ micros: 1500, framework: "pytorch", license: "LGPL-3.0-only", licensedBy: "chardet" },
    packages: [{ name: "chardet", version: "1", license: "LGPL-3.0-only" }],
  });
  const [near, far] = [candidate("forest", 0.28, { micros: 40 }), candidate("linear", 0.5, { micros: 1 })];
  assert.equal(
    boardOf([far, near, best], null, quality).sentence,
    "torch has the lowest logLoss on test, 0.25 (0.2 to 0.3), at 1.0 s of training, 1.5 ms a row and 2.0 KB, under LGPL-3.0-only (chardet, the strictest of 1 package). " +
      "forest, 0.28 (0.2 to 0.3), comes within that interval, at 1.0 s of training, 40 us a row and 2.0 KB, under Apache-2.0 and without a dependency.",
  );
  assert.equal(
    boardOf([far, near, best], "latency", quality).sentence,
    "linear is the quickest to answer, at 1.0 s of training, 1.0 us a row and 2.0 KB; its logLoss on test is 0.5 (0.2 to 0.3), " +
      "the best, torch, has 0.25 (0.2 to 0.3) at 1.0 s of training, 1.5 ms a row and 2.0 KB.",
  );
  assert.match(
    boardOf([far, { ...best, memoryBytes: 1e6 }], "memory", quality).sentence,
    /^torch is trained in the least memory, at .+, 2\.0 KB and 1\.0 MB of memory; its logLoss on test is 0\.25 .+, no other is better in it\.$/,
  );
  assert.match(boardOf([best], null, quality).sentence, /No other has passed its gate\.$/);
  assert.match(
    boardOf([best, far], null, quality).sentence,
    /linear, 0\.5 .+, comes next, outside of that interval, at .+ without a dependency\.$/,
  );
  const unsure = { ...best, intervals: {} };
  assert.match(boardOf([far, near, unsure], null, quality).sentence, /, 0\.25, at .+ forest, 0\.28 .+, comes next, at/);
  assert.match(boardOf([{ ...best, standing: "refused" }], null, quality).sentence, /^No model that solves it has passed/);
  assert.match(
    boardOf([best, { ...far, rows: 60 }], null, quality).sentence,
    /not measured on the same rows: torch on 50 rows of birds, version 1; linear on 60 rows/,
  );
});
