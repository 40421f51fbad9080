/** What names, keys, texts and numbers of experiments and runs may be: MLflow's rules, so that what its clients send is taken or refused as they expect. */
import { MillError } from "../../base/index.ts";
import type {
  DatasetInput,
  KeyValue,
  LogEntries,
  LoggedMetric,
  NewExperiment,
  NewRun,
  RunChange,
  RunStatus,
  Tags,
} from "./tracking.ts";

const KEY_MAX = 250;
const PARAM_MAX = 6000;
const TAG_MAX = 8000;
const EXPERIMENT_NAME_MAX = 500;
const EXPERIMENT_TAG_MAX = 5000;
const METRICS_MAX = 1000;
const PARAMS_MAX = 100;
const TAGS_MAX = 100;
const ENTRIES_MAX = 1000;
/** A longer text is no value that somebody meant to log; one up to here is cut. */
const CUT_MAX = 1_000_000;

const KEY = /^[\p{L}\p{N}_.\-/: ]+$/u;
const RUN_ID = /^[A-Za-z0-9][\w-]{0,255}$/;
const STATUSES: readonly RunStatus[] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];

/** Errors: `tracking.bad-value`. */
export function checkExperiment({ name, artifactLocation, tags = {} }: NewExperiment): void {
  checkExperimentName(name);
  if (artifactLocation !== undefined && /[\0?#]|(^|\/)\.\.(\/|$)/.test(artifactLocation))
    throw badValue("artifact_location", "a location without query, fragment or ..", artifactLocation);
  for (const [key, value] of Object.entries(tags)) checkExperimentTag(key, value);
}

export function checkExperimentName(name: string): void {
  if (name === "") throw badValue("name", "a name that is not empty", name);
  requireLength("name", name, EXPERIMENT_NAME_MAX);
}

export function checkExperimentTag(key: string, value: string): void {
  checkKey("key", key);
  requireLength("value", value, EXPERIMENT_TAG_MAX);
}

/** The name a run is to have, which its tag `mlflow.runName` says too; empty: none was given. Errors: `tracking.bad-value`. */
export function checkRun({ id, name = "", startedAt, tags = {} }: NewRun): string {
  if (id !== undefined && !RUN_ID.test(id)) throw badValue("run_id", "letters, digits, _ and -, at most 256", id);
  if (startedAt !== undefined) requireTime("start_time", startedAt);
  const said = tags[RUN_NAME] ?? "";
  if (name !== "" && said !== "" && name !== said)
    throw badValue("tags", `${RUN_NAME} to be the run's name, "${shortOf(name)}"`, said);
  return cut("run_name", name || said, TAG_MAX);
}

export function checkRunChange({ status, endedAt, name }: RunChange): void {
  if (status !== undefined && !STATUSES.includes(status)) throw badValue("status", `one of ${STATUSES.join(", ")}`, status);
  if (endedAt !== undefined) requireTime("end_time", endedAt);
  if (name !== undefined) cut("run_name", name, TAG_MAX);
}

export const RUN_NAME = "mlflow.runName";

/** Tags as they are kept. Errors: `tracking.bad-value`. */
export function checkedTags(tags: readonly KeyValue[], at = "tags"): [key: string, value: string][] {
  return tags.map(({ key, value }, index) => {
    checkKey(`${at}[${index}].key`, key);
    return [key, cut(`${at}[${index}].value`, value, TAG_MAX)];
  });
}

/** Parameters as they are kept. Errors: `tracking.bad-value` also where a key stands there twice. */
export function checkedParams(params: readonly KeyValue[]): [key: string, value: string][] {
  const seen = new Set<string>();
  return params.map(({ key, value }, index) => {
    checkKey(`params[${index}].key`, key);
    if (seen.has(key)) throw badValue(`params[${index}].key`, "each parameter once in a batch", key);
    seen.add(key);
    return [key, cut(`params[${index}].value`, value, PARAM_MAX)];
  });
}

/** `isKnown`: keys that were checked before. Errors: `tracking.bad-value`. */
export function checkMetrics(metrics: readonly LoggedMetric[], isKnown: (key: string) => boolean): void {
  for (let index = 0; index < metrics.length; index++) {
    const { key, value, timestamp, step } = metrics[index]!;
    if (!isKnown(key)) checkKey(`metrics[${index}].key`, key);
    if (typeof value !== "number") throw badValue(`metrics[${index}].value`, "a number", String(value));
    if (!(timestamp >= 0 && Number.isSafeInteger(timestamp)))
      throw badValue(`metrics[${index}].timestamp`, "a whole number from 0 on, below 2^53", String(timestamp));
    if (!Number.isSafeInteger(step)) throw badValue(`metrics[${index}].step`, "a whole number within 2^53", String(step));
  }
}

export function checkSizes({ metrics = [], params = [], tags = [] }: LogEntries): void {
  const sizes = [
    ["metrics", metrics.length, METRICS_MAX],
    ["params", params.length, PARAMS_MAX],
    ["tags", tags.length, TAGS_MAX],
    ["metrics, params and tags", metrics.length + params.length + tags.length, ENTRIES_MAX],
  ] as const;
  for (const [what, count, max] of sizes) if (count > max) throw badValue(what, `at most ${max} in a batch`, String(count));
}

export function checkDataset(
  { name, digest, sourceType, source, schema = "", profile = "", tags }: DatasetInput,
  index: number,
): void {
  const at = (field: string) => `datasets[${index}].dataset.${field}`;
  for (const [field, text] of Object.entries({ name, digest, source_type: sourceType, source }))
    if (typeof text !== "string" || text === "") throw badValue(at(field), "a text that is not empty", String(text));
  requireLength(at("name"), name, 500);
  requireLength(at("digest"), digest, 36);
  requireLength(at("source"), source, 65_535);
  requireLength(at("schema"), schema, 1_048_575);
  requireLength(at("profile"), profile, 16_777_215);
  for (const [key, value] of Object.entries(tags)) {
    requireLength(`datasets[${index}].tags.key`, key, 255);
    requireLength(`datasets[${index}].tags.value`, value, 500);
  }
}

export const tagList = (tags: Tags): KeyValue[] => Object.entries(tags).map(([key, value]) => ({ key, value }));

/** What rule these entries break, in words; null: none. */
export function refusalOf({ metrics = [], params = [], tags = [] }: LogEntries): string | null {
  try {
    checkMetrics(metrics, () => false);
    checkedParams(params);
    checkedTags(tags);
    return null;
  } catch (thrown) {
    if (!(thrown instanceof MillError)) throw thrown;
    return `expected ${thrown.expected}, got ${thrown.got}`;
  }
}

/** A key is a name with `/` in it at most as a normal relative path has it. */
function checkKey(at: string, key: string): void {
  if (typeof key !== "string" || key === "") throw badValue(at, "a key that is not empty", String(key));
  requireLength(at, key, KEY_MAX);
  if (!KEY.test(key)) throw badValue(at, "letters, digits, spaces and any of _ - . : /", key);
  if (key.split("/").some((part) => part === "" || part === "." || part === ".."))
    throw badValue(at, "a normal relative path: no .., no / at the start or end, no //", key);
}

function cut(at: string, text: string, max: number): string {
  if (typeof text !== "string") throw badValue(at, "a text", String(text));
  if (text.length > CUT_MAX) requireLength(at, text, CUT_MAX);
  return text.length > max ? text.slice(0, max) : text;
}

function requireLength(at: string, text: string, max: number): void {
  if (text.length > max) throw badValue(at, `at most ${max} characters`, `${text.length} characters`);
}

function requireTime(at: string, time: number): void {
  if (!(time >= 0 && Number.isSafeInteger(time))) throw badValue(at, "milliseconds since 1970", String(time));
}

export const badValue = (at: string, expected: string, got: string) =>
  new MillError("tracking.bad-value", `"${at}" breaks a rule: expected ${expected}, got "${shortOf(got)}".`, {
    at,
    expected,
    got: shortOf(got),
    fix: "Correct it and send all of it again: nothing was kept.",
  });

const shortOf = (text: string) => (text.length > 100 ? `${text.slice(0, 100)}...` : text);
