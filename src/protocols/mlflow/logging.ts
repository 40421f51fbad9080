/** What is logged to a run of MLflow's API: metrics, parameters, tags, and what it read and made. */
import type { InputOf } from "../../contract/index.ts";
import type { BoundCall } from "../../guard/index.ts";
import { type Fields, missing } from "./fields.ts";
import { MlflowError } from "./mlflow-error.ts";
import type { Operation } from "./operation.ts";
import { runId } from "./runs.ts";
import { listIn, toKeyValues, toTags } from "./wire.ts";

type Metric = NonNullable<InputOf<"logToRun">["metrics"]>[number];
type Entries = Omit<InputOf<"logToRun">, "run">;

const logs = (path: string, read: (asked: Fields) => Entries): Operation => ({
  method: "POST",
  path: `runs/${path}`,
  plane: "data",
  async answer(asked, call) {
    await call("logToRun", { run: runId(asked), ...read(asked) });
    return {};
  },
});

export const LOGGING: readonly Operation[] = [
  logs("log-metric", (asked) => ({ metrics: [toMetric(asked)] })),
  logs("log-parameter", (asked) => ({ params: toKeyValues([asked]) })),
  logs("set-tag", (asked) => ({ tags: toKeyValues([asked]) })),
  logs("log-batch", (asked) => {
    const [metrics, params, tags] = [asked.items("metrics"), asked.items("params"), asked.items("tags")];
    requireSizes(metrics.length, params.length, tags.length);
    const batch = { metrics: metrics.map(toMetric), params: toKeyValues(params), tags: toKeyValues(tags) };
    requireOnce(batch.params.map(({ key }) => key));
    return batch;
  }),
  {
    method: "POST",
    path: "runs/delete-tag",
    plane: "data",
    async answer(asked, call) {
      await call("deleteRunTag", { run: runId(asked), key: asked.text("key") });
      return {};
    },
  },
  {
    method: "POST",
    path: "runs/log-inputs",
    plane: "data",
    async answer(asked, call) {
      await call("logRunInputs", {
        run: runId(asked),
        datasets: asked.items("datasets").map(toDataset),
        models: asked.items("models").map((model) => ({ modelId: model.text("model_id") })),
      });
      return {};
    },
  },
  {
    method: "POST",
    path: "runs/outputs",
    plane: "data",
    async answer(asked, call) {
      if (!asked.has("models")) throw missing("models");
      const models = asked
        .items("models")
        .map((model) => ({ modelId: model.text("model_id"), step: model.optionalWhole("step") }));
      await call("logRunOutputs", { run: runId(asked), models });
      return {};
    },
  },
  { method: "POST", path: "runs/log-model", plane: "data", answer: logModel },
];

function toMetric(asked: Fields): Metric {
  const [name, digest] = [asked.optionalText("dataset_name"), asked.optionalText("dataset_digest")];
  return {
    key: asked.text("key"),
    value: asked.value("value"),
    timestamp: asked.whole("timestamp"),
    step: asked.optionalWhole("step") ?? 0,
    modelId: asked.optionalText("model_id") || undefined,
    dataset: name && digest ? { name, digest } : undefined,
  };
}

function toDataset(asked: Fields): NonNullable<InputOf<"logRunInputs">["datasets"]>[number] {
  const dataset = asked.item("dataset");
  return {
    name: dataset.text("name"),
    digest: dataset.text("digest"),
    sourceType: dataset.text("source_type"),
    source: dataset.text("source"),
    schema: dataset.optionalText("schema"),
    profile: dataset.optionalText("profile"),
    tags: toTags(asked.items("tags")),
  };
}

function requireSizes(metrics: number, params: number, tags: number): void {
  const sizes = [
    ["metrics", metrics, 1000],
    ["params", params, 100],
    ["tags", tags, 100],
    ["metrics, params, and tags", metrics + params + tags, 1000],
  ] as const;
  for (const [what, count, max] of sizes) {
    if (count > max)
      throw new MlflowError(
        "INVALID_PARAMETER_VALUE",
        `A batch logging request can contain at most ${max} ${what}. Got ${count} ${what}. Please split up ${what} across multiple requests and try again.`,
      );
  }
}

function requireOnce(keys: readonly string[]): void {
  const twice = [...new Set(keys.filter((key, index) => keys.indexOf(key) !== index))];
  if (twice.length > 0)
    throw new MlflowError(
      "INVALID_PARAMETER_VALUE",
      `Duplicate parameter keys have been submitted: [${twice.map((key) => `'${key}'`).join(", ")}]. Please ensure the request contains only one param value per param key.`,
    );
}

const MODEL_FIELDS = ["artifact_path", "flavors", "utc_time_created", "run_id"] as const;
const MODELS_TAG = "mlflow.log-model.history";
const TAG_MAX = 8000;

/** What clients before logged models said of a model: a list in a tag, of which the oldest go where it grows too long for one. */
async function logModel(asked: Fields, call: BoundCall) {
  const [run, model] = [runId(asked), modelOf(asked.text("model_json"))];
  const { tags } = await call("getTrackedRun", { run });
  const models = [...listIn(tags[MODELS_TAG]), model];
  while (models.length > 1 && JSON.stringify(models).length > TAG_MAX) models.shift();
  await call("logToRun", { run, tags: [{ key: MODELS_TAG, value: JSON.stringify(models) }] });
  return {};
}

function modelOf(text: string): object {
  let model: unknown;
  try {
    model = JSON.parse(text);
  } catch {
    throw new MlflowError("INVALID_PARAMETER_VALUE", `Malformed model info. \n ${text.slice(0, 200)} \n is not a valid JSON.`);
  }
  const fields = typeof model === "object" && model !== null ? model : {};
  const absent = MODEL_FIELDS.filter((name) => !Object.hasOwn(fields, name));
  if (absent.length === 0) return fields;
  throw new MlflowError(
    "INVALID_PARAMETER_VALUE",
    `Model json is missing mandatory fields: {${absent.map((name) => `'${name}'`).join(", ")}}`,
  );
}
