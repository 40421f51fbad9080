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
export { type CodeInfo, codeInfo, ERRORS, type ErrorCode, EXIT } from "./errors.ts";
export type { ChainLink, Direction, Measurement, Requirement, Verdict } from "./judgement.ts";
export { MEASURES, type MeasureInfo, type MeasureName, type Task } from "./tasks.ts";
