/**
 * Every error code, with the HTTP status and exit code it leads to; `errors/` has the tables. A code is never reused for another meaning.
 * `docs/errors.md` explains each one; a test ties these tables, the `MillError`s in the sources and that page together.
 */
import { ARTIFACT_ERRORS } from "./errors/artifacts.ts";
import { BACKUP_ERRORS } from "./errors/backup.ts";
import { CLI_ERRORS } from "./errors/cli.ts";
import { type CodeInfo, EXIT } from "./errors/code.ts";
import { DATA_ERRORS } from "./errors/data.ts";
import { DEFINITION_ERRORS } from "./errors/definitions.ts";
import { GUARD_ERRORS } from "./errors/guard.ts";
import { LAKE_ERRORS } from "./errors/lake.ts";
import { LEARNING_ERRORS } from "./errors/learning.ts";
import { PORT_ERRORS } from "./errors/ports.ts";
import { RECIPE_ERRORS } from "./errors/recipes.ts";
import { SERVING_ERRORS } from "./errors/serving.ts";
import { TRACKING_ERRORS } from "./errors/tracking.ts";
import { VALUE_ERRORS } from "./errors/values.ts";
import { WORK_ERRORS } from "./errors/work.ts";

export { type CodeInfo, EXIT };

export const ERRORS = {
  ...VALUE_ERRORS,
  ...CLI_ERRORS,
  ...DEFINITION_ERRORS,
  ...DATA_ERRORS,
  ...LEARNING_ERRORS,
  ...TRACKING_ERRORS,
  ...ARTIFACT_ERRORS,
  ...PORT_ERRORS,
  ...WORK_ERRORS,
  ...GUARD_ERRORS,
  ...BACKUP_ERRORS,
  ...RECIPE_ERRORS,
  ...LAKE_ERRORS,
  ...SERVING_ERRORS,
} as const satisfies Record<string, CodeInfo>;

export type ErrorCode = keyof typeof ERRORS;

/** What a code leads to; an unknown code is our own fault. */
export const codeInfo = (code: string): CodeInfo =>
  (ERRORS as Record<string, CodeInfo>)[code] ?? { status: 500, exit: EXIT.fault, about: "A fault of Millwright itself." };
