/** Schemas that several verbs share. */

import { MEASURES, type Task } from "../../base/index.ts";
import { TYPE_NAMES } from "../columns.ts";
import {
  boolean,
  fieldsOf,
  integer,
  type JsonSchema,
  list,
  number,
  object,
  oneOf,
  optional,
  orNull,
  text,
} from "../json-schema.ts";
import type { ChainLink, Measurement, Requirement, Verdict } from "../judgement.ts";

export const TASKS = Object.keys(MEASURES) as Task[];
export const STEP_STATES = ["queued", "running", "succeeded", "failed", "cancelled", "lost"] as const;
export const RUN_STATES = ["running", "succeeded", "refused", "failed", "cancelled", "lost"] as const;

export const name = text({ pattern: "^[a-z][a-z0-9-]{0,62}$", description: "Name of a definition" });
export const version = integer({ minimum: 1, description: "Number of a version" });
export const versionOrAlias = text({
  pattern: "^[a-z0-9][a-z0-9-]{0,62}$",
  description: "Number of a version, or an alias as in `champion`",
});
export const digest = text({ pattern: "^sha256:[0-9a-f]{64}$" });
export const id = text({ pattern: "^[0-9a-f-]{36}$", description: "A UUID" });
/** Wall clock, as in `2026-01-31T08:00:00.000Z`. */
export const instant = text({ description: "Time of the wall clock, ISO 8601 in UTC" });
export const target = text({
  pattern: "^(problem|dataset|features|model|endpoint)/[a-z][a-z0-9-]{0,62}$",
  examples: ["model/late-arrival"],
  description: "KIND/NAME, as in model/late-arrival",
});
export const targets = list(target, {
  maxItems: 1000,
  description: "What to make, as in model/late-arrival; everything when left out",
});

export const limit = integer({ minimum: 1, maximum: 1000, default: 100, description: "Items at most" });
export const cursor = text({ maxLength: 200, description: "`next` of the page before" });
export const page = { limit: optional(limit), cursor: optional(cursor) };
export const pageOf = <T>(items: JsonSchema<T>) =>
  object({ items: list(items), next: orNull(text({ description: "Cursor of the next page" })) });

export const problemRef = object({ name, question: text() });
export const measures = fieldsOf(orNull(number()), { description: "Value by measure; null where it is not defined" });

export const column = object({
  name: text(),
  type: oneOf(TYPE_NAMES),
  nullable: boolean(),
  /** Of a request: the field may be left out. */
  optional: optional(boolean()),
  unit: optional(text()),
  about: optional(text()),
});

export const errorJson = object({
  code: text(),
  message: text(),
  at: optional(text()),
  expected: optional(text()),
  got: optional(text()),
  fix: optional(text()),
});

export const requirement: JsonSchema<Requirement> = object({
  id: text(),
  measure: text(),
  test: oneOf(["atLeast", "atMost", "beatsChampion"]),
  value: number(),
  because: optional(text()),
}) as JsonSchema<Requirement>;

export const measurement: JsonSchema<Measurement> = object({
  subject: text(),
  measure: text(),
  value: orNull(number()),
  count: optional(integer()),
  interval: optional(list(number(), { minItems: 2, maxItems: 2 })),
  window: optional(object({ from: text(), to: text() })),
  evidence: optional(text()),
  note: optional(text()),
}) as JsonSchema<Measurement>;

const chainLink: JsonSchema<ChainLink> = object({
  requirement,
  measurement: orNull(measurement),
  passed: boolean(),
  sentence: text(),
});

export const verdict: JsonSchema<Verdict> = object({
  passed: boolean(),
  problem: optional(problemRef),
  chain: list(chainLink),
}) as JsonSchema<Verdict>;
