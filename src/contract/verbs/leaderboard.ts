/** The models that solve a problem, side by side. */
import { boolean, fieldsOf, integer, list, number, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { rowTimes } from "./models.ts";
import { measures, name, problemRef, TASKS, version } from "./nouns.ts";
import { reads } from "./verb.ts";

const better = oneOf(["higher", "lower"]);

/** What a model costs, each the less the better. */
const COSTS = ["latency", "time", "memory", "size"] as const;

const candidate = object({
  model: name,
  version,
  standing: oneOf(["champion", "challenger", "passed", "refused"], { description: "refused: by its gate; it serves nobody" }),
  front: boolean({ description: "None that passed is as good in quality, time, latency and size, and better in one of them" }),
  framework: text({ description: "millwright: a trainer of its own" }),
  trainer: text(),
  searched: orNull(integer({ description: "Trials of the search that found its trainer; null: it is stated" })),
  form: oneOf(["inline", "onnx", "python"], {
    description: "How it answers: in the server, by ONNX Runtime, in a Python process",
  }),
  dataset: object({ name, version }),
  rows: integer({ description: "Of its test part" }),
  measures,
  intervals: fieldsOf(list(number(), { minItems: 2, maxItems: 2 }), { description: "95 % interval, lowest and highest" }),
  trainMs: orNull(number({ description: "Time of the steps that trained it" })),
  searchMs: orNull(number({ description: "Time of all trials of its search, one after the other" })),
  memoryBytes: orNull(integer({ description: "Most memory that its training held" })),
  sizeBytes: orNull(integer({ description: "All files that it answers by" })),
  latency: orNull(rowTimes),
  license: text({ description: "The strictest of all that it needs to answer and to be trained" }),
  licensedBy: orNull(text({ description: "The package that has it; null: Millwright itself" })),
  packages: list(object({ name: text(), version: text(), license: orNull(text()) }), {
    description: "What it depends on beside Millwright, exactly",
  }),
});

export const getLeaderboard = reads({
  about:
    "Compare the models that solve a problem, by what was measured on test: quality, time, memory, size, latency, licence, dependencies.",
  example: "mill leaderboard lateness --by latency",
  input: object({
    name,
    by: optional(
      text({ maxLength: 63, description: `A measure of the task, or one of ${COSTS.join(", ")}; default the usual measure` }),
    ),
  }),
  output: object({
    problem: problemRef,
    task: oneOf(TASKS),
    by: text(),
    better,
    quality: object({ measure: text(), better }, { description: "The measure that the front and the sentence go by" }),
    models: list(candidate, {
      description: "The best first: of each model its newest version that passed, and a newer one that was refused",
    }),
    without: list(name, { description: "Models that have no version yet" }),
    sentence: text({ description: "Which is best by what, and what it costs" }),
  }),
  http: { method: "GET", path: "/v1/problems/:name/leaderboard" },
});
