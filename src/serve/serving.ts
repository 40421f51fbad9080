/**
 * Endpoints that answer. Each has one version in memory; a new version is loaded and warmed beside the old one, then the pointer is switched.
 *
 * Durable before acknowledged: predictions go to the data set `NAME-predictions`, events to `NAME-events`, both through the lake's journal.
 * Windows are warmed from the newest rows of the endpoint's data set and from every event that was ever acknowledged.
 */
import { didYouMean, formatMoment, type Json, MillError, newId } from "../base/index.ts";
import type { Column, Row, Schema, Task } from "../contract/index.ts";
import { quoteIdentifier } from "../express/index.ts";
import type { Lake } from "../lake/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Records } from "../ports/records/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { type BundleManifest, CHAMPION_ALIAS, type ModelVersion, type Registry, rolledBackFrom } from "../registry/index.ts";
import { readTrained } from "../train/index.ts";
import { createAccess } from "./access.ts";
import { createEndpoint, type Endpoint, type Prediction } from "./endpoint.ts";

/** Which version an endpoint answers with. */
export interface Deployment {
  readonly name: string;
  readonly model: string;
  readonly version: number;
  /** What it answered with before: where a rollback leads. */
  readonly previous: number | null;
  readonly changedAt: number;
}

export interface EndpointState extends Deployment {
  readonly task: Task;
  readonly classes: readonly string[];
  readonly threshold: number | null;
  readonly request: Readonly<Record<string, Column>>;
  /** The column of a request that may be left out. */
  readonly optional: string | null;
  /** The newest row of the data set, as a request; null when there was none to look at. */
  readonly exampleRow: Row | null;
  /** Data time of the newest row in the windows; null without windows. */
  readonly windowsWarmedTo: string | null;
  /** Events on record that this version cannot read, as when the data set's columns have changed since: they feed nothing. */
  readonly eventsSkipped: number;
  /** Predictions answered since the start. */
  readonly predictions: number;
}

export interface PredictReply {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly predictions: readonly (Prediction & { readonly id: string })[];
}

export interface EventsReply {
  readonly accepted: number;
  readonly refused: readonly { readonly index: number; readonly reason: string }[];
}

export interface Serving {
  /** Loads every deployed endpoint; one that is loaded at its version already stays as it is. Errors: the first, when all have been tried. */
  refresh(): Promise<void>;
  deployed(): Promise<Deployment[]>;
  isReady(name: string): boolean;
  history(name: string): Promise<{ model: string; version: number; at: number; actor: string; why: string }[]>;
  /** Errors: `endpoint.unknown`. */
  state(name: string): Promise<EndpointState>;
  /** Errors: as `state`, and `request.row`. */
  predict(name: string, rows: readonly unknown[]): Promise<PredictReply>;
  /** Rows of the endpoint's data set; a row that cannot be read is refused by itself. */
  events(name: string, rows: readonly unknown[]): Promise<EventsReply>;
  deploy(name: string, version: ModelVersion, by: { readonly actor: string; readonly why: string }): Promise<boolean>;
  /** Back to the version before. Errors: `endpoint.no-previous`. */
  rollback(name: string, actor: string): Promise<EndpointState>;
}

export interface ServingResources {
  readonly records: Records;
  readonly objects: Objects;
  readonly lake: Lake;
  readonly registry: Registry;
  tables(): Tables;
  readonly now?: () => number;
}

interface Loaded {
  readonly endpoint: Endpoint;
  readonly version: ModelVersion;
  readonly newest: Row | null;
  readonly eventsSkipped: number;
  predictions: number;
}

export const predictionsOf = (endpoint: string) => `${endpoint}-predictions`;
export const eventsOf = (endpoint: string) => `${endpoint}-events`;

export function createServing({ records, objects, lake, registry, tables, now = Date.now }: ServingResources): Serving {
  const loaded = new Map<string, Loaded>();
  const loading = new Map<string, Promise<Loaded>>();
  const access = createAccess();

  const deployed = async (): Promise<Deployment[]> => {
    const rows = await records.query<DeploymentRow>(
      "SELECT name, model, version, previous, changed_at FROM endpoints ORDER BY name",
    );
    return rows.map(({ changed_at, ...row }) => ({ ...row, changedAt: changed_at }));
  };

  const find = async (name: string): Promise<Deployment> => {
    const all = await deployed();
    const row = all.find((candidate) => candidate.name === name);
    if (row) return row;
    throw new MillError(
      "endpoint.unknown",
      `There is no endpoint "${name}".${didYouMean(
        name,
        all.map((one) => one.name),
      )}`,
      {
        expected: all.map((one) => one.name).join(", ") || "an endpoint whose model has passed its gate",
        got: name,
        fix: "Define it in mill.ts and run `mill run`; `mill status` lists what is deployed.",
      },
    );
  };

  /** The endpoint at the version it is deployed with; loads it when nobody has yet. */
  const ready = async (name: string): Promise<Loaded> => loaded.get(name) ?? load(await find(name));

  const load = (row: Deployment): Promise<Loaded> => {
    const key = `${row.name} ${row.model} ${row.version}`;
    const underWay = loading.get(key) ?? read(row).finally(() => loading.delete(key));
    loading.set(key, underWay);
    return underWay;
  };

  const read = async (row: Deployment): Promise<Loaded> => {
    const version = await registry.version(row.model, row.version);
    const manifest = await registry.manifest(version);
    const endpoint = createEndpoint(manifest, await readTrained(manifest.trained, objects));
    const newest = await warm(endpoint, version);
    // No event may fall between those on record and those that the loaded endpoint is fed.
    return access.alone(row.name, async () => {
      const current = { endpoint, version, newest, eventsSkipped: await feedEvents(row.name, endpoint), predictions: 0 };
      const { model, version: number } = await find(row.name);
      if (model === row.model && number === row.version) loaded.set(row.name, current);
      return current;
    });
  };

  /** Feeds the newest rows of the data set; the newest of them, or without windows any row. */
  const warm = async (endpoint: Endpoint, version: ModelVersion): Promise<Row | null> => {
    const { dataset } = endpoint.manifest;
    const source = await rowsFor(dataset, version);
    if (source === null) return null;
    const duck = tables();
    try {
      const columns = Object.keys(dataset.columns).map(quoteIdentifier).join(", ");
      const rows = await duck.rows(`SELECT ${columns} FROM ${source} ${newestRows(dataset.time, endpoint.spanMicros, source)}`);
      const newest = rows.at(-1) ?? null;
      if (dataset.time === null || endpoint.spanMicros === 0 || newest === null) return newest;
      for (const row of rows) endpoint.feed(row);
      endpoint.forget(Number(newest[dataset.time]) - endpoint.spanMicros);
      return newest;
    } finally {
      duck.close();
    }
  };

  /** The newest rows; those that the model was made from when the data set's columns are other ones by now. */
  const rowsFor = async ({ name, columns }: BundleManifest["dataset"], { lineage }: ModelVersion): Promise<string | null> => {
    const head = await lake.head(name);
    if (head === null) return null;
    const now = ((await lake.manifest(head)).columns ?? {}) as Partial<Schema>;
    const fits = Object.entries(columns).every(([column, { type }]) => now[column]?.type === type);
    return (await lake.read(name, fits ? head.version : lineage.dataset.version)).relation;
  };

  /** Feeds the events on record; how many could not be read. One bad row of the past must not keep an endpoint from answering. */
  const feedEvents = async (name: string, endpoint: Endpoint): Promise<number> => {
    if (endpoint.spanMicros === 0) return 0;
    let skipped = 0;
    for (const { row } of await storedEvents(name)) {
      try {
        endpoint.feed(endpoint.readEvent(JSON.parse(String(row)), 0));
      } catch (error) {
        if (!(error instanceof MillError || error instanceof SyntaxError)) throw error;
        skipped++;
      }
    }
    return skipped;
  };

  const storedEvents = async (name: string): Promise<readonly { readonly row?: unknown }[]> => {
    const { relation, tail } = await lake.read(eventsOf(name));
    if (relation === null) return tail;
    const duck = tables();
    try {
      return [...(await duck.rows(`SELECT "row" FROM ${relation}`)), ...tail];
    } finally {
      duck.close();
    }
  };

  const feedRows = async (name: string, endpoint: Endpoint, rows: readonly unknown[]): Promise<EventsReply> => {
    const refused: { index: number; reason: string }[] = [];
    const accepted: { row: Row; given: unknown }[] = [];
    rows.forEach((given, index) => {
      try {
        accepted.push({ row: endpoint.readEvent(given, index), given });
      } catch (error) {
        if (!(error instanceof MillError)) throw error;
        refused.push({ index, reason: error.message });
      }
    });
    const at = now();
    if (accepted.length > 0)
      await lake.append(
        eventsOf(name),
        accepted.map(({ given }) => ({ at, row: JSON.stringify(given) })),
      );
    for (const { row } of accepted) endpoint.feed(row);
    return { accepted: accepted.length, refused };
  };

  const serving: Serving = {
    async refresh() {
      const failures: unknown[] = [];
      for (const row of await deployed()) {
        const current = loaded.get(row.name)?.version;
        if (current?.model === row.model && current.version === row.version) continue;
        await load(row).catch((error: unknown) => failures.push(error));
      }
      if (failures.length > 0) throw failures[0];
    },

    deployed,
    isReady: (name) => loaded.has(name),
    history: (name) =>
      records.query("SELECT model, version, at, actor, why FROM endpoint_history WHERE name = ? ORDER BY at", [name]),

    async state(name) {
      const { endpoint, newest, eventsSkipped, predictions } = await ready(name);
      const { task, classes, threshold } = endpoint.manifest;
      const warmedTo = endpoint.newestFed();
      return {
        ...(await find(name)),
        task,
        classes,
        threshold,
        request: endpoint.request,
        optional: endpoint.optional,
        exampleRow: newest,
        windowsWarmedTo: warmedTo === null ? null : formatMoment(warmedTo),
        eventsSkipped,
        predictions,
      };
    },

    async predict(name, rows) {
      const current = loaded.get(name) ?? (await ready(name));
      const { endpoint, version } = current;
      const at = now();
      const answers = endpoint.predict(rows, at * 1000);
      const id = newId(at);
      const predictions = answers.map(({ prediction }, index) => ({
        id: rows.length === 1 ? id : `${id}.${index}`,
        ...prediction,
      }));
      await lake.append(
        predictionsOf(name),
        answers.map(({ features }, index) => logged(predictions[index]!, rows[index], features, version, endpoint, at)),
      );
      current.predictions += rows.length;
      return { id, model: version.model, version: version.version, predictions };
    },

    async events(name, rows) {
      const current = await ready(name);
      return access.shared(name, () => feedRows(name, (loaded.get(name) ?? current).endpoint, rows));
    },

    async deploy(name, version, { actor, why }) {
      const row = (await deployed()).find((one) => one.name === name);
      if (row?.model === version.model && row.version === version.version) return false;
      const previous = row?.model === version.model ? row.version : null;
      await records.commit(pointAt(name, version.model, version.version, previous, actor, why, now()));
      return true;
    },

    async rollback(name, actor) {
      const row = await find(name);
      if (row.previous === null) {
        throw new MillError("endpoint.no-previous", `The endpoint "${name}" has no version before ${row.version}.`, {
          fix: "Roll back once a second version has been deployed.",
        });
      }
      const why = rolledBackFrom(row.version);
      await registry.setAlias(row.model, CHAMPION_ALIAS, row.previous, { actor, why });
      await records.commit(pointAt(name, row.model, row.previous, row.version, actor, why, now()));
      await serving.refresh();
      return serving.state(name);
    },
  };
  return serving;
}

interface DeploymentRow {
  name: string;
  model: string;
  version: number;
  previous: number | null;
  changed_at: number;
}

/** The rows that windows reach as of any moment of the last span, oldest first; without windows one row, as an example. */
function newestRows(time: string | null, spanMicros: number, source: string): string {
  if (time === null) return "LIMIT 1";
  const column = quoteIdentifier(time);
  if (spanMicros === 0) return `ORDER BY ${column} DESC LIMIT 1`;
  return `WHERE epoch_us(${column}) >= (SELECT epoch_us(max(${column})) - ${2 * spanMicros} FROM ${source}) ORDER BY ${column}`;
}

function pointAt(name: string, model: string, version: number, previous: number | null, actor: string, why: string, at: number) {
  return [
    { sql: "DELETE FROM endpoints WHERE name = ?", params: [name] },
    {
      sql: "INSERT INTO endpoints (name, model, version, previous, changed_at) VALUES (?, ?, ?, ?, ?)",
      params: [name, model, version, previous, at],
      rows: 1,
    },
    {
      // Later than all before it, whatever the clock says.
      sql: `INSERT INTO endpoint_history (name, model, version, at, actor, why)
        SELECT ?, ?, ?, CASE WHEN newest >= ? THEN newest + 1 ELSE ? END, ?, ?
        FROM (SELECT coalesce(max(at), 0) AS newest FROM endpoint_history WHERE name = ?) AS before`,
      params: [name, model, version, at, at, actor, why, name],
      rows: 1,
    },
  ];
}

function logged(
  prediction: Prediction & { readonly id: string },
  request: unknown,
  features: Readonly<Record<string, Json>>,
  { model, version }: ModelVersion,
  { manifest }: Endpoint,
  at: number,
): Record<string, Json> {
  const { id } = prediction;
  const base = { id, at, model, version, request: JSON.stringify(request), features: JSON.stringify(features) };
  if ("probability" in prediction) {
    return { ...base, probability: prediction.probability, decision: prediction.decision, threshold: manifest.threshold };
  }
  if ("label" in prediction) return { ...base, label: prediction.label, probabilities: JSON.stringify(prediction.probabilities) };
  return { ...base, value: prediction.value };
}
