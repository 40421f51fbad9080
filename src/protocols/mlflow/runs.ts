/** Runs of MLflow's API: made, changed, looked for. What is logged to them stands in `logging.ts`. */
import type { InputOf, OutputOf } from "../../contract/index.ts";
import { type Fields, type MetricValue, missing } from "./fields.ts";
import { MlflowError } from "./mlflow-error.ts";
import type { Operation } from "./operation.ts";
import { next, some, someTags, toTags, toViewedSearch } from "./wire.ts";

type Run = OutputOf<"getTrackedRun">;
type Status = NonNullable<InputOf<"updateTrackedRun">["status"]>;

const at = (method: "GET" | "POST", path: string, plane: Operation["plane"], answer: Operation["answer"]): Operation => ({
  method,
  path: `runs/${path}`,
  plane,
  answer,
});

export const RUNS: readonly Operation[] = [
  at("POST", "create", "data", async (asked, call) => {
    const [name, tags] = [asked.optionalText("run_name") ?? "", toTags(asked.items("tags"))];
    const said = tags["mlflow.runName"] ?? "";
    if (name !== "" && said !== "" && name !== said)
      throw new MlflowError(
        "INVALID_PARAMETER_VALUE",
        `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${name}', mlflow.runName='${said}').`,
      );
    const run = await call("createTrackedRun", {
      experiment: asked.text("experiment_id"),
      name: name || undefined,
      userId: asked.optionalText("user_id"),
      startedAt: asked.optionalWhole("start_time"),
      tags,
    });
    return { run: toRun(run) };
  }),
  at("POST", "update", "data", async (asked, call) => {
    const run = await call("updateTrackedRun", {
      run: runId(asked),
      status: statusOf(asked),
      endedAt: asked.optionalWhole("end_time"),
      name: asked.optionalText("run_name") || undefined,
    });
    return { run_info: toInfo(run) };
  }),
  at("POST", "delete", "control", async (asked, call) => {
    await call("deleteTrackedRun", { run: runId(asked) });
    return {};
  }),
  at("POST", "restore", "control", async (asked, call) => {
    await call("restoreTrackedRun", { run: runId(asked) });
    return {};
  }),
  at("GET", "get", "data", async (asked, call) => ({ run: toRun(await call("getTrackedRun", { run: runId(asked) })) })),
  at("POST", "search", "data", async (asked, call) => {
    const { items, nextPageToken } = await call("searchTrackedRuns", {
      experiments: asked.texts("experiment_ids"),
      ...toViewedSearch(asked, asked.optionalText("run_view_type")),
    });
    return { ...some("runs", items.map(toRun)), ...next(nextPageToken) };
  }),
];

/** Older clients say `run_uuid`. */
export function runId(asked: Fields): string {
  const id = asked.optionalText("run_id") || asked.optionalText("run_uuid");
  if (id) return id;
  throw missing("run_id");
}

const STATUSES: readonly Status[] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];

function statusOf(asked: Fields): Status | undefined {
  const said = asked.optionalText("status");
  if (said === undefined || said === "") return undefined;
  const status = STATUSES.find((one) => one === said);
  if (status) return status;
  throw new MlflowError(
    "INVALID_PARAMETER_VALUE",
    `Invalid value ${JSON.stringify(said.slice(0, 100))} for parameter 'status' supplied: it must be one of ${STATUSES.join(", ")}.`,
  );
}

const toInfo = (run: Run) => ({
  run_uuid: run.id,
  experiment_id: run.experimentId,
  run_name: run.name,
  user_id: run.userId,
  status: run.status,
  start_time: run.startedAt,
  ...(run.endedAt !== null && { end_time: run.endedAt }),
  artifact_uri: run.artifactUri,
  lifecycle_stage: run.deletedAt === null ? "active" : "deleted",
  run_id: run.id,
});

const toRun = (run: Run) => ({
  info: toInfo(run),
  data: {
    ...some("metrics", run.metrics.map(toMetric)),
    ...someTags(run.params, "params"),
    ...someTags(run.tags),
  },
  inputs: {
    ...some("dataset_inputs", run.datasets.map(toDatasetInput)),
    ...some(
      "model_inputs",
      run.modelInputs.map(({ modelId }) => ({ model_id: modelId })),
    ),
  },
  ...(run.modelOutputs.length > 0 && {
    outputs: { model_outputs: run.modelOutputs.map(({ modelId, step = 0 }) => ({ model_id: modelId, step })) },
  }),
});

interface Metric {
  readonly key: string;
  readonly value: MetricValue;
  readonly timestamp: number;
  readonly step: number;
}

/** An infinity is the greatest double there, as the peer's columns have it; NaN is a text. */
export const toMetric = ({ key, value, timestamp, step }: Metric) => ({ key, value: toValue(value), timestamp, step });

function toValue(value: MetricValue): number | "NaN" {
  if (value === "Infinity") return Number.MAX_VALUE;
  return value === "-Infinity" ? -Number.MAX_VALUE : value;
}

const toDatasetInput = ({ name, digest, sourceType, source, schema, profile, tags }: Run["datasets"][number]) => ({
  ...someTags(tags),
  dataset: {
    name,
    digest,
    source_type: sourceType,
    source,
    ...(schema !== undefined && { schema }),
    ...(profile !== undefined && { profile }),
  },
});
