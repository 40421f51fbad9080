/** A running MLflow server, by its REST API: releases from 2.0 on, of which older ones know no logged models and no histories of many runs at once. */

import { sourceAway } from "./problems.ts";
import { type Answer, createRestClient, type RestClient, type RestClientOptions } from "./rest-client.ts";
import type { FileThere, LoggedModelThere, PointThere, RegisteredThere, RunThere, Source, Tell, VersionThere } from "./source.ts";

const RUNS_PAGE = 100;
const PAGE = 1000;
const MODELS_PAGE = 100;
/** Prompts are registered models that a search gives only where it asks for them. */
const PROMPT = "mlflow.prompt.is_prompt";
const PROMPTS = `tags.\`${PROMPT}\` = 'true'`;
/** As many points as one answer holds. */
const POINTS_MAX = 25_000;

export function openServer(options: RestClientOptions, tell: Tell): Source {
  const client = createRestClient(options);
  return {
    name: client.name,

    async *experiments() {
      for await (const { experiments = [] } of pages(client, "experiments/search", { max_results: PAGE, view_type: "ALL" }, true))
        for (const found of experiments)
          yield {
            ...{ id: String(found.experiment_id), name: String(found.name), deleted: found.lifecycle_stage === "deleted" },
            createdAt: timeOf(found.creation_time),
            updatedAt: timeOf(found.last_update_time),
            tags: pairs(found.tags),
          };
    },

    async *runs(experimentId) {
      const asked = { experiment_ids: [experimentId], run_view_type: "ALL", max_results: RUNS_PAGE };
      for await (const { runs = [] } of pages(client, "runs/search", asked, true)) yield runs.map(runOf);
    },

    histories: (runs) => histories(client, runs),

    async *loggedModels(experimentId) {
      const asked = { experiment_ids: [experimentId], max_results: 50 };
      for await (const { models = [] } of pages(client, "logged-models/search", asked, false)) yield models.map(modelOf);
    },

    async *registeredModels() {
      for (const filter of [undefined, PROMPTS])
        for await (const answer of pages(client, "registered-models/search", { filter, max_results: MODELS_PAGE }, false, "GET"))
          yield* (answer.registered_models ?? []).map(registeredOf);
    },

    async *versions({ name, tags }) {
      const isPrompt = tags.some(({ key, value }) => key === PROMPT && value.toLowerCase() === "true");
      const filter = `name = ${quoted(name)}${isPrompt ? ` AND ${PROMPTS}` : ""}`;
      const asked = { filter, max_results: MODELS_PAGE, order_by: "version_number ASC" };
      for await (const { model_versions: versions = [] } of pages(client, "model-versions/search", asked, false, "GET"))
        yield versions.map(versionOf);
    },

    async *files({ kind, id, artifactUri }) {
      const elsewhere = elsewhereOf(artifactUri, client.name);
      if (elsewhere) return tell({ what: `artifacts of ${kind} ${id}`, why: elsewhere, broken: false });
      const way = kind === "run" ? runFiles(id) : modelFiles(id);
      yield* walk(client, way, undefined, tell);
    },

    close: () => undefined,
  };
}

async function* pages(
  client: RestClient,
  path: string,
  asked: object,
  required: boolean,
  method: "GET" | "POST" = "POST",
): AsyncGenerator<Answer> {
  for (let token: string | undefined; ; ) {
    const answer = await client.ask(method, path, { ...asked, ...(token !== undefined && { page_token: token }) });
    if (answer === null) {
      if (required) throw sourceAway(client.name, `there is no ${path}`);
      return; // a release that does not know it has none
    }
    yield answer;
    token = answer.next_page_token;
    if (!token) return;
  }
}

/** Of many runs at once where the server can, and each by itself where that gives not all. */
async function* histories(client: RestClient, runs: readonly RunThere[]) {
  const runsOf = new Map<string, string[]>();
  for (const {
    run: { id },
    keys,
  } of runs)
    for (const key of keys) runsOf.set(key, [...(runsOf.get(key) ?? []), id]);
  let bulk = true;
  for (const [key, ids] of runsOf) {
    const answer =
      bulk && ids.length > 1
        ? await client.ask("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", {
            ...{ run_id: ids, metric_key: key, max_results: POINTS_MAX },
          })
        : null;
    if (answer === null && ids.length > 1) bulk = false;
    const found: readonly Answer[] = answer?.metrics ?? [];
    if (answer !== null && found.length < POINTS_MAX) {
      const byRun = Map.groupBy(found, ({ run_id }) => String(run_id));
      for (const run of ids) yield { run, key, points: (byRun.get(run) ?? []).map(pointOf) };
    } else for (const run of ids) yield { run, key, points: await wholeHistory(client, run, key) };
  }
}

async function wholeHistory(client: RestClient, run: string, key: string): Promise<PointThere[]> {
  const points: PointThere[] = [];
  for (let token: string | undefined; ; ) {
    const page = token === undefined ? {} : { page_token: token };
    const answer = await client.ask("GET", "metrics/get-history", {
      ...{ run_id: run, run_uuid: run, metric_key: key, max_results: POINTS_MAX },
      ...page,
    });
    if (answer === null) throw sourceAway(client.name, `the run ${run} went away`);
    for (const metric of answer.metrics ?? []) points.push(pointOf(metric));
    token = answer.next_page_token;
    if (!token) return points;
  }
}

interface Way {
  list(client: RestClient, folder: string | undefined): Promise<Answer | null>;
  read(client: RestClient, path: string): Promise<AsyncIterable<Uint8Array> | null>;
}

const runFiles = (id: string): Way => ({
  list: (client, folder) => client.ask("GET", "artifacts/list", { run_id: id, run_uuid: id, path: folder }),
  read: (client, path) => client.read("/get-artifact", { run_id: id, run_uuid: id, path }),
});

const modelFiles = (id: string): Way => ({
  list: (client, folder) => client.ask("GET", `logged-models/${id}/artifacts/directories`, { artifact_directory_path: folder }),
  read: (client, path) => client.read(`/ajax-api/2.0/mlflow/logged-models/${id}/artifacts/files`, { artifact_file_path: path }),
});

async function* walk(client: RestClient, way: Way, folder: string | undefined, tell: Tell): AsyncGenerator<FileThere> {
  const answer = await way.list(client, folder);
  for (const file of answer?.files ?? []) {
    const path = String(file.path);
    if (file.is_dir === true) {
      if (path !== folder && path.startsWith(folder ?? "")) yield* walk(client, way, path, tell);
      continue;
    }
    const sizeBytes = Number(file.file_size ?? 0);
    yield { path, sizeBytes, stamp: String(sizeBytes), read: () => readFile(client, way, path) };
  }
}

async function* readFile(client: RestClient, way: Way, path: string): AsyncGenerator<Uint8Array> {
  const bytes = await way.read(client, path);
  if (bytes === null) throw sourceAway(client.name, `the artifact ${path} went away`);
  yield* bytes;
}

/** Why files are not asked for; null: the server has them. */
function elsewhereOf(uri: string, name: string): string | null {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") return null;
  if (scheme !== "mlflow-artifacts") return `they lie at ${placeOf(uri)}, which is not followed`;
  const host = /^mlflow-artifacts:\/\/([^/]+)/i.exec(uri)?.[1];
  return host === undefined || host === new URL(name).host ? null : `they lie at another server, ${host}, which is not followed`;
}

/** No path, and no credentials. */
export const placeOf = (uri: string): string =>
  `${/^[a-z][a-z0-9+.-]*:/i.exec(uri)?.[0] ?? ""}//${/^[^:]+:\/\/(?:[^@/]*@)?([^/?#]*)/.exec(uri)?.[1] ?? ""}`;

const runOf = ({ info, data = {}, inputs = {}, outputs = {} }: Answer): RunThere => ({
  artifactUri: String(info.artifact_uri ?? ""),
  keys: (data.metrics ?? []).map(({ key }: Answer) => String(key)),
  run: ownOf(info, data, inputs, outputs),
});

const ownOf = (info: Answer, data: Answer, inputs: Answer, outputs: Answer): RunThere["run"] => ({
  ...{ id: String(info.run_id ?? info.run_uuid), userId: String(info.user_id ?? ""), status: info.status ?? "RUNNING" },
  name: String(info.run_name ?? pairs(data.tags).find(({ key }) => key === "mlflow.runName")?.value ?? info.run_id),
  startedAt: timeOf(info.start_time),
  endedAt: info.end_time ? timeOf(info.end_time) : null,
  deleted: info.lifecycle_stage === "deleted",
  params: pairs(data.params),
  tags: pairs(data.tags),
  datasets: (inputs.dataset_inputs ?? []).map(({ tags, dataset }: Answer) => ({
    ...{ name: String(dataset.name), digest: String(dataset.digest) },
    ...{ sourceType: String(dataset.source_type), source: String(dataset.source) },
    ...(dataset.schema !== undefined && { schema: String(dataset.schema) }),
    ...(dataset.profile !== undefined && { profile: String(dataset.profile) }),
    tags: Object.fromEntries(pairs(tags).map(({ key, value }) => [key, value])),
  })),
  modelInputs: (inputs.model_inputs ?? []).map(linkOf),
  modelOutputs: (outputs.model_outputs ?? []).map(linkOf),
});

const linkOf = ({ model_id, step }: Answer) => ({ modelId: String(model_id), ...(step !== undefined && { step: Number(step) }) });

const modelOf = ({ info, data = {} }: Answer): LoggedModelThere => ({
  artifactUri: String(info.artifact_uri ?? ""),
  model: ownModelOf(info, data),
});

const ownModelOf = (info: Answer, data: Answer): LoggedModelThere["model"] => ({
  ...{ id: String(info.model_id), name: String(info.name ?? info.model_id), modelType: textOrNull(info.model_type) },
  sourceRunId: textOrNull(info.source_run_id) || null,
  status: statusOf(info.status),
  createdAt: timeOf(info.creation_timestamp_ms),
  updatedAt: timeOf(info.last_updated_timestamp_ms),
  params: pairs(data.params),
  tags: pairs(info.tags),
  metrics: (data.metrics ?? []).map((metric: Answer) => ({
    ...{ key: String(metric.key), ...wirePoint(metric), runId: String(metric.run_id ?? "") },
    ...(metric.dataset_name && { dataset: { name: String(metric.dataset_name), digest: String(metric.dataset_digest ?? "") } }),
  })),
});

const statusOf = (status: unknown): LoggedModelThere["model"]["status"] =>
  status === "LOGGED_MODEL_READY" ? "READY" : status === "LOGGED_MODEL_UPLOAD_FAILED" ? "UPLOAD_FAILED" : "PENDING";

const registeredOf = (found: Answer): RegisteredThere => ({
  ...{ name: String(found.name), description: textOrNull(found.description), tags: pairs(found.tags) },
  createdAt: timeOf(found.creation_timestamp),
  updatedAt: timeOf(found.last_updated_timestamp),
  aliases: (found.aliases ?? []).map((one: Answer) => ({ alias: String(one.alias), version: Number(one.version) })),
});

const versionOf = (found: Answer): VersionThere => ({
  ...{ version: Number(found.version), source: String(found.source ?? ""), stage: String(found.current_stage ?? "None") },
  ...{ runId: textOrNull(found.run_id) || null, runLink: textOrNull(found.run_link) || null },
  ...{ modelId: textOrNull(found.model_id) || null, description: textOrNull(found.description) },
  createdAt: timeOf(found.creation_timestamp),
  updatedAt: timeOf(found.last_updated_timestamp),
  tags: pairs(found.tags),
});

const pairs = (list: Answer): { key: string; value: string }[] =>
  (Array.isArray(list) ? list : []).map(({ key, value }) => ({ key: String(key), value: String(value ?? "") }));

const pointOf = ({ value, timestamp, step }: Answer): PointThere => ({
  ...{ value: Number(value), timestamp: Number(timestamp), step: Number(step ?? 0) },
});

const wirePoint = (metric: Answer) => {
  const point = pointOf(metric);
  return { ...point, value: onWire(point.value) };
};

/** JSON has no numbers for NaN and the infinities. */
export const onWire = (value: number) => (Number.isFinite(value) ? value : (String(value) as "NaN" | "Infinity" | "-Infinity"));

const timeOf = (time: unknown): number => Number(time ?? 0) || 0;
const textOrNull = (text: unknown): string | null => (text === undefined || text === null ? null : String(text));
const quoted = (text: string): string => (text.includes("'") ? `"${text}"` : `'${text}'`);
