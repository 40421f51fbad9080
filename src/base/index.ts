export { canonicalJson, type Digest, digestOf, digestOfFile, digestOfJson, isDigest, type Json, shortDigest } from "./digests.ts";
export {
  decrypt,
  encrypt,
  type Keyring,
  keyIdOf,
  openBytes,
  rewrap,
  sealBytes,
  unwrapKey,
  WRAPPED_KEY_BYTES,
  wrapKey,
} from "./envelope.ts";
export { asMillError, type ErrorDetail, type ErrorJson, errorFromJson, errorToJson, MillError } from "./errors.ts";
export { eventQueue } from "./event-queue.ts";
export { every } from "./every.ts";
export { isId, newId } from "./ids.ts";
export { didYouMean } from "./names.ts";
export {
  type Periods,
  type PeriodUnit,
  periodOf,
  periodParts,
  periodsBefore,
  requireTimeZone,
} from "./periods.ts";
export { createQueues } from "./queues.ts";
export { createRandom, type Random } from "./random.ts";
export { formatBytes } from "./sizes.ts";
export { type Direction, MEASURES, type MeasureInfo, type MeasureName, type Task } from "./tasks.ts";
export {
  DAY_MICROS,
  type Duration,
  formatDay,
  formatMicros,
  formatMoment,
  formatSpan,
  HOUR_MICROS,
  MINUTE_MICROS,
  parseDuration,
  parseMoment,
  startOfDay,
} from "./time.ts";
