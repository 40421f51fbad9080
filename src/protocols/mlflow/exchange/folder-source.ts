/**
 * The folder of MLflow's file store:
 *
 *     mlruns/ EXPERIMENT/ meta.yaml  tags/KEY  datasets/ID/meta.yaml
 *                         RUN/ meta.yaml  metrics/KEY  params/KEY  tags/KEY  inputs/ID/meta.yaml  outputs/MODEL/meta.yaml  artifacts/
 *                         models/MODEL/ meta.yaml  metrics/KEY  params/KEY  tags/KEY  artifacts/
 *             .trash/EXPERIMENT/
 *             models/NAME/ meta.yaml  tags/KEY  aliases/ALIAS  version-N/ meta.yaml  tags/KEY
 *
 * A key may have "/": it is a path. A line of a metric is `TIMESTAMP VALUE STEP [DATASET DIGEST]`, of a model's metric `TIMESTAMP VALUE STEP RUN [DATASET DIGEST]`.
 */
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { filesBelow, isWithin, localPath } from "./disk-files.ts";
import { parseMetaYaml, type YamlValue } from "./meta-yaml.ts";
import { onWire, placeOf } from "./server-source.ts";
import type {
  ExperimentThere,
  LoggedModelThere,
  Owner,
  PointThere,
  RegisteredThere,
  RunThere,
  Source,
  Tell,
  VersionThere,
} from "./source.ts";

const PAGE = 100;
const TRASH = ".trash";
const REGISTRY = "models";
const STATUSES = ["", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"] as const;
const MODEL_STATUSES = ["PENDING", "PENDING", "READY", "UPLOAD_FAILED"] as const;

export function openFolder(given: string, tell: Tell): Source {
  const root = resolve(given);
  const folders = new Map<string, string>();

  return {
    name: root,

    async *experiments() {
      const active = (await subfolders(root))
        .filter((name) => name !== TRASH && name !== REGISTRY)
        .map((name) => join(root, name));
      const deleted = (await subfolders(join(root, TRASH))).map((name) => join(root, TRASH, name));
      for (const folder of [...active, ...deleted]) {
        const meta = await metaOf(folder);
        if (meta === null) continue;
        const id = meta.text("experiment_id");
        folders.set(id, folder);
        yield {
          ...{ id, name: meta.text("name"), deleted: meta.text("lifecycle_stage") === "deleted" },
          ...{ createdAt: meta.time("creation_time"), updatedAt: meta.time("last_update_time") },
          tags: await textsBelow(join(folder, "tags")),
        } satisfies ExperimentThere;
      }
    },

    async *runs(experimentId) {
      const experiment = folders.get(experimentId)!;
      const names = (await subfolders(experiment)).filter((name) => !["tags", "datasets", "models", "traces"].includes(name));
      yield* inPages(names, (name) => runOf(join(experiment, name), experiment));
    },

    async *histories(runs) {
      for (const { run, keys, folder } of runs as readonly FolderRun[])
        for (const key of keys)
          yield { run: run.id, key, points: await pointsOf(join(folder, "metrics", key), `metric ${key} of run ${run.id}`) };
    },

    async *loggedModels(experimentId) {
      const folder = join(folders.get(experimentId)!, "models");
      yield* inPages(await subfolders(folder), (name) => modelOf(join(folder, name)));
    },

    async *registeredModels() {
      for (const name of await subfolders(join(root, REGISTRY))) {
        const folder = join(root, REGISTRY, name);
        const meta = await metaOf(folder);
        if (meta === null) continue;
        const aliases = (await textsBelow(join(folder, "aliases"))).map(({ key, value }) => ({
          alias: key,
          version: Number(value),
        }));
        yield {
          ...{
            name: meta.text("name"),
            description: meta.textOrNull("description"),
            tags: await textsBelow(join(folder, "tags")),
            aliases,
          },
          ...{ createdAt: meta.time("creation_timestamp"), updatedAt: meta.time("last_updated_timestamp") },
        } satisfies RegisteredThere;
      }
    },

    async *versions({ name: model }) {
      const folder = join(root, REGISTRY, model);
      const names = (await subfolders(folder)).filter((name) => /^version-\d+$/.test(name));
      names.sort((one, other) => Number(one.slice(8)) - Number(other.slice(8)));
      yield* inPages(names, (name) => versionOf(join(folder, name)));
    },

    async *files(owner) {
      const folder = await filesFolder(owner);
      if (folder !== null) yield* filesBelow(folder, `${owner.kind} ${owner.id}`, tell);
    },

    close: () => undefined,
  };

  async function runOf(folder: string, experiment: string): Promise<FolderRun | null> {
    const meta = await metaOf(folder);
    if (meta === null) return null;
    const status = meta.get("status");
    const [params, tags, keys] = await Promise.all([
      textsBelow(join(folder, "params")),
      textsBelow(join(folder, "tags")),
      filesIn(join(folder, "metrics")),
    ]);
    const id = meta.text("run_id") || meta.text("run_uuid");
    const run: RunThere["run"] = {
      ...{ id, userId: meta.text("user_id"), params, tags },
      status: (typeof status === "number" ? STATUSES[status] : STATUSES.find((one) => one === status)) || "RUNNING",
      name: meta.text("run_name") || (tags.find(({ key }) => key === "mlflow.runName")?.value ?? id),
      startedAt: meta.time("start_time"),
      endedAt: meta.time("end_time") || null,
      deleted: meta.text("lifecycle_stage") === "deleted",
      ...(meta.time("deleted_time") > 0 && { deletedAt: meta.time("deleted_time") }),
      ...(await inputsOf(folder, experiment)),
      modelOutputs: await linksOf(join(folder, "outputs")),
    };
    return { run, folder, keys, artifactUri: meta.text("artifact_uri") };
  }

  async function inputsOf(folder: string, experiment: string): Promise<Pick<RunThere["run"], "datasets" | "modelInputs">> {
    const datasets: RunThere["run"]["datasets"][number][] = [];
    const modelInputs: Link[] = [];
    for (const name of await subfolders(join(folder, "inputs"))) {
      const input = await metaOf(join(folder, "inputs", name));
      if (input === null) continue;
      if (input.text("source_type") === "MODEL_INPUT") modelInputs.push({ modelId: input.text("source_id") });
      if (input.text("source_type") !== "DATASET") continue;
      const found = await metaOf(join(experiment, "datasets", input.text("source_id")));
      if (found === null) continue;
      const [schema, profile] = [found.textOrNull("schema"), found.textOrNull("profile")];
      datasets.push({
        ...{
          name: found.text("name"),
          digest: found.text("digest"),
          sourceType: found.text("source_type"),
          source: found.text("source"),
        },
        ...(schema !== null && { schema }),
        ...(profile !== null && { profile }),
        tags: input.texts("tags"),
      });
    }
    return { datasets, modelInputs };
  }

  async function linksOf(folder: string): Promise<Link[]> {
    const links: Link[] = [];
    for (const name of await subfolders(folder)) {
      const meta = await metaOf(join(folder, name));
      if (meta) links.push({ modelId: meta.text("destination_id") || name, step: Number(meta.get("step") ?? 0) });
    }
    return links;
  }

  async function modelOf(folder: string): Promise<LoggedModelThere | null> {
    const meta = await metaOf(folder);
    if (meta === null || meta.text("lifecycle_stage") === "deleted") return null;
    const metrics: LoggedModelThere["model"]["metrics"][number][] = [];
    for (const key of await filesIn(join(folder, "metrics")))
      for (const [timestamp, value, step, runId = "", name, digest = ""] of await linesOf(
        join(folder, "metrics", key),
        `metric ${key} of logged model ${meta.text("model_id")}`,
      ))
        metrics.push({
          ...{ key, timestamp: Number(timestamp), value: onWire(numberOf(value!)), step: Number(step ?? 0), runId },
          ...(name !== undefined && { dataset: { name, digest } }),
        });
    const model: LoggedModelThere["model"] = {
      ...{ id: meta.text("model_id"), name: meta.text("name"), modelType: meta.textOrNull("model_type") },
      ...{ sourceRunId: meta.textOrNull("source_run_id"), status: MODEL_STATUSES[Number(meta.get("status"))] ?? "PENDING" },
      ...{ createdAt: meta.time("creation_timestamp"), updatedAt: meta.time("last_updated_timestamp"), metrics },
      params: await textsBelow(join(folder, "params")),
      tags: await textsBelow(join(folder, "tags")),
    };
    return { model, artifactUri: meta.text("artifact_location") };
  }

  async function versionOf(folder: string): Promise<VersionThere | null> {
    const meta = await metaOf(folder);
    if (meta === null || meta.text("current_stage") === "Deleted_Internal") return null;
    return {
      ...{ version: Number(meta.get("version")), source: meta.text("source"), stage: meta.text("current_stage") || "None" },
      ...{ runId: meta.textOrNull("run_id"), runLink: meta.textOrNull("run_link"), modelId: meta.textOrNull("model_id") },
      ...{ description: meta.textOrNull("description"), tags: await textsBelow(join(folder, "tags")) },
      ...{ createdAt: meta.time("creation_timestamp"), updatedAt: meta.time("last_updated_timestamp") },
    };
  }

  /** Beside its meta.yaml, wherever the folder was moved to; else where it says, if that is below. */
  async function filesFolder({ kind, id, experimentId, artifactUri }: Owner): Promise<string | null> {
    const whose = `artifacts of ${kind} ${id}`;
    const said = localPath(artifactUri, root);
    if (said === null && !/^mlflow-artifacts:/i.test(artifactUri)) {
      tell({ what: whose, why: `they lie at ${placeOf(artifactUri)}, which is not followed`, broken: false });
      return null;
    }
    const own = join(folders.get(experimentId)!, ...(kind === "run" ? [id] : ["models", id]), "artifacts");
    if ((await readdir(own).catch(() => [])).length > 0 || said === null) return (await isWithin(own, root)) ? own : null;
    if (await isWithin(said, root)) return said;
    if ((await readdir(own).catch(() => null)) === null)
      tell({ what: whose, why: "they lie outside of the folder, which is not followed", broken: false });
    return null;
  }

  async function pointsOf(file: string, whose: string): Promise<PointThere[]> {
    return (await linesOf(file, whose)).map(([timestamp, value, step]) => ({
      ...{ timestamp: Number(timestamp), value: numberOf(value!), step: Number(step ?? 0) },
    }));
  }

  /** The words of the lines that are points; others are told. */
  async function linesOf(file: string, whose: string): Promise<string[][]> {
    const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line.trim() !== "");
    const points = lines.map((line) => line.trim().split(" "));
    const good = points.filter(
      ([timestamp, value, step = "0"]) => /^\d+$/.test(timestamp!) && isNumber(value) && /^-?\d+$/.test(step),
    );
    if (good.length < points.length)
      tell({ what: whose, why: `${points.length - good.length} of its ${points.length} lines are no points`, broken: true });
    return good;
  }

  /** Null: it is told, or is none. */
  async function metaOf(folder: string): Promise<Meta | null> {
    const file = join(folder, "meta.yaml");
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => error);
    const broken = (why: string) => tell({ what: file.slice(root.length + 1), why, broken: true });
    if (typeof text !== "string") {
      if (text.code !== "ENOENT" || (await readdir(folder)).length > 0)
        broken(text.code === "ENOENT" ? "it is missing" : String(text.code));
      return null;
    }
    try {
      return metaFields(parseMetaYaml(text));
    } catch (thrown) {
      if (!(thrown instanceof SyntaxError)) throw thrown;
      broken(`it cannot be read: ${thrown.message}`);
      return null;
    }
  }
}

type Link = RunThere["run"]["modelOutputs"][number];

interface FolderRun extends RunThere {
  readonly folder: string;
}

async function* inPages<T extends object>(
  names: readonly string[],
  read: (name: string) => Promise<T | null>,
): AsyncGenerator<T[]> {
  for (let at = 0; at < names.length; at += PAGE) {
    const page: T[] = [];
    for (const name of names.slice(at, at + PAGE)) {
      const one = await read(name);
      if (one !== null) page.push(one);
    }
    if (page.length > 0) yield page;
  }
}

interface Meta {
  get(key: string): YamlValue | undefined;
  text(key: string): string;
  textOrNull(key: string): string | null;
  texts(key: string): Record<string, string>;
  time(key: string): number;
}

function metaFields(fields: Map<string, YamlValue>): Meta {
  const textOrNull = (key: string) => {
    const value = fields.get(key) ?? null;
    return value === null || typeof value === "object" ? null : String(value);
  };
  return {
    get: (key) => fields.get(key),
    textOrNull,
    text: (key) => textOrNull(key) ?? "",
    texts: (key) => Object.fromEntries(Object.entries(fields.get(key) ?? {}).map(([name, value]) => [name, String(value)])),
    time: (key) => Number(fields.get(key) ?? 0) || 0,
  };
}

const subfolders = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true }).catch(() => []))
    .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    .sort();

/** Paths of the plain files below a folder. */
async function filesIn(folder: string, prefix = ""): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) =>
      entry.isDirectory()
        ? filesIn(join(folder, entry.name), `${prefix}${entry.name}/`)
        : entry.isFile()
          ? [prefix + entry.name]
          : [],
    ),
  );
  return found.flat().sort();
}

const textsBelow = async (folder: string): Promise<{ key: string; value: string }[]> =>
  Promise.all((await filesIn(folder)).map(async (key) => ({ key, value: await readFile(join(folder, key), "utf8") })));

const isNumber = (text: string | undefined): boolean =>
  text !== undefined && (/^[-+]?(inf|infinity|nan)$/i.test(text) || (text !== "" && Number.isFinite(Number(text))));

const numberOf = (text: string): number => {
  if (/nan$/i.test(text)) return Number.NaN;
  if (/inf(inity)?$/i.test(text)) return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
};
