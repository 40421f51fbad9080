import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutputOf } from "../contract/index.ts";
import { boardText } from "./leaderboard.ts";

type Board = OutputOf<"getLeaderboard">;

const own: Board["models"][number] = {
  ...{ model: "forest", version: 2, standing: "champion", front: true, framework: "millwright", trainer: "random-forest" },
  ...{ searched: 30, form: "inline", dataset: { name: "birds", version: 1 }, rows: 50, measures: { logLoss: 0.25 } },
  ...{ intervals: { logLoss: [0.2, 0.3] }, trainMs: 1500, searchMs: 9000, memoryBytes: 80e6, sizeBytes: 20_480 },
  ...{ latency: { medianMicros: 5.25, p99Micros: 1250, rows: 500, machine: "a machine" }, license: "Apache-2.0" },
  ...{ licensedBy: null, packages: [] },
};

test("models stand below each other with what they cost, those on the front marked; names of packages carry no control codes", () => {
  const text = boardText(
    {
      ...{ problem: { name: "species", question: "Which bird?" }, task: "multiclass-classification", by: "logLoss" },
      ...{ better: "lower", quality: { measure: "logLoss", better: "lower" }, without: ["later"], sentence: "forest is it." },
      models: [
        own,
        {
          ...{
            ...own,
            model: "torch",
            standing: "refused",
            front: false,
            framework: "pytorch",
            trainer: "train.py",
            searched: null,
          },
          ...{
            form: "python",
            measures: { logLoss: null },
            intervals: {},
            trainMs: null,
            latency: null,
            licensedBy: "e\u001b[2Jvil",
          },
          ...{ license: "GPL-3.0-only", packages: [{ name: "e\u001b[2Jvil", version: "1", license: "GPL-3.0-only" }] },
        },
      ],
    },
    undefined,
  );
  assert.equal(
    text,
    [
      "species: Which bird?",
      "by logLoss, lower is better; * none is as good in quality, time, latency and size",
      "   model               logLoss on test          trained  memory  size   row     p99     form    licence                       made by",
      "*  forest 2  champion  0.2500 (0.200 to 0.300)  1.5 s    80 MB   20 KB  5.3 us  1.3 ms  inline  Apache-2.0                    millwright random-forest, the best of 30 trials in 9.0 s",
      "   torch 2   refused   -                        -        80 MB   20 KB  -       -       python  GPL-3.0-only (e\\u001b[2Jvil)  pytorch train.py, 1 package",
      "rows were timed on a machine",
      "without a version yet: later",
      "forest is it.",
      "",
    ].join("\n"),
  );
});
