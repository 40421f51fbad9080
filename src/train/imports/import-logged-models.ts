/** Logged models, with all but their files; an id is drawn by lot, so that one of the same id is the same. */
import type { Records, Statement } from "../../ports/records/index.ts";
import type { LoggedModel, LoggedModels } from "../logged-models/logged-models.ts";
import { type KeyValue, modelMetricStatements, refusalOf, type Tracking } from "../tracking/index.ts";
import { type Entries, entryStatement, NOTHING_KNOWN } from "./entries.ts";
import { rootOf } from "./import-runs.ts";
import type { Left, LoggedModelThere, TakenWithFiles } from "./imports.ts";
import { mergeFields } from "./merge.ts";
import { changesOf, isWritten, kept, leftOf, outcomeOf, TAKEN_AWAY, tagChanges, tagFields } from "./told.ts";

interface Given {
  readonly source: string;
  readonly experimentId: string | null;
  readonly there: readonly LoggedModelThere[];
  readonly dryRun: boolean | undefined;
  readonly records: Records;
  readonly tracking: Tracking;
  readonly loggedModels: LoggedModels;
  readonly entries: Entries;
}

export async function importLoggedModels(given: Given): Promise<TakenWithFiles[]> {
  const { source, experimentId, there, dryRun, records, tracking, loggedModels, entries } = given;
  const location = experimentId === null ? null : (await tracking.experiment(experimentId)).artifactLocation;
  const remembered = await entries.read(
    source,
    "logged-model",
    there.map(({ id }) => id),
  );
  const done: TakenWithFiles[] = [];
  for (const model of there) {
    const left: Left[] = [];
    const here = await found(loggedModels, model.id);
    const before = remembered.get(model.id);
    if (!here && before) {
      done.push({ id: model.id, root: null, outcome: "same", left: [TAKEN_AWAY] });
      continue;
    }
    const tags = kept(model.tags, "tag", (tag) => refusalOf({ tags: [tag] }), left);
    const theirs = new Map([["status", model.status], ...tagFields(tags)]);
    const merged = mergeFields(before?.fields ?? NOTHING_KNOWN, theirs, here ? fieldsOf(here) : NOTHING_KNOWN);
    const artifactUri = here?.artifactUri ?? `${location ?? ""}/models/${model.id}/artifacts`;
    const params = model.params.filter((param) => isNewParam(param, here, left));
    const metrics = model.metrics.filter(
      ({ key, runId, value, step, timestamp, dataset }) =>
        !here?.metrics.some(
          (other) =>
            other.key === key &&
            other.dataset?.name === dataset?.name &&
            other.dataset?.digest === dataset?.digest &&
            (other.step > step ||
              (other.step === step &&
                (other.timestamp > timestamp ||
                  (other.timestamp === timestamp && Object.is(other.value, value) && other.runId === runId)))),
        ),
    );
    const outcome = outcomeOf(!here, changesOf(merged) + params.length + metrics.length);
    if (!dryRun && isWritten(outcome, before?.fields, merged.base))
      await records.commit([
        ...(here ? statusStatements(model, merged.set.get("status")) : [birth(model, experimentId!, artifactUri)]),
        ...params.map(({ key, value }) => ({
          sql: "INSERT INTO logged_model_params (model_id, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
          params: [model.id, key, value],
        })),
        ...tagChanges(merged).map(([key, value]) => tagStatement(model.id, key, value)),
        ...[...Map.groupBy(metrics, ({ runId }) => runId)].flatMap(([runId, some]) =>
          modelMetricStatements(
            runId,
            some.map((metric) => ({ ...metric, modelId: model.id })),
          ),
        ),
        entryStatement(source, "logged-model", model.id, { localId: model.id, fields: merged.base }),
      ]);
    done.push({ id: model.id, root: rootOf(artifactUri), outcome, left: [...left, ...leftOf(merged)] });
  }
  return done;
}

const birth = (model: LoggedModelThere, experimentId: string, artifactUri: string): Statement => ({
  sql: `INSERT INTO logged_models (id, experiment_id, name, model_type, source_run_id, status, artifact_uri, created_at, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  params: [
    ...[model.id, experimentId, model.name, model.modelType, model.sourceRunId, model.status, artifactUri],
    ...[model.createdAt, model.updatedAt],
  ],
});

const statusStatements = ({ id, updatedAt }: LoggedModelThere, status: string | undefined): Statement[] =>
  status === undefined
    ? []
    : [{ sql: "UPDATE logged_models SET status = ?, updated_at = ? WHERE id = ?", params: [status, updatedAt, id] }];

const tagStatement = (id: string, key: string, value: string | null): Statement =>
  value === null
    ? { sql: "DELETE FROM logged_model_tags WHERE model_id = ? AND key = ?", params: [id, key] }
    : {
        sql: "INSERT INTO logged_model_tags (model_id, key, value) VALUES (?, ?, ?) ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value",
        params: [id, key, value],
      };

function isNewParam({ key, value }: KeyValue, here: LoggedModel | undefined, left: Left[]): boolean {
  if (!here || !Object.hasOwn(here.params, key)) return true;
  if (here.params[key] !== value)
    left.push({ what: `param ${key}`, why: "it has another value here, and parameters do not change" });
  return false;
}

const fieldsOf = ({ status, tags }: LoggedModel) =>
  new Map([["status", status as string], ...tagFields(Object.entries(tags).map(([key, value]) => ({ key, value })))]);

const found = (models: LoggedModels, id: string): Promise<LoggedModel | undefined> =>
  models.find(id, { deleted: true }).catch((error: { readonly code?: string }) => {
    if (error.code === "logged-model.unknown") return undefined;
    throw error;
  });
