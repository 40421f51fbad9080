import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutputOf } from "../contract/index.ts";
import { trialsText } from "./trials.ts";

type Trial = OutputOf<"getTrials">["trials"][number];

const trial: Trial = {
  ...{ trial: 2, estimator: "ridge", point: { l2: 0.5 }, state: "best", share: 1, value: 1.25, values: [1, 1.5], fitMs: 1234 },
  ...{ memoryBytes: 80 * 2 ** 20, modelBytes: 2048, rowMicros: 3.2, error: null, key: "sha256:0" },
};

test("trials stand below each other, the best with the longest bar; a failed one says why, without control codes", () => {
  const failed: Trial = {
    ...trial,
    trial: 1,
    state: "failed",
    value: null,
    values: [],
    fitMs: null,
    memoryBytes: null,
    modelBytes: null,
  } as const;
  const text = trialsText(
    {
      ...{ name: "late", metric: "rmse", better: "lower", sampler: "tpe", pruner: "asha", state: "ended", trialsMax: 3 },
      why: "trial 2 has the lowest mean rmse",
      warm: { searches: 2, trials: 30, begins: 4 },
      trials: [
        trial,
        { ...trial, trial: 3, state: "ended", value: 2.25 },
        { ...failed, rowMicros: null, error: "no\u001b[2J rows" },
      ],
    },
    undefined,
  );
  assert.equal(
    text,
    [
      "tpe, asha: 3 of up to 3 trials by rmse (lower is better)",
      "began with the best 4 points of 2 earlier searches, and learns from 30 of their trials",
      "trial                rmse            fits    memory  model  row     tried",
      "2      ████████████  1.2500  best    1.23 s  80 MB   2 KB   3.2 us  ridge l2 0.5",
      "3      █             2.2500  ended   1.23 s  80 MB   2 KB   3.2 us  ridge l2 0.5",
      "1                    -       failed  -       -       -      -       ridge l2 0.5: no\\u001b[2J rows",
      "trial 2 has the lowest mean rmse",
      "",
    ].join("\n"),
  );
});
