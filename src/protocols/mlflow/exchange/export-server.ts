/**
 * Logs what the workspace keeps to a running MLflow server, which gives ids of its own: tags say which thing here each is, so that exporting again updates it.
 *
 *     mill.run_id, mill.model_id, mill.version   what it is here
 *     mill.points                                which points of a run it has
 *
 * What was imported from that server keeps its ids here, and is found by them.
 */
import { createHash } from "node:crypto";
import type { BoundCall } from "../../../guard/index.ts";
import type { ExportOptions } from "./export-folder.ts";
import { exportRegistered } from "./export-registered.ts";
import { historyDigest } from "./history.ts";
import { type OurExperiment, type OurModel, type OurRun, type Ours, oursOf, rootOf } from "./ours.ts";
import { sourceAway } from "./problems.ts";
import { createReporter, type Report, type Reporter } from "./report.ts";
import { type Answer, createRestClient, type RestClient, type RestClientOptions } from "./rest-client.ts";
import { openServer } from "./server-source.ts";
import type { Owner, RunThere, Source } from "./source.ts";

const RUN_ID = "mill.run_id";
const MODEL_ID = "mill.model_id";
const POINTS = "mill.points";
const RUN_NAME = "mlflow.runName";
const BATCH = { metrics: 1000, params: 100, tags: 100 } as const;

/** What every part of an export is given. */
export interface Export {
  readonly ours: Ours;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Theirs by ours. */
  readonly runs: Map<string, string>;
  readonly models: Map<string, string>;
  tell(method: "GET" | "POST" | "PATCH", path: string, fields: object): Promise<Answer>;
  ask: RestClient["ask"];
}

interface ServerExport extends Export {
  readonly client: RestClient;
  readonly there: Source;
}

/** Errors: `import.source-away`, and those of the verbs. */
export async function exportToServer(
  options: Omit<RestClientOptions, "signal">,
  call: BoundCall,
  { signal, step }: ExportOptions,
): Promise<Report> {
  const client = createRestClient({ ...options, signal });
  const reporter = createReporter(step);
  const there = openServer({ ...options, signal }, ({ what, why, broken }) => reporter.left(what, why, broken));
  const all: ServerExport = {
    ...{ client, there, reporter, signal, ours: oursOf(call, signal), runs: new Map(), models: new Map(), ask: client.ask },
    async tell(method, path, fields) {
      const answer = await client.ask(method, path, { ...fields });
      if (answer === null) throw sourceAway(client.name, `there is no ${path}`);
      return answer;
    },
  };
  for await (const experiment of all.ours.experiments()) {
    const id = await experimentThere(all, experiment);
    if (id === null) continue;
    await writeRuns(all, experiment, id);
    await writeModels(all, experiment, id);
    if (experiment.deletedAt !== null) await all.tell("POST", "experiments/delete", { experiment_id: id });
  }
  await exportRegistered(all);
  return reporter.report();
}

/** Null: it cannot be written to. */
async function experimentThere({ client, tell, reporter }: ServerExport, ours: OurExperiment): Promise<string | null> {
  const known = await client.ask("GET", "experiments/get-by-name", { experiment_name: ours.name });
  const found = known?.experiment;
  const differing = Object.entries(ours.tags).filter(
    ([key, value]) => !(found?.tags ?? []).some((tag: Answer) => tag.key === key && tag.value === value),
  );
  if (!found) {
    const tags = differing.map(([key, value]) => ({ key, value }));
    const { experiment_id: id } = await tell("POST", "experiments/create", { name: ours.name, tags });
    reporter.count("experiments", "new");
    return id;
  }
  const id = String(found.experiment_id);
  if (found.lifecycle_stage === "deleted") {
    if (ours.deletedAt !== null) {
      reporter.count("experiments", "same");
      return null;
    }
    await tell("POST", "experiments/restore", { experiment_id: id });
  }
  for (const [key, value] of differing) await tell("POST", "experiments/set-experiment-tag", { experiment_id: id, key, value });
  reporter.count(
    "experiments",
    differing.length > 0 || (found.lifecycle_stage === "deleted") !== (ours.deletedAt !== null) ? "changed" : "same",
  );
  return id;
}

async function writeRuns(all: ServerExport, experiment: OurExperiment, id: string): Promise<void> {
  const known = new Map<string, RunThere>();
  for await (const page of all.there.runs(id))
    for (const one of page) known.set(one.run.tags.find(({ key }) => key === RUN_ID)?.value ?? one.run.id, one);
  for await (const run of all.ours.runs(experiment.id)) {
    all.signal.throwIfAborted();
    all.reporter.count("runs", await writeRun(all, run, known.get(run.id), id));
  }
}

async function writeRun(all: ServerExport, ours: OurRun, known: RunThere | undefined, experiment: string) {
  const { tell } = all;
  if (known) all.runs.set(ours.id, known.run.id);
  if (known?.run.deleted && ours.deletedAt !== null) return "same";
  if (known?.run.deleted) await tell("POST", "runs/restore", { run_id: known.run.id });
  const there = known ?? (await created(all, ours, experiment));
  const id = there.run.id;
  all.runs.set(ours.id, id);
  let changes = 0;
  const differing = (mine: Readonly<Record<string, string>>, theirs: RunThere["run"]["tags"]) => {
    const has = new Map(theirs.map(({ key, value }) => [key, value]));
    return Object.entries(mine).flatMap(([key, value]) => (has.get(key) === value ? [] : [{ key, value }]));
  };
  const newParams = differing(ours.params, there.run.params).filter(({ key }) => {
    const isNew = !there.run.params.some((param) => param.key === key);
    if (!isNew) all.reporter.left(`param ${key} of run ${ours.id}`, "it has another value there, and parameters do not change");
    return isNew;
  });
  const { [RUN_NAME]: _name, [RUN_ID]: _id, [POINTS]: _points, ...tags } = ours.tags;
  const newTags = differing(tags, there.run.tags);
  for (const params of parts(newParams, BATCH.params)) await tell("POST", "runs/log-batch", { run_id: id, params });
  for (const some of parts(newTags, BATCH.tags)) await tell("POST", "runs/log-batch", { run_id: id, tags: some });
  changes += newParams.length + newTags.length + (await writePoints(all, ours, there));
  const datasets = ours.datasets.filter(
    (one) => !there.run.datasets.some(({ name, digest }) => name === one.name && digest === one.digest),
  );
  if (datasets.length > 0)
    await tell("POST", "runs/log-inputs", {
      run_id: id,
      datasets: datasets.map(({ tags, sourceType, ...dataset }) => ({
        tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
        dataset: { ...dataset, source_type: sourceType },
      })),
    });
  const { name, status, startedAt, endedAt } = there.run;
  const isSame = name === ours.name && status === ours.status && (endedAt === ours.endedAt || ours.endedAt === null);
  if (!isSame)
    await tell("POST", "runs/update", {
      ...{ run_id: id, run_name: ours.name, status: ours.status },
      ...(ours.endedAt !== null && { end_time: ours.endedAt }),
    });
  if (startedAt !== ours.startedAt) all.reporter.left(`start of run ${ours.id}`, "it is another one there, and does not change");
  changes += datasets.length + (isSame ? 0 : 1) + (known?.run.deleted ? 1 : 0);
  changes += await writeFiles(
    all,
    { kind: "run", id, experimentId: experiment, artifactUri: there.artifactUri },
    ours.artifactUri,
  );
  if (ours.deletedAt !== null) await tell("POST", "runs/delete", { run_id: id });
  return known ? (changes > 0 || ours.deletedAt !== null ? "changed" : "same") : "new";
}

async function created({ tell }: ServerExport, ours: OurRun, experiment: string): Promise<RunThere> {
  const { run } = await tell("POST", "runs/create", {
    ...{ experiment_id: experiment, start_time: ours.startedAt, run_name: ours.name, user_id: ours.userId },
    tags: [{ key: RUN_ID, value: ours.id }],
  });
  const none = { params: [], tags: [], datasets: [], modelInputs: [], modelOutputs: [] };
  return {
    ...{ artifactUri: String(run.info.artifact_uri), keys: [] },
    run: {
      ...{
        id: String(run.info.run_id),
        name: ours.name,
        userId: ours.userId,
        status: "RUNNING",
        endedAt: null,
        deleted: false,
        ...none,
      },
      startedAt: ours.startedAt,
    },
  };
}

/** Of a run that has no tag of ours, or another one, what is there is compared; a point that is there already stays one. */
async function writePoints({ ours, there: server, tell, reporter }: ServerExport, run: OurRun, there: RunThere): Promise<number> {
  if (run.metrics.length === 0) return 0;
  const histories = [];
  for (const { key } of run.metrics) {
    const points = (await ours.history(run.id, key)).map((point) => ({ ...point, value: Number(point.value) }));
    histories.push({ key, points, digest: historyDigest(points) });
  }
  const digests = JSON.stringify(histories.map(({ key, digest }) => [key, digest]).sort());
  const digest = createHash("sha256").update(digests).digest("base64url").slice(0, 22);
  if (there.run.tags.some(({ key, value }) => key === POINTS && value === digest)) return 0;
  const known = new Map<string, string>();
  for await (const { key, points } of server.histories([there])) known.set(key, historyDigest(points));
  const metrics = histories
    .filter((one) => known.get(one.key) !== one.digest)
    .flatMap(({ key, points }) =>
      points.map(({ value, ...point }) => ({ key, ...point, value: Number.isFinite(value) ? value : String(value) })),
    );
  if (metrics.length === 0) return 0;
  for (const some of parts(metrics, BATCH.metrics)) await tell("POST", "runs/log-batch", { run_id: there.run.id, metrics: some });
  await tell("POST", "runs/log-batch", { run_id: there.run.id, tags: [{ key: POINTS, value: digest }] });
  reporter.points(metrics.length);
  return metrics.length;
}

async function writeModels(all: ServerExport, experiment: OurExperiment, id: string): Promise<void> {
  const { ours, there, tell, reporter } = all;
  const known = new Map<string, Awaited<ReturnType<typeof asThere>>>();
  for await (const page of there.loggedModels(id))
    for (const one of page) known.set(one.model.tags.find(({ key }) => key === MODEL_ID)?.value ?? one.model.id, asThere(one));
  for await (const model of ours.loggedModels(experiment.id)) {
    const found = known.get(model.id) ?? (await createdModel(all, model, id));
    if (found === null)
      return reporter.left(`logged models of experiment ${experiment.name}`, "the server is of a release that knows none");
    all.models.set(model.id, found.id);
    const owner = { kind: "logged model", id: found.id, experimentId: id, artifactUri: found.artifactUri } as const;
    let changes = await writeFiles(all, owner, model.artifactUri);
    const tags = Object.entries(model.tags).filter(
      ([key, value]) => found.tags.get(key) !== value && key !== VERSIONS_OF && key !== MODEL_ID,
    );
    if (tags.length > 0)
      await tell("PATCH", `logged-models/${found.id}/tags`, { tags: tags.map(([key, value]) => ({ key, value })) });
    if (found.status !== model.status && model.status !== "PENDING")
      await tell("PATCH", `logged-models/${found.id}`, { model_id: found.id, status: `LOGGED_MODEL_${model.status}` });
    changes += tags.length + (found.status === model.status ? 0 : 1);
    reporter.count("loggedModels", known.has(model.id) ? (changes > 0 ? "changed" : "same") : "new");
    const run = model.sourceRunId === null ? undefined : all.runs.get(model.sourceRunId);
    if (run !== undefined && !known.has(model.id))
      await tell("POST", "runs/outputs", { run_id: run, models: [{ model_id: found.id, step: 0 }] });
  }
}

/** What the server itself writes into a model's tags. */
const VERSIONS_OF = "mlflow.modelVersions";

const asThere = ({
  model,
  artifactUri,
}: {
  readonly model: { readonly id: string; readonly status: string; readonly tags: readonly { key: string; value: string }[] };
  readonly artifactUri: string;
}) => ({
  ...{ id: model.id, status: model.status, artifactUri },
  tags: new Map(model.tags.map(({ key, value }) => [key, value])),
});

async function createdModel({ ask, tell, runs }: ServerExport, model: OurModel, experiment: string) {
  const source = model.sourceRunId === null ? undefined : runs.get(model.sourceRunId);
  const answer = await ask("POST", "logged-models", {
    ...{ experiment_id: experiment, name: model.name, model_type: model.modelType ?? undefined, source_run_id: source },
    params: Object.entries(model.params).map(([key, value]) => ({ key, value })),
    tags: [{ key: MODEL_ID, value: model.id }],
  });
  if (answer === null) return null;
  const { model_id: id, artifact_uri: artifactUri } = answer.model.info;
  for (const [runId, metrics] of Map.groupBy(model.metrics, (metric) => runs.get(metric.runId))) {
    if (runId === undefined) continue;
    const measured = metrics.map(({ key, value, timestamp, step, dataset }) => ({
      ...{ key, value, timestamp, step, model_id: id },
      ...(dataset !== null && { dataset_name: dataset.name, dataset_digest: dataset.digest }),
    }));
    for (const some of parts(measured, BATCH.metrics)) await tell("POST", "runs/log-batch", { run_id: runId, metrics: some });
  }
  return { id: String(id), status: "PENDING", artifactUri: String(artifactUri), tags: new Map<string, string>() };
}

/** How many were sent: those that are not there, or not as long. */
async function writeFiles(
  { ours, there, client, reporter, signal }: ServerExport,
  owner: Owner,
  ourUri: string,
): Promise<number> {
  const [from, to] = [rootOf(ourUri), rootOf(owner.artifactUri)];
  const known = new Map<string, number>();
  let sent = 0;
  for await (const { path, sizeBytes, read } of ours.files(from)) {
    signal.throwIfAborted();
    if (to === null) {
      reporter.left(`${path} of ${owner.kind} ${owner.id}`, "the server does not keep its artifacts itself");
      continue;
    }
    if (sent === 0 && known.size === 0) for await (const file of there.files(owner)) known.set(file.path, file.sizeBytes);
    const isThere = known.get(path) === sizeBytes;
    const target = `${to}/${path}`.split("/").map(encodeURIComponent).join("/");
    if (!isThere) await client.put(`/api/2.0/mlflow-artifacts/artifacts/${target}`, read());
    reporter.count("files", isThere ? "same" : "new");
    if (isThere) continue;
    reporter.bytes(sizeBytes);
    sent++;
  }
  return sent;
}

function* parts<T>(items: readonly T[], max: number): Generator<T[]> {
  for (let at = 0; at < items.length; at += max) yield items.slice(at, at + max);
}
