/** Experiments of MLflow's API. Their ids are decimal texts. */
import type { OutputOf } from "../../contract/index.ts";
import type { Fields } from "./fields.ts";
import { MlflowError } from "./mlflow-error.ts";
import type { Operation } from "./operation.ts";
import { next, some, someTags, toTags, toViewedSearch } from "./wire.ts";

const looks = (method: "GET" | "POST", path: string, answer: Operation["answer"]): Operation => ({
  method,
  path: `experiments/${path}`,
  plane: "control",
  lists: ["order_by"],
  answer,
});
const changes = (path: string, answer: Operation["answer"]) => looks("POST", path, answer);

const search: Operation["answer"] = async (asked, call) => {
  const { items, nextPageToken } = await call("searchExperiments", toViewedSearch(asked, asked.optionalText("view_type")));
  return { ...some("experiments", items.map(toExperiment)), ...next(nextPageToken) };
};

export const EXPERIMENTS: readonly Operation[] = [
  changes("create", async (asked, call) => {
    const { id } = await call("createExperiment", {
      name: asked.text("name"),
      artifactLocation: asked.optionalText("artifact_location") || undefined,
      tags: toTags(asked.items("tags")),
    });
    return { experiment_id: id };
  }),
  looks("POST", "search", search),
  looks("GET", "search", search),
  looks("GET", "get", async (asked, call) => ({
    experiment: toExperiment(await call("getExperiment", { experiment: experimentId(asked) })),
  })),
  looks("GET", "get-by-name", async (asked, call) => ({
    experiment: toExperiment(await call("findExperiment", { name: asked.text("experiment_name") })),
  })),
  changes("delete", async (asked, call) => {
    await call("deleteExperiment", { experiment: experimentId(asked) });
    return {};
  }),
  changes("restore", async (asked, call) => {
    await call("restoreExperiment", { experiment: experimentId(asked) });
    return {};
  }),
  changes("update", async (asked, call) => {
    await call("renameExperiment", { experiment: experimentId(asked), name: asked.text("new_name") });
    return {};
  }),
  changes("set-experiment-tag", async (asked, call) => {
    const [key, value] = [asked.text("key"), asked.optionalText("value") ?? ""];
    await call("setExperimentTag", { experiment: experimentId(asked), key, value });
    return {};
  }),
  changes("delete-experiment-tag", async (asked, call) => {
    await call("deleteExperimentTag", { experiment: experimentId(asked), key: asked.text("key") });
    return {};
  }),
];

function experimentId(asked: Fields): string {
  const id = asked.text("experiment_id");
  if (/^\d+$/.test(id)) return id;
  throw new MlflowError(
    "INVALID_PARAMETER_VALUE",
    `Invalid experiment ID '${id.slice(0, 100)}'. Experiment ID must be a valid integer.`,
  );
}

const toExperiment = (experiment: OutputOf<"getExperiment">) => ({
  experiment_id: experiment.id,
  name: experiment.name,
  artifact_location: experiment.artifactLocation,
  lifecycle_stage: experiment.deletedAt === null ? "active" : "deleted",
  last_update_time: experiment.updatedAt,
  creation_time: experiment.createdAt,
  ...someTags(experiment.tags),
});
