/** Partitions that are taken in because somebody asks: over a range, again, or what failed. */
import { integer, list, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { id, instant, limit, name, page, pageOf, target } from "./nouns.ts";
import { operates, reads } from "./verb.ts";

const partition = text({ maxLength: 20, description: "Name of a partition, as in 2024-01-31, 2024-01 or 2024-01-31T05" });
const date = text({ maxLength: 20, description: "A date, or a partition's name; the partition that it is in" });
const count = integer({ minimum: 0 });
const which = oneOf(["missing", "failed", "all"], {
  description: "`missing`: those that are not current, which is the default; `failed`: those whose last attempt failed",
});

const asked = {
  target,
  from: optional(date),
  to: optional(date),
  only: optional(which),
  batch: optional(
    integer({
      minimum: 1,
      maximum: 1000,
      description: "Partitions at one time; default: places of the pool `partition`, else one a thread",
    }),
  ),
};

const planned = {
  target,
  dataset: name,
  only: which,
  from: orNull(partition),
  to: orNull(partition),
  batch: count,
};

export const planBackfill = reads({
  about: "Show which partitions a backfill would take in, and how those in its range stand.",
  example: "mill backfill dataset/flights --from 2024-01-01 --dry-run",
  input: object(asked),
  output: object({
    ...planned,
    partitions: integer({ description: "Of those that it would look at" }),
    first: orNull(partition),
    last: orNull(partition),
    counts: object(
      { current: count, new: count, changed: count, redefined: count, failed: count, absent: count, gone: count },
      {
        description:
          "Of the range: taken in; never taken in; with other files since; taken in by another definition; failed; without a file; whose file has gone",
      },
    ),
  }),
  http: { method: "POST", path: "/v1/backfills/plan" },
});

const summary = {
  id,
  ...planned,
  by: text(),
  requestedAt: instant,
  endedAt: orNull(instant),
  state: oneOf(["requested", "running", "paused", "succeeded", "failed", "cancelled"]),
  partitions: count,
  waiting: count,
  running: count,
  succeeded: count,
  failed: count,
  absent: integer({ minimum: 0, description: "Without a file" }),
  tries: integer({ description: "How often it was taken up: more than once when a server went away meanwhile" }),
  run: orNull(id),
  note: orNull(text()),
  error: orNull(text()),
};
export const backfillSummary = object(summary);

const item = object({
  partition,
  state: oneOf(["waiting", "running", "succeeded", "failed", "absent"]),
  step: orNull(id),
  error: orNull(text()),
});

export const backfill = operates({
  about: "Take in partitions of a data set, some at a time, while the platform is up; then make what is asked for of them.",
  example: "mill backfill dataset/flights --from 2024-01-01 --to 2024-03-31",
  input: object(asked),
  output: backfillSummary,
  http: { method: "POST", path: "/v1/backfills" },
});

export const listBackfills = reads({
  about: "List backfills, newest first.",
  example: "mill backfill list",
  input: object(page),
  output: pageOf(backfillSummary),
  http: { method: "GET", path: "/v1/backfills" },
});

export const getBackfill = reads({
  about: "Show a backfill, and the first of its partitions that failed or had no file.",
  example: "mill backfill show ID",
  input: object({ id }),
  output: object({ ...summary, open: list(item, { description: "Failed ones and those without a file, 20 at most" }) }),
  http: { method: "GET", path: "/v1/backfills/:id" },
});

export const listBackfillPartitions = reads({
  about: "List the partitions of a backfill, in their order, and what became of each.",
  example: "mill backfill show ID --json",
  input: object({
    id,
    state: optional(oneOf(["waiting", "running", "succeeded", "failed", "absent"])),
    limit: optional(limit),
    cursor: optional(partition),
  }),
  output: pageOf(item),
  http: { method: "GET", path: "/v1/backfills/:id/partitions" },
});

export const pauseBackfill = operates({
  about: "Begin no more partitions of a backfill until it is resumed; those that have begun are finished.",
  example: "mill backfill pause ID",
  input: object({ id }),
  output: backfillSummary,
  http: { method: "POST", path: "/v1/backfills/:id/pause" },
});

export const resumeBackfill = operates({
  about: "Go on with a paused backfill.",
  example: "mill backfill resume ID",
  input: object({ id }),
  output: backfillSummary,
  http: { method: "POST", path: "/v1/backfills/:id/resume" },
});

export const cancelBackfill = operates({
  about: "End a backfill with what it has running; what is taken in stays.",
  example: "mill backfill cancel ID",
  input: object({ id }),
  output: backfillSummary,
  http: { method: "POST", path: "/v1/backfills/:id/cancel" },
});

export const retryBackfill = operates({
  about: "Go on with a backfill that has ended: what failed, had no file or was not begun is looked at again.",
  example: "mill backfill retry ID",
  input: object({ id }),
  output: backfillSummary,
  http: { method: "POST", path: "/v1/backfills/:id/retry" },
});
