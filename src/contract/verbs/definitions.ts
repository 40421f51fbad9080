/** What mill.ts said when something was run. */
import { anything, boolean, integer, list, object, optional, orNull, text } from "../json-schema.ts";
import { digest, instant, page, pageOf } from "./nouns.ts";
import { reads } from "./verb.ts";

const summary = {
  version: digest,
  firstRunAt: instant,
  firstRunBy: text(),
  lastRunAt: instant,
  current: boolean({ description: "It is what mill.ts says now" }),
  outdated: optional(
    list(object({ kind: text(), before: integer(), now: orNull(integer({ description: "null: it is gone" })) }), {
      description: "Kinds of steps whose revision is another by now: no run that needs one can go by it; absent: none is",
    }),
  ),
};

export const listDefinitions = reads({
  about: "List the versions of the definitions that runs went by, newest first.",
  example: "mill definitions list",
  input: object(page),
  output: pageOf(object(summary)),
  http: { method: "GET", path: "/v1/definitions" },
});

export const getDefinitions = reads({
  about: "Show what the definitions said in a version.",
  example: "mill definitions show VERSION",
  input: object({
    version: text({ maxLength: 71, description: "8 or more of its digits, or the id of a run that went by it" }),
  }),
  output: object({
    ...summary,
    millwright: text({ description: "The Millwright that last ran them as those of mill.ts" }),
    definitions: anything({ description: "By kind and name, in their normal form" }),
  }),
  http: { method: "GET", path: "/v1/definitions/:version" },
});
