/** What tracking refuses, in the words that MLflow's clients, and their users' tests, look for. */
import { MillError } from "../../base/index.ts";
import type { Fields } from "./fields.ts";
import { type MlflowCode, MlflowError } from "./mlflow-error.ts";

/** The error as it is where there are no such words. */
export function inTheirWords(thrown: unknown, asked: Fields): unknown {
  if (!(thrown instanceof MillError)) return thrown;
  const found = WORDS[thrown.code]?.(thrown, asked);
  return found === undefined ? thrown : new MlflowError(found[0], found[1], { cause: thrown });
}

type Words = (error: MillError, asked: Fields) => readonly [MlflowCode, string];

const WORDS: Readonly<Record<string, Words>> = {
  "tracking.unknown-experiment": (_, asked) => [
    "RESOURCE_DOES_NOT_EXIST",
    asked.has("experiment_name")
      ? `Could not find experiment with name '${asked.text("experiment_name")}'`
      : `No Experiment with id=${experimentOf(asked)} exists`,
  ],
  "tracking.experiment-exists": ({ message, fix }, asked) => [
    "RESOURCE_ALREADY_EXISTS",
    `Experiment(name=${asked.optionalText("name") ?? asked.optionalText("new_name")}) already exists. ${message} ${fix ?? ""}`.trim(),
  ],
  "tracking.unknown-run": ({ got }) => ["RESOURCE_DOES_NOT_EXIST", `Run with id=${got} not found`],
  "tracking.not-active": ({ at }, asked) => [
    "INVALID_PARAMETER_VALUE",
    `The ${at === "run_id" ? `run ${runOf(asked)}` : `experiment ${experimentOf(asked)}`} must be in the 'active' state. Current state is deleted.`,
  ],
  "tracking.unknown-tag": ({ got }, asked) => [
    "RESOURCE_DOES_NOT_EXIST",
    `No tag with name: ${got} in ${asked.has("experiment_id") ? `experiment with id ${experimentOf(asked)}` : `run with id ${runOf(asked)}`}`,
  ],
  "tracking.param-changed": ({ at, expected, got }, asked) => [
    "INVALID_PARAMETER_VALUE",
    `Changing param values is not allowed. Param with key='${at}' was already logged with value='${expected}' for run ID='${runOf(asked)}'. Attempted logging new value '${got}'.`,
  ],
  "tracking.page": ({ at, message, got, expected }) => [
    "INVALID_PARAMETER_VALUE",
    at === "page_token"
      ? `Invalid page token, could not base64-decode: ${message}`
      : `Invalid value ${got} for parameter '${at}' supplied. It must be ${expected}`,
  ],
  "tracking.bad-value": ({ at = "", expected = "", got = "" }, asked) => {
    const path = placeOf(at, asked);
    const limit = /^at most (\d+) characters$/.exec(expected)?.[1];
    if (limit !== undefined) return ["INVALID_PARAMETER_VALUE", `'${path}' exceeds the maximum length of ${limit} characters`];
    const value = /(value|timestamp|step|time)$/.test(path) ? got : JSON.stringify(got);
    return [
      "INVALID_PARAMETER_VALUE",
      `Invalid value ${value} for parameter '${path}' supplied: ${ruleOf(path, got) ?? `expected ${expected}.`}`,
    ];
  },
};

/** A single metric, parameter or tag is logged as a batch of one: its fields stand in the request itself. The key of a metric is its name. */
function placeOf(at: string, asked: Fields): string {
  const named = at.replace(/^(metrics\[\d+\])\.key$/, "$1.name").replace(/^datasets\[\d+\](\.dataset|\.tags)?\./, "");
  return asked.has("key") ? named.replace(/^\w+\[0\]\./, "") : named;
}

function ruleOf(path: string, got: string): string | undefined {
  if (/timestamp$/.test(path)) return "Timestamp must be a nonnegative long (64-bit integer)";
  if (!/(key|name)$/.test(path) || path === "run_name") return undefined;
  return /^[\p{L}\p{N}_.\-/: ]*$/u.test(got) ? MUST_NOT_RESOLVE : MAY_CONTAIN;
}

const MAY_CONTAIN =
  "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).";
const MUST_NOT_RESOLVE =
  "Names may be treated as files in certain cases, and must not resolve to other names when treated as such.";

const runOf = (asked: Fields) => asked.optionalText("run_id") || asked.optionalText("run_uuid") || "";
const experimentOf = (asked: Fields) => asked.optionalText("experiment_id") ?? "";
