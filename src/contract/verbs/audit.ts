/** What was done, whether its record is whole, and standing still for a backup. */
import { anything, boolean, integer, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { instant, page, pageOf } from "./nouns.ts";
import { administers, inspects, streamed } from "./verb.ts";

export const listAudit = inspects({
  about: "List what was done, by whom, newest first.",
  example: "mill audit list --verb newToken",
  input: object({
    ...page,
    actor: optional(text({ maxLength: 200, description: "What this one did" })),
    verb: optional(text({ maxLength: 100, description: "This verb, as in `rollback`" })),
    since: optional(text({ maxLength: 40, description: "Not before this time, ISO 8601 in UTC" })),
  }),
  output: pageOf(
    object({
      seq: integer(),
      at: instant,
      actor: text(),
      verb: text(),
      target: orNull(text()),
      outcome: text({ description: "asked, done, left, refused CODE or failed CODE" }),
      detail: anything({ description: "What was asked for" }),
    }),
  ),
  http: { method: "GET", path: "/v1/audit" },
});

export const verifyAudit = inspects({
  about: "Look whether the record of what was done is whole: no row altered, removed, added or cut off.",
  example: "mill audit verify",
  input: object({}),
  output: object({
    whole: boolean(),
    rows: integer({ description: "Rows that are whole, from the first on" }),
    anchored: orNull(integer({ description: "Up to this row none can have been cut off; null: there is no anchor" })),
    why: orNull(text({ description: "What is wrong with the row behind them" })),
  }),
  http: { method: "GET", path: "/v1/audit/verify" },
});

export const beginBackup = streamed(
  administers({
    about: "Bring what was acknowledged into the lake, and collect nothing until the asker leaves: a backup is taken meanwhile.",
    example: "mill backup /backups/monday",
    input: object({}),
    output: object({ event: oneOf(["ready"]), at: instant }),
    http: { method: "POST", path: "/v1/backup/begin" },
  }),
);
