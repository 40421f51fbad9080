/** What was run: runs, their steps, and whether they give the same again. */
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
import { digest, errorJson, id, instant, page, pageOf, RUN_STATES, STEP_STATES, target } from "./nouns.ts";
import { operates, reads, streamed } from "./verb.ts";

export const stepId = text({ description: "TARGET:KIND, as in model/late-arrival:train" });

export const stepStarted = object({ event: oneOf(["step-started"]), id: stepId, why: text() });
export const stepProgress = object({
  event: oneOf(["step-progress"]),
  id: stepId,
  done: number(),
  total: number(),
  note: optional(text()),
});

export const runSummary = object({
  id,
  targets: list(target),
  actor: text(),
  reason: text(),
  state: oneOf(RUN_STATES),
  startedAt: instant,
  endedAt: orNull(instant),
  error: orNull(errorJson),
  infrastructure: optional(text({ description: "Commit of the repository `infrastructure` that it began on" })),
  definitions: optional(digest),
});

const jobId = text({ description: "What the engine's own tools call the job, as Slurm's job id" });

/** Where a step's last attempt runs or ran. */
export const stepPlace = {
  on: optional(text({ description: "Engine, where it is not the first one" })),
  job: optional(jobId),
};

const stepRecord = {
  id,
  target,
  kind: text(),
  revision: integer(),
  key: digest,
  state: oneOf(STEP_STATES),
  run: orNull(id),
  ...stepPlace,
  createdAt: instant,
  endedAt: orNull(instant),
  wallMs: orNull(number()),
  error: orNull(errorJson),
};
export const stepSummary = object(stepRecord);

export const listRuns = reads({
  about: "List runs, newest first.",
  example: "mill runs",
  input: object(page),
  output: pageOf(runSummary),
  http: { method: "GET", path: "/v1/runs" },
});

export const getRun = reads({
  about: "Show a run and its steps.",
  example: "curl localhost:4747/v1/runs/ID",
  input: object({ id }),
  output: object({ run: runSummary, steps: list(stepSummary) }),
  http: { method: "GET", path: "/v1/runs/:id" },
});

export const listSteps = reads({
  about: "List steps, newest first.",
  example: "curl localhost:4747/v1/steps?target=model/late-arrival",
  input: object({ ...page, target: optional(target) }),
  output: pageOf(stepSummary),
  http: { method: "GET", path: "/v1/steps" },
});

export const getStep = reads({
  about: "Show a step: its input, its attempts, and what it left.",
  example: "curl localhost:4747/v1/steps/ID",
  input: object({ id }),
  output: object({
    ...stepRecord,
    input: anything(),
    manifest: orNull(object({ objects: fieldsOf(digest), facts: fieldsOf(anything()), measurements: list(anything()) })),
    attempts: list(
      object({
        fence: integer(),
        engine: text(),
        job: optional(jobId),
        startedAt: instant,
        endedAt: orNull(instant),
        outcome: orNull(text()),
        meters: anything({ description: "Wall time, CPU, memory, bytes" }),
      }),
    ),
  }),
  http: { method: "GET", path: "/v1/steps/:id" },
});

const reproducedStep = object({
  id: orNull(id),
  target,
  kind: text(),
  same: boolean(),
  differs: list(text(), { description: "Objects and facts, by name, that came out otherwise" }),
  varied: optional(
    text({
      description: "Of a step whose bytes may vary, as a Python script's: by how much its numbers did, within the tolerance",
    }),
  ),
  changed: optional(
    text({ description: "What has changed since, so that the step cannot be, or may not come out as, what it was" }),
  ),
  wallMs: number(),
});

/** One line of a reproduction; the last is `reproduced`. */
const reproduceEvent = either(
  stepStarted,
  stepProgress,
  object({
    event: oneOf(["step-finished"]),
    id: stepId,
    same: boolean(),
    wallMs: number(),
    sentence: text({ description: "What differs, or has changed since; empty when nothing" }),
  }),
  object({
    event: oneOf(["reproduced"]),
    run: text({ description: "What was asked for" }),
    same: boolean({ description: "Every step left the same again" }),
    steps: list(reproducedStep),
  }),
);

export const reproduce = streamed(
  operates({
    about: "Run the steps of a run, or those that made a model version, again from their records, and compare what they leave.",
    example: "mill reproduce late-arrival@champion",
    input: object({ id: text({ maxLength: 200, description: "Id of a run, or NAME@VERSION or NAME@ALIAS of a model" }) }),
    output: reproduceEvent,
    http: { method: "POST", path: "/v1/runs/:id/reproduce" },
  }),
);
