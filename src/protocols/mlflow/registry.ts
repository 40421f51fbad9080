/** MLflow's model registry: names, versions, aliases, stages, tags. What the platform made stands in the same list. */
import type { OutputOf } from "../../contract/index.ts";
import type { BoundCall } from "../../guard/index.ts";
import type { ForeignRoute } from "../route.ts";
import { below, file } from "./artifacts.ts";
import { type Fields, invalid } from "./fields.ts";
import { MlflowError } from "./mlflow-error.ts";
import type { Operation } from "./operation.ts";
import { listIn, next, some, someTags, toSearch, toTags } from "./wire.ts";

type Model = OutputOf<"getRegisteredModel">;
type Version = OutputOf<"getRegisteredVersion">;

const looks = (path: string, answer: Operation["answer"], lists: readonly string[] = []): Operation => ({
  ...{ method: "GET", path, plane: "data" },
  ...{ lists, answer },
});
const changes = (method: "POST" | "PATCH" | "DELETE", path: string, answer: Operation["answer"]): Operation => ({
  ...{ method, path, plane: "control" },
  answer,
});

const MODELS: readonly Operation[] = [
  changes("POST", "registered-models/create", async (asked, call) => {
    const described = { description: asked.optionalText("description"), tags: toTags(asked.items("tags")) };
    return { registered_model: toModel(await call("registerModel", { model: nameOf(asked), ...described })) };
  }),
  changes("POST", "registered-models/rename", async (asked, call) => {
    const model = await call("changeRegisteredModel", { model: nameOf(asked), newName: asked.text("new_name") });
    return { registered_model: toModel(model) };
  }),
  changes("PATCH", "registered-models/update", async (asked, call) => {
    const model = await call("changeRegisteredModel", {
      model: nameOf(asked),
      description: asked.optionalText("description") ?? "",
    });
    return { registered_model: toModel(model) };
  }),
  changes("DELETE", "registered-models/delete", async (asked, call) => {
    await call("deleteRegisteredModel", { model: nameOf(asked) });
    return {};
  }),
  looks("registered-models/get", async (asked, call) => ({
    registered_model: toModel(await call("getRegisteredModel", { model: nameOf(asked) })),
  })),
  looks(
    "registered-models/search",
    async (asked, call) => {
      const { items, nextPageToken } = await call(
        "searchRegisteredModels",
        toSearch(asked, { byDefault: 100, max: 1000, zeroIsDefault: true }),
      );
      return { ...some("registered_models", items.map(toModel)), ...next(nextPageToken) };
    },
    ["order_by"],
  ),
  { ...changes("POST", "registered-models/get-latest-versions", latestVersions), plane: "data" },
  looks("registered-models/get-latest-versions", latestVersions, ["stages"]),
  changes("POST", "registered-models/set-tag", (asked, call) => tag(asked, call)),
  changes("DELETE", "registered-models/delete-tag", (asked, call) => untag(asked, call)),
  changes("POST", "registered-models/alias", async (asked, call) => {
    await call("setModelAlias", { model: nameOf(asked), alias: asked.text("alias"), version: versionOf(asked) });
    return {};
  }),
  changes("DELETE", "registered-models/alias", async (asked, call) => {
    await call("setModelAlias", { model: nameOf(asked), alias: asked.text("alias"), version: null });
    return {};
  }),
  looks("registered-models/alias", async (asked, call) => ({
    model_version: toVersion(await call("getVersionByAlias", { model: nameOf(asked), alias: asked.text("alias") })),
  })),
];

const VERSIONS: readonly Operation[] = [
  changes("POST", "model-versions/create", async (asked, call) => {
    const modelId = asked.optionalText("model_id") || undefined;
    if (modelId !== undefined) await call("getLoggedModel", { model: modelId });
    const version = await call("registerVersion", {
      model: nameOf(asked),
      source: asked.text("source"),
      runId: asked.optionalText("run_id") || undefined,
      runLink: asked.optionalText("run_link") || undefined,
      modelId,
      description: asked.optionalText("description"),
      tags: toTags(asked.items("tags")),
    });
    await tellModel(version, call);
    return { model_version: toVersion(version) };
  }),
  changes("PATCH", "model-versions/update", async (asked, call) => {
    const description = asked.optionalText("description") ?? "";
    return { model_version: toVersion(await call("changeRegisteredVersion", { ...placeOf(asked), description })) };
  }),
  changes("POST", "model-versions/transition-stage", async (asked, call) => {
    const change = { stage: asked.text("stage"), archiveOthers: asked.optionalFlag("archive_existing_versions") ?? false };
    return { model_version: toVersion(await call("changeRegisteredVersion", { ...placeOf(asked), ...change })) };
  }),
  changes("DELETE", "model-versions/delete", async (asked, call) => {
    await call("deleteRegisteredVersion", placeOf(asked));
    return {};
  }),
  looks("model-versions/get", async (asked, call) => ({
    model_version: toVersion(await call("getRegisteredVersion", placeOf(asked))),
  })),
  looks(
    "model-versions/search",
    async (asked, call) => {
      const { items, nextPageToken } = await call(
        "searchRegisteredVersions",
        toSearch(asked, { byDefault: 10_000, max: 200_000, zeroIsDefault: true }),
      );
      return { ...some("model_versions", items.map(toVersion)), ...next(nextPageToken) };
    },
    ["order_by"],
  ),
  looks("model-versions/get-download-uri", async (asked, call) => ({ artifact_uri: await location(asked, call) })),
  changes("POST", "model-versions/set-tag", (asked, call) => tag(asked, call, versionOf(asked))),
  changes("DELETE", "model-versions/delete-tag", (asked, call) => untag(asked, call, versionOf(asked))),
];

export const REGISTRY: readonly Operation[] = [...MODELS, ...VERSIONS];

/** A file of a version. */
export const registryRoutes = (): ForeignRoute[] => [
  file("/model-versions/get-artifact", async (asked, call) => below(await location(asked, call), asked.text("path"))),
];

async function latestVersions(asked: Fields, call: BoundCall) {
  const { latest } = await call("getRegisteredModel", { model: nameOf(asked) });
  const wanted = asked.texts("stages").map((stage) => {
    const found = STAGES.find((one) => one.toLowerCase() === stage.toLowerCase());
    if (found) return found;
    throw new MlflowError(
      "INVALID_PARAMETER_VALUE",
      `Invalid Model Version stage: ${stage.slice(0, 100)}. Value must be one of ${STAGES.join(", ")}.`,
    );
  });
  return some("model_versions", latest.filter(({ stage }) => wanted.length === 0 || wanted.includes(stage)).map(toVersion));
}

const STAGES: readonly Version["stage"][] = ["None", "Staging", "Production", "Archived"];

async function tag(asked: Fields, call: BoundCall, version?: number) {
  const set = { [asked.text("key")]: asked.optionalText("value") ?? "" };
  await call("tagRegistered", { model: nameOf(asked), set, ...(version !== undefined && { version }) });
  return {};
}

async function untag(asked: Fields, call: BoundCall, version?: number) {
  await call("tagRegistered", { model: nameOf(asked), without: [asked.text("key")], ...(version !== undefined && { version }) });
  return {};
}

async function location(asked: Fields, call: BoundCall): Promise<string> {
  const found = await call("getRegisteredVersion", placeOf(asked));
  if (found.location !== null) return found.location;
  throw new MlflowError(
    "INVALID_PARAMETER_VALUE",
    `The version ${found.version} of '${found.name}' was made by the platform: it is served by an endpoint, and has no files of MLflow's.`,
  );
}

/** The logged model says as what it was registered, as the client expects it to. */
async function tellModel({ name, version, modelId }: Version, call: BoundCall): Promise<void> {
  if (modelId === null) return;
  const { tags } = await call("getLoggedModel", { model: modelId });
  const registered = [...listIn(tags[REGISTERED_AS]), { name, version }];
  await call("describeLoggedModel", { model: modelId, tags: { [REGISTERED_AS]: JSON.stringify(registered) } });
}

const REGISTERED_AS = "mlflow.modelVersions";

const nameOf = (asked: Fields) => asked.text("name");
const placeOf = (asked: Fields) => ({ model: nameOf(asked), version: versionOf(asked) });

function versionOf(asked: Fields): number {
  const said = asked.word("version");
  if (!/^-?\d+$/.test(said)) throw invalid("version", said);
  const number = Number(said);
  if (number >= 1 && number <= 0x7fffffff) return number;
  throw new MlflowError(
    "RESOURCE_DOES_NOT_EXIST",
    `Model Version (name=${nameOf(asked)}, version=${said.slice(0, 30)}) not found`,
  );
}

const toModel = (model: Model) => ({
  name: model.name,
  creation_timestamp: model.createdAt,
  last_updated_timestamp: model.updatedAt,
  ...(model.description && { description: model.description }),
  ...some("latest_versions", model.latest.map(toVersion)),
  ...someTags(model.tags),
  ...some(
    "aliases",
    Object.entries(model.aliases).map(([alias, version]) => ({ alias, version: String(version) })),
  ),
});

const toVersion = (version: Version) => ({
  name: version.name,
  version: String(version.version),
  creation_timestamp: version.createdAt,
  last_updated_timestamp: version.updatedAt,
  ...(version.actor !== null && { user_id: version.actor }),
  current_stage: version.stage,
  ...(version.description !== null && { description: version.description }),
  source: version.source,
  ...(version.runId !== null && { run_id: version.runId }),
  status: "READY",
  ...someTags(version.tags),
  ...(version.runLink !== null && { run_link: version.runLink }),
  ...some("aliases", version.aliases),
  ...(version.modelId !== null && { model_id: version.modelId }),
});
