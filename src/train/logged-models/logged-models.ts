/**
 * Models that runs log: a row each, with parameters and tags; their files are artifacts below `EXPERIMENT/models/ID/artifacts`, their metrics are those that
 * runs logged with the model's id.
 */
import { randomUUID } from "node:crypto";
import { MillError } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import type { ModelMetric, Page, Tags, Tracking } from "../tracking/index.ts";
import { type LoggedModelSearch, searchModels } from "./search.ts";

export type LoggedModelStatus = "PENDING" | "READY" | "UPLOAD_FAILED";

export interface LoggedModel {
  /** `m-` and 32 hexadecimal digits. */
  readonly id: string;
  readonly experimentId: string;
  readonly name: string;
  readonly modelType: string | null;
  readonly sourceRunId: string | null;
  readonly status: LoggedModelStatus;
  /** Where its files lie, as in `mlflow-artifacts:/1/models/m-4f2c/artifacts`. */
  readonly artifactUri: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Null while it is there. */
  readonly deletedAt: number | null;
  readonly params: Tags;
  readonly tags: Tags;
  /** The latest of each key and data set. */
  readonly metrics: readonly ModelMetric[];
}

export interface NewLoggedModel {
  readonly experimentId: string;
  /** Default: as its id. */
  readonly name?: string | undefined;
  readonly modelType?: string | undefined;
  readonly sourceRunId?: string | undefined;
  readonly params?: Tags | undefined;
  readonly tags?: Tags | undefined;
}

export interface Description {
  readonly tags?: Tags | undefined;
  readonly withoutTags?: readonly string[] | undefined;
  readonly params?: Tags | undefined;
}

/** What resolves is on disk. Every method but `create` and `search`: `logged-model.unknown`, also for one that was deleted. */
export interface LoggedModels {
  /** One that is pending. Errors: `logged-model.name`, `tracking.unknown-experiment`, `tracking.not-active`. */
  create(model: NewLoggedModel): Promise<LoggedModel>;
  find(id: string, options?: { readonly deleted?: boolean | undefined }): Promise<LoggedModel>;
  finish(id: string, status: LoggedModelStatus): Promise<LoggedModel>;
  /** Its artifacts stay until they are removed. */
  delete(id: string): Promise<void>;
  /** All of it or nothing. Errors: `logged-model.param-changed`, `logged-model.unknown-tag`. */
  describe(id: string, description: Description): Promise<LoggedModel>;
  /** Those made last first. Errors: `tracking.filter`, `tracking.order`, `tracking.page`. */
  search(search: LoggedModelSearch): Promise<Page<LoggedModel>>;
  /** What was deleted before a time, and all of these experiments. */
  deletedBefore(
    at: number,
    experimentIds: readonly string[],
  ): Promise<Pick<LoggedModel, "id" | "experimentId" | "artifactUri">[]>;
  /** Takes them away for good, with parameters, tags and measures. */
  purge(ids: readonly string[]): Promise<void>;
}

export interface LoggedModelsResources {
  readonly records: Records;
  readonly tracking: Pick<Tracking, "experiment" | "modelMetrics">;
  readonly now?: () => number;
}

/** As many ids as one statement takes. */
const IDS_MAX = 500;

export function createLoggedModels({ records, tracking, now = Date.now }: LoggedModelsResources): LoggedModels {
  return {
    async create({ experimentId, name, modelType, sourceRunId, params = {}, tags = {} }) {
      const experiment = await tracking.experiment(experimentId);
      if (experiment.deletedAt !== null) throw inactive(experimentId);
      const id = `m-${randomUUID().replaceAll("-", "")}`;
      const at = now();
      await records.commit([
        {
          sql: `INSERT INTO logged_models (id, experiment_id, name, model_type, source_run_id, status, artifact_uri, created_at, updated_at)
            VALUES (?, ?, ?, ?, ?, 'PENDING', ?, ?, ?)`,
          params: [
            ...[id, experimentId, checkedName(name ?? id), modelType ?? null, sourceRunId ?? null],
            ...[`${experiment.artifactLocation}/models/${id}/artifacts`, at, at],
          ],
        },
        ...paramStatements(id, params),
        ...tagStatements(id, tags),
      ]);
      return known(id);
    },

    find: (id, { deleted = false } = {}) => known(id, deleted),

    async finish(id, status) {
      await change(id, [
        { sql: "UPDATE logged_models SET status = ?, updated_at = ? WHERE id = ?", params: [status, now(), id] },
      ]);
      return known(id);
    },

    async delete(id) {
      const at = now();
      await change(id, [{ sql: "UPDATE logged_models SET deleted_at = ?, updated_at = ? WHERE id = ?", params: [at, at, id] }]);
    },

    async describe(id, { tags = {}, withoutTags = [], params = {} }) {
      const model = await known(id);
      const changed = Object.entries(params).find(
        ([key, value]) => Object.hasOwn(model.params, key) && model.params[key] !== value,
      );
      if (changed) throw paramChanged(id, changed, model.params[changed[0]]!);
      const absent = withoutTags.find((key) => !Object.hasOwn(model.tags, key));
      if (absent !== undefined) throw unknownTag(id, absent);
      await change(id, [
        ...paramStatements(id, params),
        ...withoutTags.map((key) => ({ sql: "DELETE FROM logged_model_tags WHERE model_id = ? AND key = ?", params: [id, key] })),
        ...tagStatements(id, tags),
        { sql: "UPDATE logged_models SET updated_at = ? WHERE id = ?", params: [now(), id] },
      ]);
      return known(id);
    },

    async search(search) {
      const experiments = [...new Set(search.experimentIds)];
      if (experiments.length === 0) return { items: [], nextPageToken: null };
      return searchModels(
        await read(`m.experiment_id IN (${experiments.map(() => "?").join(", ")}) AND m.deleted_at IS NULL`, experiments),
        search,
      );
    },

    async deletedBefore(at, experimentIds) {
      const rows = await records.query<{ id: string; experimentId: string; artifactUri: string; deletedAt: number | null }>(
        `SELECT id, experiment_id AS "experimentId", artifact_uri AS "artifactUri", deleted_at AS "deletedAt" FROM logged_models ORDER BY id`,
      );
      const whole = new Set(experimentIds);
      return rows
        .filter(({ deletedAt, experimentId }) => (deletedAt !== null && deletedAt < at) || whole.has(experimentId))
        .map(({ deletedAt: _, ...model }) => model);
    },

    async purge(ids) {
      for (let at = 0; at < ids.length; at += IDS_MAX) {
        const some = ids.slice(at, at + IDS_MAX);
        const places = some.map(() => "?").join(", ");
        await records.commit([
          ...["logged_model_params", "logged_model_tags", "tracking_model_metrics"].map((table) => ({
            sql: `DELETE FROM ${table} WHERE model_id IN (${places})`,
            params: some,
          })),
          { sql: `DELETE FROM logged_models WHERE id IN (${places})`, params: some },
        ]);
      }
    },
  };

  /** Changes one that is not deleted. */
  async function change(id: string, statements: readonly Statement[]): Promise<void> {
    const isThere = {
      sql: "UPDATE logged_models SET deleted_at = NULL WHERE id = ? AND deleted_at IS NULL",
      params: [id],
      rows: 1,
    };
    if (!(await records.commit([isThere, ...statements])).committed) throw unknownModel(id);
  }

  async function known(id: string, deleted = false): Promise<LoggedModel> {
    const [found] = await read("m.id = ?", [id]);
    if (found && (deleted || found.deletedAt === null)) return found;
    throw unknownModel(id);
  }

  async function read(where: string, given: readonly string[]): Promise<LoggedModel[]> {
    const pairs = (table: string) =>
      records.query<Pair>(
        `SELECT p.model_id, p.key, p.value FROM ${table} p JOIN logged_models m ON m.id = p.model_id WHERE ${where} ORDER BY p.key`,
        given,
      );
    const [rows, params, tags] = await Promise.all([
      records.query<ModelRow>(`SELECT m.* FROM logged_models m WHERE ${where}`, given),
      pairs("logged_model_params"),
      pairs("logged_model_tags"),
    ]);
    const [paramsOf, tagsOf] = [byModel(params), byModel(tags)];
    const metrics: ModelMetric[] = [];
    for (let at = 0; at < rows.length; at += IDS_MAX)
      metrics.push(...(await tracking.modelMetrics(rows.slice(at, at + IDS_MAX).map(({ id }) => id))));
    const metricsOf = Map.groupBy(metrics, ({ modelId }) => modelId);
    const texts = (of: Map<string, Pair[]>, id: string): Tags =>
      Object.fromEntries((of.get(id) ?? []).map(({ key, value }) => [key, value]));
    return rows.map((row) => ({
      ...{ id: row.id, name: row.name, status: row.status },
      experimentId: row.experiment_id,
      modelType: row.model_type,
      sourceRunId: row.source_run_id,
      artifactUri: row.artifact_uri,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      deletedAt: row.deleted_at,
      params: texts(paramsOf, row.id),
      tags: texts(tagsOf, row.id),
      metrics: metricsOf.get(row.id) ?? [],
    }));
  }
}

interface Pair {
  readonly model_id: string;
  readonly key: string;
  readonly value: string;
}

const byModel = (rows: readonly Pair[]): Map<string, Pair[]> => Map.groupBy(rows, ({ model_id }) => model_id);

/** The second one fails where somebody else was faster with another value. */
const paramStatements = (id: string, params: Tags): Statement[] =>
  Object.entries(params).flatMap(([key, value]) => [
    {
      sql: "INSERT INTO logged_model_params (model_id, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      params: [id, key, value],
    },
    {
      sql: "UPDATE logged_model_params SET value = value WHERE model_id = ? AND key = ? AND value = ?",
      params: [id, key, value],
      rows: 1,
    },
  ]);

const tagStatements = (id: string, tags: Tags): Statement[] =>
  Object.entries(tags).map(([key, value]) => ({
    sql: "INSERT INTO logged_model_tags (model_id, key, value) VALUES (?, ?, ?) ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value",
    params: [id, key, value],
  }));

/** What stands in `models:/NAME` and in paths. */
function checkedName(name: string): string {
  if (name !== "" && !/[/:.%"']/.test(name)) return name;
  throw new MillError(
    "logged-model.name",
    `Invalid model name ('${name.slice(0, 100)}') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`,
    { at: "name", got: name.slice(0, 100), fix: "Choose another name." },
  );
}

const unknownModel = (id: string) =>
  new MillError("logged-model.unknown", `Logged model with ID '${id.slice(0, 100)}' not found.`, {
    got: id.slice(0, 100),
    fix: "Search the logged models of the experiment.",
  });

const unknownTag = (id: string, key: string) =>
  new MillError("logged-model.unknown-tag", `No tag with key '${key}' found for model with ID '${id}'.`, { at: key, got: key });

const paramChanged = (id: string, [key, value]: readonly [string, string], before: string) =>
  new MillError("logged-model.param-changed", `The parameter '${key}' of the model ${id} is '${before}' and never changes.`, {
    at: key,
    expected: before,
    got: value.slice(0, 100),
    fix: "Log another model.",
  });

const inactive = (experimentId: string) =>
  new MillError(
    "tracking.not-active",
    `The experiment ${experimentId} must be in the 'active' state. Current state is deleted.`,
    {
      at: "experiment_id",
      fix: "Restore it, or log to another one.",
    },
  );

interface ModelRow {
  readonly id: string;
  readonly experiment_id: string;
  readonly name: string;
  readonly model_type: string | null;
  readonly source_run_id: string | null;
  readonly status: LoggedModelStatus;
  readonly artifact_uri: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly deleted_at: number | null;
}
