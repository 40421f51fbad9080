export { type Direction, MEASURES, type MeasureInfo, type MeasureName, type Task } from "../base/index.ts";
export {
  type Column,
  NUMBER_TYPES,
  type NumberType,
  type Row,
  type Schema,
  TYPE_NAMES,
  type TypeName,
  type Value,
} from "./columns.ts";
export { type Config, type ConfigSources, readConfig, secretsNamed, tlsFiles } from "./config.ts";
export { type CodeInfo, codeInfo, ERRORS, type ErrorCode, EXIT } from "./errors.ts";
export type { JsonSchema, JsonType, ValueOf } from "./json-schema.ts";
export type { ChainLink, Measurement, Requirement, Verdict } from "./judgement.ts";
export { namesSecret, SECRET_NAME, secretNamed } from "./secret-name.ts";
export { flagOf, LOG_LEVELS, type LogLevel, SETTINGS, type SettingName } from "./settings.ts";
export { placeText } from "./step-place.ts";
export { ROWS_MAX } from "./verbs/endpoints.ts";
export { ALERT_KINDS, type Alert, type DayReport } from "./verbs/monitor.ts";
export { type Recipe, type RecipeObject, type RecipeStep, recipeForm } from "./verbs/recipes.ts";
export { PERMISSIONS, type Permission, ROLES, type Verb } from "./verbs/verb.ts";
export {
  type AnswerOf,
  type CallContext,
  type Content,
  type Handlers,
  type InputOf,
  type OutputOf,
  type Rights,
  VERBS,
  type VerbName,
} from "./verbs.ts";
export { WEBHOOK_EVENTS } from "./webhook-events.ts";
