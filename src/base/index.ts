export { canonicalJson, type Digest, digestOf, digestOfFile, digestOfJson, isDigest, type Json } from "./digests.ts";
export { asMillError, type ErrorDetail, type ErrorJson, errorFromJson, errorToJson, MillError } from "./errors.ts";
export { newId } from "./ids.ts";
export { didYouMean } from "./names.ts";
export { createQueues } from "./queues.ts";
export { createRandom, type Random } from "./random.ts";
export { type Duration, formatMoment, formatSpan, parseDuration, parseMoment } from "./time.ts";
