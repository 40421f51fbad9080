/** What is done about work that waits or runs: ended, held back, listened to. */
import { boolean, integer, list, object, oneOf, optional, text } from "../json-schema.ts";
import { id, instant } from "./nouns.ts";
import { operates, reads } from "./verb.ts";

const cancelled = object({ id, cancelled: boolean({ description: "False: it had ended already" }) });

export const cancelRun = operates({
  about: "End all steps of a run, wherever they run, and start no more of it; what is published stays.",
  example: "mill cancel RUN",
  input: object({ id }),
  output: cancelled,
  http: { method: "POST", path: "/v1/runs/:id/cancel" },
});

export const cancelStep = operates({
  about: "End a step that waits or runs, wherever it does; nothing of it is published.",
  example: "mill cancel STEP",
  input: object({ id }),
  output: cancelled,
  http: { method: "POST", path: "/v1/steps/:id/cancel" },
});

const held = {
  what: oneOf(["pool", "run"]),
  name: text({ maxLength: 200, description: "The pool's name, which is a kind of step, or the run's id" }),
};

export const pauseSummary = object({ ...held, since: instant, by: text() });

export const pauseWork = operates({
  about: "Start no step of a pool or a run until it is resumed; what runs goes on.",
  example: "mill pause train",
  input: object(held),
  output: object({ ...held, changed: boolean({ description: "False: it was paused already" }) }),
  http: { method: "POST", path: "/v1/pauses" },
});

export const resumeWork = operates({
  about: "Let steps of a paused pool or run start again.",
  example: "mill resume train",
  input: object(held),
  output: object({ ...held, changed: boolean({ description: "False: it was not paused" }) }),
  http: { method: "POST", path: "/v1/pauses/end" },
});

/** Of a workspace that was restored beside its source. */
export const copySummary = object(
  { takenAt: text({ description: "When the backup was taken" }), restoredAt: instant },
  { description: "It is a copy, which sends no notice and starts nothing by itself; absent: it is none, or has taken over" },
);

export const takeOver = operates({
  about: "Let a workspace that was restored from a backup do what its source did: send notices, run schedules and backfills.",
  example: "mill take-over",
  input: object({}),
  output: object({ changed: boolean({ description: "False: it was no copy, or had taken over" }) }),
  http: { method: "POST", path: "/v1/take-over" },
});

export const getPauses = reads({
  about: "List which pools and runs are paused, and say if all of the workspace is held as a copy.",
  example: "mill pause",
  input: object({}),
  output: object({ items: list(pauseSummary), copy: optional(copySummary) }),
  http: { method: "GET", path: "/v1/pauses" },
});

export const stepLog = reads({
  about: "Read what an attempt of a step has said, from an offset on; also while it runs.",
  example: "mill log STEP --follow",
  input: object({
    id,
    attempt: optional(integer({ minimum: 1, description: "Its number, from 1; default the last" })),
    offset: optional(integer({ minimum: 0, description: "In bytes; default 0" })),
  }),
  output: object({
    attempt: integer({ description: "0: it has begun none" }),
    text: text({ description: "256 KiB at most" }),
    next: integer({ description: "Offset of what follows" }),
    ended: boolean({ description: "Nothing will follow" }),
  }),
  http: { method: "GET", path: "/v1/steps/:id/log" },
});
