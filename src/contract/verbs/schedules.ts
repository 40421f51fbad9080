/** What is run by itself, when, and what came of it. */
import { integer, list, object, oneOf, orNull, text } from "../json-schema.ts";
import { id, instant, name, page, pageOf, target } from "./nouns.ts";
import { operates, reads } from "./verb.ts";

const tick = object({
  id,
  dueAt: instant,
  claimedAt: instant,
  endedAt: orNull(instant),
  cause: text({ description: "Why, as in `of 2026-11-21 03:00 Europe/Berlin`" }),
  state: oneOf(["running", "succeeded", "refused", "failed", "cancelled", "skipped"], {
    description: "`skipped`: it passed without a run",
  }),
  tries: integer({ description: "How often it was begun: more than once when a server went away meanwhile" }),
  run: orNull(id),
  error: orNull(text()),
});

const summary = {
  name,
  targets: list(target),
  when: list(text({ description: "In words: any of them starts a run" })),
  paused: orNull(object({ since: instant, by: text() })),
  next: orNull(instant),
  last: orNull(tick),
};
export const scheduleSummary = object(summary);

export const listSchedules = reads({
  about: "List what is run by itself, when next, and how it went last.",
  example: "mill schedule list",
  input: object(page),
  output: pageOf(scheduleSummary),
  http: { method: "GET", path: "/v1/schedules" },
});

export const getSchedule = reads({
  about: "Show a schedule and its newest ticks.",
  example: "mill schedule show nightly",
  input: object({ name }),
  output: object({ ...summary, ticks: list(tick, { description: "Newest first, 100 at most" }) }),
  http: { method: "GET", path: "/v1/schedules/:name" },
});

export const pauseSchedule = operates({
  about: "Let a schedule start nothing until it is resumed; what runs goes on.",
  example: "mill schedule pause nightly",
  input: object({ name }),
  output: scheduleSummary,
  http: { method: "POST", path: "/v1/schedules/:name/pause" },
});

export const resumeSchedule = operates({
  about: "Let a paused schedule start runs again; ticks of the clock that passed meanwhile are let go.",
  example: "mill schedule resume nightly",
  input: object({ name }),
  output: scheduleSummary,
  http: { method: "POST", path: "/v1/schedules/:name/resume" },
});
