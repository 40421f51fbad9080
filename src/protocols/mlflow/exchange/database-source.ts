/** The SQLite file of an MLflow server, which may be running: read only, and of any release from 2.0 on; tables and columns that one lacks are empty. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { filesBelow, isWithin, localPath } from "./disk-files.ts";
import { noSource } from "./problems.ts";
import { onWire, placeOf } from "./server-source.ts";
import type { Owner, RunThere, Source, Tell } from "./source.ts";

const PAGE = 100;
const ARTIFACT_FOLDERS = ["mlartifacts", "mlruns"] as const;
const MODEL_STATUSES = ["PENDING", "PENDING", "READY", "UPLOAD_FAILED"] as const;

type Row = Readonly<Record<string, string | number | null>>;

/** `artifacts`: where the server keeps them; default: `mlartifacts` or `mlruns` beside the file. Errors: `import.source`. */
export function openDatabase(given: string, artifacts: string | null, tell: Tell): Source {
  const file = resolve(given);
  const beside = dirname(file);
  const { database, tables } = opened(file);
  const root =
    artifacts !== null
      ? resolve(artifacts)
      : (ARTIFACT_FOLDERS.map((name) => join(beside, name)).find((folder) => existsSync(folder)) ?? null);

  /** In the only workspace that is read, of a table that has workspaces. */
  const WORKSPACE = "default";
  const rows = (table: string, where = "1 = 1", params: readonly (string | number)[] = [], order = "rowid"): Row[] =>
    tables.has(table)
      ? (database.prepare(`SELECT * FROM ${table} WHERE ${where} ORDER BY ${order}`).all(...params) as Row[])
      : [];
  /** By a key that no page repeats, behind `first`. */
  const paged = function* (
    table: string,
    key: string,
    where: string,
    params: readonly (string | number)[],
    first: "" | 0 = "",
  ): Generator<Row[]> {
    for (let after: string | number = first; tables.has(table); ) {
      const page = database
        .prepare(`SELECT * FROM ${table} WHERE ${where} AND ${key} > ? ORDER BY ${key} LIMIT ${PAGE}`)
        .all(...params, after) as Row[];
      if (page.length > 0) yield page;
      if (page.length < PAGE) return;
      after = page.at(-1)![key]!;
    }
  };
  const grouped = (table: string, key: string, ids: readonly (string | number)[]): Map<unknown, Row[]> =>
    Map.groupBy(rows(table, `${key} IN (${ids.map(() => "?").join(", ")})`, ids), (row) => row[key]);

  return {
    name: file,

    async *experiments() {
      const tags = Map.groupBy(rows("experiment_tags"), ({ experiment_id }) => experiment_id);
      for (const row of rows("experiments", "1 = 1", [], "experiment_id")) {
        if ((row.workspace ?? WORKSPACE) !== WORKSPACE) {
          tell({
            what: `experiment ${row.name}`,
            why: `it is of the workspace ${row.workspace}, and only ${WORKSPACE} is taken`,
            broken: false,
          });
          continue;
        }
        yield {
          ...{ id: String(row.experiment_id), name: String(row.name), deleted: row.lifecycle_stage === "deleted" },
          ...{ createdAt: Number(row.creation_time ?? 0), updatedAt: Number(row.last_update_time ?? 0) },
          tags: pairs(tags.get(row.experiment_id)),
        };
      }
    },

    async *runs(experimentId) {
      for (const page of paged("runs", "run_uuid", "experiment_id = ?", [Number(experimentId)])) yield runsOf(page);
    },

    async *histories(runs) {
      for (const { run, keys } of runs)
        for (const key of keys) {
          const found = rows("metrics", "run_uuid = ? AND key = ?", [run.id, key], "timestamp, step, value");
          yield { run: run.id, key, points: found.map(pointOf) };
        }
    },

    async *loggedModels(experimentId) {
      const where = "experiment_id = ? AND lifecycle_stage <> 'deleted'";
      for (const page of paged("logged_models", "model_id", where, [Number(experimentId)])) {
        const ids = page.map(({ model_id }) => String(model_id));
        const [params, tags, metrics] = ["logged_model_params", "logged_model_tags", "logged_model_metrics"].map((table) =>
          grouped(table, "model_id", ids),
        );
        yield page.map((row) => ({
          artifactUri: String(row.artifact_location),
          model: {
            ...{ id: String(row.model_id), name: String(row.name), modelType: textOrNull(row.model_type) },
            ...{ sourceRunId: textOrNull(row.source_run_id), status: MODEL_STATUSES[Number(row.status)] ?? ("PENDING" as const) },
            ...{ createdAt: Number(row.creation_timestamp_ms), updatedAt: Number(row.last_updated_timestamp_ms) },
            params: pairs(params!.get(row.model_id), "param_key", "param_value"),
            tags: pairs(tags!.get(row.model_id), "tag_key", "tag_value"),
            metrics: (metrics!.get(row.model_id) ?? []).map(modelMetric),
          },
        }));
      }
    },

    async *registeredModels() {
      for (const row of rows("registered_models", "1 = 1", [], "name")) {
        if ((row.workspace ?? WORKSPACE) !== WORKSPACE) continue;
        yield {
          ...{
            name: String(row.name),
            description: textOrNull(row.description),
            tags: pairs(rows("registered_model_tags", "name = ?", [row.name!])),
          },
          ...{ createdAt: Number(row.creation_time ?? 0), updatedAt: Number(row.last_updated_time ?? 0) },
          aliases: rows("registered_model_aliases", "name = ?", [row.name!]).map(({ alias, version }) => ({
            ...{ alias: String(alias), version: Number(version) },
          })),
        };
      }
    },

    async *versions({ name: model }) {
      const tags = Map.groupBy(rows("model_version_tags", "name = ?", [model]), ({ version }) => version);
      for (const page of paged("model_versions", "version", "name = ? AND current_stage <> 'Deleted_Internal'", [model], 0))
        yield page.map((row) => ({
          ...{ version: Number(row.version), source: String(row.source ?? ""), stage: String(row.current_stage ?? "None") },
          ...{ runId: textOrNull(row.run_id) || null, runLink: textOrNull(row.run_link) || null, modelId: null },
          ...{ description: textOrNull(row.description), tags: pairs(tags.get(row.version)) },
          ...{ createdAt: Number(row.creation_time ?? 0), updatedAt: Number(row.last_updated_time ?? 0) },
        }));
    },

    async *files(owner) {
      const folder = await filesFolder(owner);
      if (folder !== null) yield* filesBelow(folder, `${owner.kind} ${owner.id}`, tell);
    },

    close: () => database.close(),
  };

  function runsOf(page: readonly Row[]): RunThere[] {
    const ids = page.map(({ run_uuid }) => String(run_uuid));
    const [params, tags, latest] = ["params", "tags", "latest_metrics"].map((table) => grouped(table, "run_uuid", ids));
    const inputs = grouped("inputs", "destination_id", ids);
    const outputs = grouped("inputs", "source_id", ids);
    return page.map((row) => {
      const id = String(row.run_uuid);
      const all = inputs.get(id) ?? [];
      const run: RunThere["run"] = {
        ...{ id, name: String(row.name || id), userId: String(row.user_id ?? "") },
        status: (row.status ?? "RUNNING") as RunThere["run"]["status"],
        ...{
          startedAt: Number(row.start_time ?? 0),
          endedAt: Number(row.end_time ?? 0) || null,
          deleted: row.lifecycle_stage === "deleted",
        },
        ...(row.deleted_time && { deletedAt: Number(row.deleted_time) }),
        ...{ params: pairs(params!.get(id)), tags: pairs(tags!.get(id)) },
        datasets: all.flatMap((input) => (input.source_type === "DATASET" ? datasetsOf(input) : [])),
        modelInputs: all.flatMap((input) => (input.source_type === "MODEL_INPUT" ? [{ modelId: String(input.source_id) }] : [])),
        modelOutputs: (outputs.get(id) ?? []).flatMap((output) =>
          output.source_type === "RUN_OUTPUT" ? [{ modelId: String(output.destination_id), step: Number(output.step ?? 0) }] : [],
        ),
      };
      return { run, artifactUri: String(row.artifact_uri ?? ""), keys: (latest!.get(id) ?? []).map(({ key }) => String(key)) };
    });
  }

  function datasetsOf({ source_id, input_uuid }: Row): RunThere["run"]["datasets"][number][] {
    const tags = pairs(rows("input_tags", "input_uuid = ?", [input_uuid!]), "name");
    return rows("datasets", "dataset_uuid = ?", [source_id!]).map((row) => ({
      ...{
        name: String(row.name),
        digest: String(row.digest),
        sourceType: String(row.dataset_source_type),
        source: String(row.dataset_source),
      },
      ...(row.dataset_schema !== null && { schema: String(row.dataset_schema) }),
      ...(row.dataset_profile !== null && { profile: String(row.dataset_profile) }),
      tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    }));
  }

  async function filesFolder({ kind, id, artifactUri }: Owner): Promise<string | null> {
    const whose = `artifacts of ${kind} ${id}`;
    const proxied = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/i.exec(artifactUri)?.[1];
    const folder = proxied === undefined ? localPath(artifactUri, beside) : root && join(root, proxied);
    if (folder === null) {
      const why =
        proxied === undefined
          ? `they lie at ${placeOf(artifactUri)}, which is not followed`
          : "--artifacts names no folder in which they lie";
      tell({ what: whose, why, broken: false });
      return null;
    }
    if (!existsSync(folder)) return null; // one that has none has no folder
    if (root !== null && (await isWithin(folder, root))) return folder;
    tell({ what: whose, why: "they lie outside of the folder of artifacts, which is not followed", broken: false });
    return null;
  }
}

function opened(file: string): { readonly database: DatabaseSync; readonly tables: ReadonlySet<string> } {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(file, { readOnly: true });
    const found = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const tables = new Set(found.map(({ name }) => String(name)));
    if (tables.has("experiments") && tables.has("runs")) return { database, tables };
  } catch (thrown) {
    database?.close();
    throw noSource(file, (thrown as Error).message);
  }
  database.close();
  throw noSource(file, "the file has no tables of MLflow's");
}

const pairs = (found: readonly Row[] = [], key = "key", value = "value"): { key: string; value: string }[] =>
  found.map((row) => ({ key: String(row[key]), value: String(row[value] ?? "") }));

const modelMetric = (metric: Row) => ({
  ...{ key: String(metric.metric_name), timestamp: Number(metric.metric_timestamp_ms), step: Number(metric.metric_step) },
  ...{ value: onWire(valueIn(metric.metric_value)), runId: String(metric.run_id) },
  ...(metric.dataset_name && { dataset: { name: String(metric.dataset_name), digest: String(metric.dataset_digest ?? "") } }),
});

const pointOf = ({ value, timestamp, step, is_nan }: Row) => ({
  ...{ value: is_nan ? Number.NaN : Number(value), timestamp: Number(timestamp), step: Number(step ?? 0) },
});

const valueIn = (value: unknown): number => (value === null ? Number.NaN : Number(value));
const textOrNull = (text: unknown): string | null => (text === null || text === undefined ? null : String(text));
