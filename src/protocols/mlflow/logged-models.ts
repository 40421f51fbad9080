/** Models that runs log, as MLflow 3 knows them: made, filled with files, finished, found. */
import type { InputOf, OutputOf } from "../../contract/index.ts";
import type { BoundCall } from "../../guard/index.ts";
import type { ForeignRoute } from "../route.ts";
import { below, file, listed } from "./artifacts.ts";
import { type Fields, invalid } from "./fields.ts";
import type { Operation } from "./operation.ts";
import { fromTags, next, some, toTags } from "./wire.ts";

type LoggedModel = OutputOf<"getLoggedModel">;
type Status = LoggedModel["status"];

/** By the number of MLflow's enum. */
const STATUSES: readonly (Status | null)[] = [null, "PENDING", "READY", "UPLOAD_FAILED"];

const at = (
  method: Operation["method"],
  path: string,
  answer: Operation["answer"],
  plane: Operation["plane"] = "data",
): Operation => ({ method, path: `logged-models${path}`, plane, answer });

export const LOGGED_MODELS: readonly Operation[] = [
  at("POST", "", async (asked, call) => {
    const model = await call("createLoggedModel", {
      experiment: asked.text("experiment_id"),
      name: asked.optionalText("name") || undefined,
      modelType: asked.optionalText("model_type") || undefined,
      sourceRunId: asked.optionalText("source_run_id") || undefined,
      params: toTags(asked.items("params")),
      tags: toTags(asked.items("tags")),
    });
    return { model: toModel(model) };
  }),
  at("POST", "/search", async (asked, call) => {
    const { items, nextPageToken } = await call("searchLoggedModels", toSearch(asked));
    return { ...some("models", items.map(toModel)), ...next(nextPageToken) };
  }),
  at("GET", "/:model_id", async (asked, call) => {
    const deleted = asked.optionalFlag("allow_deleted") ?? false;
    return { model: toModel(await call("getLoggedModel", { model: modelId(asked), deleted })) };
  }),
  at("PATCH", "/:model_id", async (asked, call) => {
    const model = await call("finishLoggedModel", { model: modelId(asked), status: statusOf(asked) });
    return { model: toModel(model) };
  }),
  at(
    "DELETE",
    "/:model_id",
    async (asked, call) => {
      await call("deleteLoggedModel", { model: modelId(asked) });
      return {};
    },
    "control",
  ),
  at("POST", "/:model_id/params", async (asked, call) => {
    await call("describeLoggedModel", { model: modelId(asked), params: toTags(asked.items("params")) });
    return {};
  }),
  at("PATCH", "/:model_id/tags", async (asked, call) => {
    await call("describeLoggedModel", { model: modelId(asked), tags: toTags(asked.items("tags")) });
    return {};
  }),
  at("DELETE", "/:model_id/tags/:tag_key", async (asked, call) => {
    await call("describeLoggedModel", { model: modelId(asked), withoutTags: [asked.text("tag_key")] });
    return {};
  }),
  at("GET", "/:model_id/artifacts/directories", async (asked, call) =>
    listed((await known(asked, call)).artifactUri, asked.optionalText("artifact_directory_path"), call),
  ),
];

/** A file of a logged model. */
export const loggedModelRoutes = (): ForeignRoute[] =>
  ["/api", "/ajax-api"].map((api) =>
    file(`${api}/2.0/mlflow/logged-models/:model_id/artifacts/files`, async (asked, call) =>
      below((await known(asked, call)).artifactUri, asked.text("artifact_file_path")),
    ),
  );

const known = (asked: Fields, call: BoundCall) => call("getLoggedModel", { model: modelId(asked) });
const modelId = (asked: Fields) => asked.text("model_id");

/** By its name, or the number of it. */
function statusOf(asked: Fields): Status {
  const said = asked.word("status");
  const status = STATUSES[Number(said)] ?? STATUSES.find((one) => one !== null && said === `LOGGED_MODEL_${one}`);
  if (status) return status;
  throw invalid("status", said);
}

function toSearch(asked: Fields): InputOf<"searchLoggedModels"> {
  const onData = (item: Fields) => {
    const name = item.optionalText("dataset_name");
    return name ? { name, digest: item.optionalText("dataset_digest") || undefined } : undefined;
  };
  return {
    experiments: asked.texts("experiment_ids"),
    filter: asked.optionalText("filter"),
    datasets: asked.items("datasets").flatMap((item) => onData(item) ?? []),
    orderBy: asked.items("order_by").map((item) => ({
      field: item.text("field_name"),
      descending: item.optionalFlag("ascending") === false,
      dataset: onData(item),
    })),
    limit: asked.optionalWhole("max_results") || undefined,
    pageToken: asked.optionalText("page_token") || undefined,
  };
}

const toModel = (model: LoggedModel) => ({
  info: {
    model_id: model.id,
    experiment_id: model.experimentId,
    name: model.name,
    creation_timestamp_ms: model.createdAt,
    last_updated_timestamp_ms: model.updatedAt,
    artifact_uri: model.artifactUri,
    status: `LOGGED_MODEL_${model.status}`,
    ...(model.modelType !== null && { model_type: model.modelType }),
    ...(model.sourceRunId !== null && { source_run_id: model.sourceRunId }),
    tags: fromTags(model.tags),
  },
  data: {
    params: fromTags(model.params),
    metrics: model.metrics.map(({ key, value, timestamp, step, runId, dataset }) => ({
      ...{ key, value, timestamp, step },
      ...{ model_id: model.id, run_id: runId },
      ...(dataset !== null && { dataset_name: dataset.name, dataset_digest: dataset.digest }),
    })),
  },
});
