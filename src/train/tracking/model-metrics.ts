/** The latest metrics of logged models, by key and data set: few, so that each is a row. */
import type { Records, Statement } from "../../ports/records/index.ts";
import type { LoggedMetric, ModelMetric } from "./tracking.ts";

export function modelMetricStatements(runId: string, metrics: readonly LoggedMetric[]): Statement[] {
  const latest = new Map<string, LoggedMetric>();
  for (const metric of metrics) {
    if (metric.modelId === undefined) continue;
    const name = JSON.stringify([metric.modelId, metric.key, metric.dataset?.name, metric.dataset?.digest]);
    const before = latest.get(name);
    if (!before || (metric.step - before.step || metric.timestamp - before.timestamp) >= 0) latest.set(name, metric);
  }
  return [...latest.values()].map(({ modelId, key, dataset, value, timestamp, step }) => ({
    sql: `INSERT INTO tracking_model_metrics (model_id, key, dataset_name, dataset_digest, run_id, value, at, step) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (model_id, key, dataset_name, dataset_digest) DO UPDATE SET run_id = excluded.run_id, value = excluded.value, at = excluded.at, step = excluded.step
      WHERE (excluded.step, excluded.at) >= (tracking_model_metrics.step, tracking_model_metrics.at)`,
    params: [modelId!, key, dataset?.name ?? "", dataset?.digest ?? "", runId, String(value), timestamp, step],
  }));
}

export async function readModelMetrics(records: Records, modelIds: readonly string[]): Promise<ModelMetric[]> {
  if (modelIds.length === 0) return [];
  const rows = await records.query<Row>(
    `SELECT model_id, key, dataset_name, dataset_digest, run_id, value, at, step FROM tracking_model_metrics
      WHERE model_id IN (${modelIds.map(() => "?").join(", ")}) ORDER BY model_id, key, dataset_name, dataset_digest`,
    modelIds,
  );
  return rows.map(({ model_id: modelId, key, dataset_name: name, dataset_digest: digest, run_id: runId, value, at, step }) => ({
    ...{ modelId, key, runId, step },
    dataset: name === "" && digest === "" ? null : { name, digest },
    value: Number(value),
    timestamp: at,
  }));
}

interface Row {
  readonly model_id: string;
  readonly key: string;
  readonly dataset_name: string;
  readonly dataset_digest: string;
  readonly run_id: string;
  readonly value: string;
  readonly at: number;
  readonly step: number;
}
