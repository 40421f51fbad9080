/** Planning and running: what would be made, what is made, and how two versions differ. */

import {
  anything,
  boolean,
  either,
  fieldsOf,
  integer,
  list,
  number,
  object,
  oneOf,
  optional,
  orNull,
  text,
} from "../json-schema.ts";
import { ENGINES } from "../settings.ts";
import { digest, errorJson, id, instant, limit, target, targets } from "./nouns.ts";
import { runSummary, stepId, stepPlace, stepProgress, stepStarted, stepSummary } from "./runs.ts";
import { scheduleSummary } from "./schedules.ts";
import { copySummary, pauseSummary } from "./steering.ts";
import { operates, reads, streamed } from "./verb.ts";

const span = {
  wallMs: number({ description: "Expected" }),
  lowMs: number(),
  highMs: number({ description: "Upper end of the interval" }),
};

const definitions = text({
  maxLength: 71,
  description: "Version of the definitions to go by, or the id of a run that went by it; default: what mill.ts says now",
});

export const plannedStep = object({
  id: stepId,
  target,
  kind: text({ description: "Kind of step" }),
  key: orNull(digest),
  state: oneOf(["current", "run", "waiting", "refused"]),
  why: text({ description: "What changed, what it waits for, or who refused" }),
  on: optional(text({ description: "Engine that it would run on, where one is asked for" })),
  forecast: optional(
    object(
      {
        ...span,
        sure: number({ description: "Probability with which it lies in the interval, 0 to 1; 0: not known" }),
        memoryBytes: integer({ description: "Most memory, expected" }),
        attempts: integer({ description: "Earlier attempts that stand behind it" }),
        of: oneOf(["target", "kind"], { description: "Attempts for the same target, or for any where that has none" }),
      },
      { description: "Of a step that would run; absent: not known yet" },
    ),
  ),
});

/** What a plan or a run is expected to take as a whole. */
const forecast = object({
  ...span,
  memoryBytes: integer({ description: "Most memory at one time" }),
  steps: integer({ description: "Steps that would run, or may" }),
  unknown: integer({ description: "Of them, those of which nothing is known yet; the numbers leave them out" }),
  attempts: integer({ description: "Earlier attempts behind the step of which least is known" }),
});

/** How good forecasts were. */
const hindsight = object({
  steps: integer({ description: "Steps of the last runs that were foretold" }),
  runs: integer(),
  ratio: number({ description: "Median of what a step took, divided by what was expected" }),
  within: orNull(number({ description: "Share of the steps inside their interval, 0 to 1; null: none had one" })),
});

const runFinished = object({
  event: oneOf(["run-finished"]),
  run: id,
  state: oneOf(["succeeded", "refused", "failed", "cancelled"]),
  ran: integer({ description: "Steps that ran" }),
  current: integer({ description: "Steps that had nothing to do" }),
  wallMs: number(),
  refusals: list(object({ id: stepId, sentence: text() }), {
    description: "Steps that said no; those held back behind them are not here",
  }),
  error: optional(errorJson),
});

/** One line of a run, in the order in which things happen; the last is `run-finished`. */
export const runEvent = either(
  object({
    event: oneOf(["run-started"]),
    run: id,
    targets: list(target),
    steps: integer({ description: "Steps that the targets ask for" }),
    on: optional(text({ description: "Engine that its steps run on" })),
  }),
  object({ event: oneOf(["forecast"]), forecast }),
  stepStarted,
  stepProgress,
  object({
    event: oneOf(["step-finished"]),
    id: stepId,
    state: oneOf(["current", "succeeded", "refused", "held"]),
    wallMs: number(),
    sentence: text(),
  }),
  object({ event: oneOf(["step-failed"]), id: stepId, error: errorJson }),
  object({ event: oneOf(["published"]), id: stepId, sentence: text() }),
  runFinished,
);

export const plan = reads({
  about: "Say what a run would do, and why, how long it would take and how much memory.",
  example: "mill plan model/late-arrival",
  input: object({
    targets: optional(targets),
    on: optional(oneOf(ENGINES, { description: "Where its steps would run; default: where the server's settings say" })),
    definitions: optional(definitions),
  }),
  output: object({ steps: list(plannedStep), forecast: optional(forecast), hindsight: optional(hindsight) }),
  http: { method: "POST", path: "/v1/plan" },
});

export const run = streamed(
  operates({
    about: "Make what is not current; unchanged steps do not run.",
    example: "mill run model/late-arrival",
    input: object({
      targets: optional(targets),
      reason: optional(text({ maxLength: 200, description: "Why, for the record" })),
      on: optional(oneOf(ENGINES, { description: "Where its steps run; default: where the server's settings say" })),
      definitions: optional(definitions),
    }),
    output: runEvent,
    http: { method: "POST", path: "/v1/runs" },
  }),
);

export const status = reads({
  about: "Say how things stand: what is current, what must run, what is served.",
  example: "mill status model/late-arrival",
  input: object({ target: optional(target) }),
  output: object({
    targets: list(
      object({
        target,
        state: oneOf(["current", "stale", "refused", "failed", "running", "empty"]),
        version: orNull(integer({ description: "Newest version of a data set or model, version served by an endpoint" })),
        detail: text({ description: "One sentence" }),
        changedAt: orNull(instant),
      }),
    ),
    running: list(runSummary),
    steps: list(stepSummary, { description: "Those that run or wait, at most 100 of each" }),
    pools: list(
      object({ name: text({ description: "A kind of step" }), places: integer({ description: "That run at one time" }) }),
    ),
    pauses: list(pauseSummary),
    copy: optional(copySummary),
    hindsight: optional(hindsight),
    schedules: optional(list(scheduleSummary, { description: "Where the whole project is asked for" })),
  }),
  http: { method: "GET", path: "/v1/status" },
});

export const log = reads({
  about: "Tell what happened to whatever has a name, to a target, or in a run, oldest first.",
  example: "mill log late-arrival",
  input: object({
    of: text({ maxLength: 200, description: "NAME for the whole story, KIND/NAME for one thing's, or the id of a run" }),
    limit: optional(limit),
  }),
  output: object({
    entries: list(
      object({
        at: instant,
        asOf: optional(text({ description: "Data time" })),
        what: text({ description: "The step's kind, `run`, `alias`, `endpoint`, `retraining`, `canary`, `alert` ..." }),
        text: text({ description: "One line" }),
      }),
    ),
  }),
  http: { method: "GET", path: "/v1/log" },
});

export const diff = reads({
  about:
    "Tell two versions apart: of a model by data, definition, parameters, measures, environment; of a data set by its rows; of the definitions.",
  example: "mill diff late-arrival@1 late-arrival@champion",
  input: object({
    a: text({ maxLength: 200, description: "NAME@VERSION or NAME@ALIAS; definitions@VERSION or definitions@newest" }),
    b: text({ maxLength: 200, description: "NAME@VERSION or NAME@ALIAS, as `a`" }),
  }),
  output: object({
    a: text(),
    b: text(),
    same: boolean(),
    differences: list(
      object({
        area: oneOf(["data", "definition", "parameters", "measures", "environment"]),
        field: text(),
        a: anything(),
        b: anything(),
      }),
    ),
    rows: optional(
      object(
        {
          keyed: boolean({
            description: "Rows were found again by a key; if not, one that changed is one removed and one added",
          }),
          added: integer(),
          removed: integer(),
          changed: integer(),
          changedColumns: fieldsOf(integer(), { description: "In how many of the changed rows each column differs" }),
          examples: list(
            object({
              kind: oneOf(["added", "changed", "removed"]),
              before: orNull(fieldsOf(anything())),
              after: orNull(fieldsOf(anything())),
            }),
          ),
        },
        { description: "Of a data set" },
      ),
    ),
  }),
  http: { method: "GET", path: "/v1/diff" },
});

export const graph = reads({
  about: "Draw the assets and what each is made from.",
  example: "mill status",
  input: object({}),
  output: object({
    nodes: list(
      object({
        id: text(),
        target,
        kind: text({ description: "Kind of step, or `features`, `problem`, `endpoint`" }),
        state: oneOf(["current", "run", "waiting", "refused"]),
        detail: text(),
        ...stepPlace,
        wallMs: orNull(number()),
      }),
    ),
    edges: list(object({ from: text(), to: text() })),
  }),
  http: { method: "GET", path: "/v1/graph" },
});
