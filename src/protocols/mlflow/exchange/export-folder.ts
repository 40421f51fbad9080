/** Writes what the workspace keeps into a folder of MLflow's file store; again: what changed since. Its form stands in folder-source.ts. */
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import type { BoundCall } from "../../../guard/index.ts";
import { createFolderWriter, notAFile } from "./folder-writer.ts";
import { metaText } from "./meta-text.ts";
import { type OurExperiment, type OurModel, type OurRegistered, type OurRun, type OurVersion, oursOf, rootOf } from "./ours.ts";
import { createReporter, type Kind, type Report } from "./report.ts";

export interface ExportOptions {
  readonly signal: AbortSignal;
  /** Told of each thing that is done, with its bytes. */
  step(things: number, bytes: number): void;
}

const STATUS = { RUNNING: 1, SCHEDULED: 2, FINISHED: 3, FAILED: 4, KILLED: 5 } as const;
const MODEL_STATUS = { PENDING: 1, READY: 2, UPLOAD_FAILED: 3 } as const;

export async function exportToFolder(given: string, call: BoundCall, { signal, step }: ExportOptions): Promise<Report> {
  const root = resolve(given);
  const folder = createFolderWriter(root);
  const ours = oursOf(call, signal);
  const reporter = createReporter(step);
  await folder.folder(".trash");
  for await (const experiment of ours.experiments()) {
    const at = await writeExperiment(experiment);
    for await (const run of ours.runs(experiment.id)) await writeRun(run, at);
    for await (const model of ours.loggedModels(experiment.id)) await writeModel(model, at);
  }
  await folder.folder("models");
  for await (const model of ours.registeredModels()) await writeRegistered(model);
  return reporter.report();

  async function writeExperiment({
    id,
    name,
    artifactLocation,
    createdAt,
    updatedAt,
    deletedAt,
    tags,
  }: OurExperiment): Promise<string> {
    const [at, other] = deletedAt === null ? [id, `.trash/${id}`] : [`.trash/${id}`, id];
    await folder.move(other, at);
    const location = rootOf(artifactLocation) === null ? artifactLocation : uriOf(id);
    await writeAll("experiments", `${at}/meta.yaml`, {
      meta: {
        ...{ experiment_id: id, name, artifact_location: location, creation_time: createdAt, last_update_time: updatedAt },
        lifecycle_stage: deletedAt === null ? "active" : "deleted",
      },
      keys: { [`${at}/tags`]: tags },
      what: `experiment ${name}`,
    });
    return at;
  }

  async function writeRun(run: OurRun, experiment: string): Promise<void> {
    signal.throwIfAborted();
    const at = `${experiment}/${run.id}`;
    const what = `run ${run.id}`;
    const kept = rootOf(run.artifactUri);
    for (const part of ["metrics", "params", "tags", "artifacts"]) await folder.folder(`${at}/${part}`);
    const histories: Record<string, string> = {};
    for (const { key } of run.metrics) {
      const points = await ours.history(run.id, key);
      histories[key] = points.map(({ timestamp, value, step }) => `${timestamp} ${numberText(value)} ${step}\n`).join("");
      reporter.points(points.length);
    }
    const files: Record<string, string> = {};
    for (const { name, digest, sourceType, source, schema = "", profile = "", tags } of run.datasets) {
      const id = md5(name, digest);
      files[`${experiment}/datasets/${id}/meta.yaml`] = metaText({
        name,
        digest,
        source_type: sourceType,
        source,
        schema,
        profile,
      });
      files[`${at}/inputs/${md5(id, run.id)}/meta.yaml`] = metaText({
        ...{ source_type: "DATASET", source_id: id, destination_type: "RUN", destination_id: id, tags },
      });
    }
    for (const { modelId } of run.modelInputs)
      files[`${at}/inputs/${md5(modelId, run.id)}/meta.yaml`] = metaText({
        ...{ source_type: "MODEL_INPUT", source_id: modelId, destination_type: "MODEL_INPUT", destination_id: modelId, tags: {} },
      });
    for (const { modelId, step: at_step = 0 } of run.modelOutputs)
      files[`${at}/outputs/${modelId}/meta.yaml`] = metaText({
        ...{ source_type: "RUN_OUTPUT", source_id: modelId, destination_type: "MODEL_OUTPUT", destination_id: modelId },
        ...{ tags: {}, step: at_step },
      });
    await writeAll("runs", `${at}/meta.yaml`, {
      meta: {
        ...{
          run_id: run.id,
          run_name: run.name,
          user_id: run.userId,
          experiment_id: run.experimentId,
          status: STATUS[run.status],
        },
        ...{ start_time: run.startedAt, end_time: run.endedAt, lifecycle_stage: run.deletedAt === null ? "active" : "deleted" },
        ...(run.deletedAt !== null && { deleted_time: run.deletedAt }),
        ...{ artifact_uri: kept === null ? run.artifactUri : uriOf(`${run.experimentId}/${run.id}/artifacts`), tags: [] },
        ...{ source_type: 4, source_name: "", source_version: "", entry_point_name: "" },
      },
      keys: { [`${at}/params`]: run.params, [`${at}/tags`]: run.tags, [`${at}/metrics`]: histories },
      ...{ files, what },
    });
    await writeFiles(kept, `${at}/artifacts`, what);
  }

  async function writeModel(model: OurModel, experiment: string): Promise<void> {
    const at = `${experiment}/models/${model.id}`;
    const what = `logged model ${model.id}`;
    const kept = rootOf(model.artifactUri);
    for (const part of ["metrics", "params", "tags", "artifacts"]) await folder.folder(`${at}/${part}`);
    const metrics: Record<string, string> = {};
    for (const { key, value, timestamp, step, runId, dataset } of model.metrics) {
      const measured = dataset === null ? "" : ` ${dataset.name} ${dataset.digest ?? ""}`;
      metrics[key] = `${metrics[key] ?? ""}${timestamp} ${numberText(value)} ${step} ${runId}${measured}\n`;
    }
    await writeAll("loggedModels", `${at}/meta.yaml`, {
      meta: {
        ...{ model_id: model.id, name: model.name, model_type: model.modelType, source_run_id: model.sourceRunId },
        ...{ experiment_id: model.experimentId, status: MODEL_STATUS[model.status], status_message: null },
        ...{ creation_timestamp: model.createdAt, last_updated_timestamp: model.updatedAt },
        artifact_location: kept === null ? model.artifactUri : uriOf(`${model.experimentId}/models/${model.id}/artifacts`),
      },
      keys: { [`${at}/params`]: model.params, [`${at}/tags`]: model.tags, [`${at}/metrics`]: metrics },
      what,
    });
    await writeFiles(kept, `${at}/artifacts`, what);
  }

  async function writeRegistered(model: OurRegistered): Promise<void> {
    const at = `models/${model.name}`;
    const aliases = Object.fromEntries(Object.entries(model.aliases).map(([alias, version]) => [alias, String(version)]));
    await writeAll("registeredModels", `${at}/meta.yaml`, {
      meta: {
        ...{ name: model.name, description: model.description, aliases },
        ...{ creation_timestamp: model.createdAt, last_updated_timestamp: model.updatedAt },
      },
      keys: { [`${at}/tags`]: model.tags, [`${at}/aliases`]: aliases },
      what: `model ${model.name}`,
    });
    for await (const version of ours.versions(model.name)) await writeVersion(version, at);
  }

  async function writeVersion(version: OurVersion, model: string): Promise<void> {
    const what = `version ${version.version} of model ${version.name}`;
    if (version.location === null) return reporter.left(what, "the platform made it: it is no model of MLflow's");
    const at = `${model}/version-${version.version}`;
    const place = rootOf(version.location);
    const location = place === null ? version.location : uriOf(place);
    await writeAll("versions", `${at}/meta.yaml`, {
      meta: {
        ...{ name: version.name, version: version.version, description: version.description, current_stage: version.stage },
        ...{ source: /^(runs|models):/.test(version.source) ? version.source : location, storage_location: location },
        ...{ run_id: version.runId, run_link: version.runLink, model_id: version.modelId, user_id: version.actor },
        ...{ status: "READY", status_message: null },
        ...{ creation_timestamp: version.createdAt, last_updated_timestamp: version.updatedAt },
      },
      keys: { [`${at}/tags`]: version.tags },
      what,
    });
  }

  /** `meta` last: what has one is whole. */
  async function writeAll(
    kind: Kind,
    metaPath: string,
    {
      meta,
      keys,
      files = {},
      what,
    }: {
      readonly meta: Parameters<typeof metaText>[0];
      readonly keys: Readonly<Record<string, Readonly<Record<string, string>>>>;
      readonly files?: Readonly<Record<string, string>>;
      readonly what: string;
    },
  ): Promise<void> {
    let changed = false;
    const left = (part: string) => (key: string, why: string) => reporter.left(`${part} ${key} of ${what}`, why);
    for (const [path, values] of Object.entries(keys))
      changed = (await folder.keys(path, values, left(path.slice(path.lastIndexOf("/") + 1, -1)))) || changed;
    for (const [path, text] of Object.entries(files)) changed = (await folder.text(path, text)) || changed;
    const isNew = !(await folder.has(metaPath));
    changed = (await folder.text(metaPath, metaText(meta))) || changed;
    reporter.count(kind, isNew ? "new" : changed ? "changed" : "same");
  }

  async function writeFiles(kept: string | null, at: string, what: string): Promise<void> {
    for await (const { path, sizeBytes, read } of ours.files(kept)) {
      signal.throwIfAborted();
      const written = await folder.bytes(`${at}/${path}`, sizeBytes, read).catch(notAFile);
      if (typeof written === "string") reporter.left(`${path} of ${what}`, written);
      else {
        reporter.count("files", written ? "new" : "same");
        reporter.bytes(written ? sizeBytes : 0);
      }
    }
  }

  /** As MLflow writes it, spaces as they are; without the folder of deleted experiments, as it says where files are of one that is restored. */
  function uriOf(path: string): string {
    return `file://${`${root}/${path}`.replaceAll(/[%?#]/g, encodeURIComponent)}`;
  }
}

const md5 = (...texts: string[]): string => createHash("md5").update(texts.join("")).digest("hex");

const numberText = (value: number | string): string =>
  value === "NaN" ? "nan" : value === "Infinity" ? "inf" : value === "-Infinity" ? "-inf" : String(value);
