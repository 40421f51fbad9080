/** The leaderboard of a model whose trainer is searched for. */
import { anything, fieldsOf, integer, list, number, object, oneOf, orNull, text } from "../json-schema.ts";
import { digest, name } from "./nouns.ts";
import { reads } from "./verb.ts";

const trial = object({
  trial: integer({ minimum: 1, description: "In the order in which they were begun" }),
  estimator: text(),
  point: fieldsOf(anything(), { description: "The parameters that were searched" }),
  state: oneOf(["best", "ended", "given-up", "failed"], {
    description: "best: the model is trained with it; given-up: it saw fewer folds or rows than the best",
  }),
  share: number({ description: "Of the training rows that it learnt from, 0 to 1" }),
  value: orNull(number({ description: "Mean of the metric over the folds" })),
  values: list(orNull(number()), { description: "By fold" }),
  fitMs: orNull(integer({ description: "Time of all fits" })),
  memoryBytes: orNull(integer({ description: "Most memory that its process held" })),
  modelBytes: orNull(integer({ description: "Size of the model as JSON" })),
  rowMicros: orNull(number({ description: "Median time to score one row" })),
  error: orNull(text({ description: "Why it has no value" })),
  key: digest,
});

export const getTrials = reads({
  about: "Show what a search of a model's trainer has tried, the best first: quality, time, memory, size, latency of a row.",
  example: "curl localhost:4747/v1/models/late-arrival/trials",
  input: object({ name }),
  output: object({
    name,
    metric: text(),
    better: oneOf(["higher", "lower"]),
    sampler: text(),
    pruner: text(),
    state: oneOf(["searching", "ended"], { description: "searching: the next run goes on with it" }),
    why: orNull(text({ description: "Why the best won; null before the search has ended" })),
    warm: orNull(
      object(
        {
          searches: integer({ description: "Earlier searches of the model that it took over" }),
          trials: integer({ description: "Their trials that it learns from" }),
          begins: integer({ description: "Of their points, the best: it began with them" }),
        },
        { description: "null: it starts by itself" },
      ),
    ),
    trialsMax: integer(),
    trials: list(trial),
  }),
  http: { method: "GET", path: "/v1/models/:name/trials" },
});
