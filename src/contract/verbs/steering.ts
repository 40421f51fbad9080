/** What is done about work that waits or runs: ended, held back, listened to. */
import { boolean, integer, list, object, oneOf, optional, text } from "../json-schema.ts";
import { id, instant } from "./nouns.ts";
import { operates, reads } from "./verb.ts";

const cancelled = object({ id, cancelled: boolean({ description: "False: it had ended already" }) });

export const cancelRun = operates({
  about: "End all steps of a run, wherever they run, and start no more of it; what is published stays.",
  example: "curl -X POST localhost:4747/v1/runs/ID/cancel",
  input: object({ id }),
  output: cancelled,
  http: { method: "POST", path: "/v1/runs/:id/cancel" },
});

export const cancelStep = operates({
  about: "End a step that waits or runs, wherever it does; nothing of it is published.",
  example: "curl -X POST localhost:4747/v1/steps/ID/cancel",
  input: object({ id }),
  output: cancelled,
  http: { method: "POST", path: "/v1/steps/:id/cancel" },
});

const held = {
  what: oneOf(["pool", "run"]),
  name: text({ maxLength: 200, description: "The pool's name, or the run's id" }),
};

export const pauseWork = operates({
  about: "Start no step of a pool or a run until it is resumed; what runs goes on.",
  example: `curl -d '{"what":"run","name":"ID"}' localhost:4747/v1/pauses`,
  input: object(held),
  output: object({ ...held, changed: boolean({ description: "False: it was paused already" }) }),
  http: { method: "POST", path: "/v1/pauses" },
});

export const resumeWork = operates({
  about: "Let steps of a paused pool or run start again.",
  example: `curl -d '{"what":"run","name":"ID"}' localhost:4747/v1/pauses/end`,
  input: object(held),
  output: object({ ...held, changed: boolean({ description: "False: it was not paused" }) }),
  http: { method: "POST", path: "/v1/pauses/end" },
});

export const getPauses = reads({
  about: "List which pools and runs are paused.",
  example: "curl localhost:4747/v1/pauses",
  input: object({}),
  output: object({ items: list(object({ ...held, since: instant, by: text() })) }),
  http: { method: "GET", path: "/v1/pauses" },
});

export const stepLog = reads({
  about: "Read what an attempt of a step has said, from an offset on; also while it runs.",
  example: "curl localhost:4747/v1/steps/ID/log?offset=0",
  input: object({
    id,
    attempt: optional(integer({ minimum: 1, description: "Its number, from 1; default the last" })),
    offset: optional(integer({ minimum: 0, description: "In bytes; default 0" })),
  }),
  output: object({
    attempt: integer(),
    text: text({ description: "256 KiB at most" }),
    next: integer({ description: "Offset of what follows" }),
    ended: boolean({ description: "Nothing will follow" }),
  }),
  http: { method: "GET", path: "/v1/steps/:id/log" },
});
