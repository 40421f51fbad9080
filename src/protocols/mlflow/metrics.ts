/** Histories of metrics, as pages and as curves, and the data sets of experiments. */
import type { OutputOf } from "../../contract/index.ts";
import type { BoundCall } from "../../guard/index.ts";
import { type Fields, missing } from "./fields.ts";
import { MlflowError } from "./mlflow-error.ts";
import type { Operation } from "./operation.ts";
import { runId, toMetric } from "./runs.ts";
import { resultCount } from "./wire.ts";

const HISTORY_MAX = 25_000;
const CURVE_POINTS_MAX = 2500;
const CURVE_RUNS_MAX = 100;
const EXPERIMENTS_MAX = 20;

const looks = (method: "GET" | "POST", path: string, answer: Operation["answer"]): Operation => ({
  method,
  path,
  plane: "data",
  lists: ["run_id", "run_ids"],
  answer,
});

export const METRICS: readonly Operation[] = [
  { ...looks("GET", "metrics/get-history", history), lists: [] },
  { ...looks("GET", "metrics/get-history-bulk", bulk), ajaxOnly: true },
  looks("GET", "metrics/get-history-bulk-interval", curves),
  { ...looks("POST", "experiments/search-datasets", datasets), ajaxOnly: true },
];

async function history(asked: Fields, call: BoundCall) {
  const [run, key] = [runId(asked), asked.text("metric_key")];
  const limit = asked.optionalWhole("max_results");
  if (limit !== undefined && limit <= 0) throw resultCount(limit, "It must be a positive integer.");
  const pageToken = asked.optionalText("page_token") || undefined;
  if (limit !== undefined || pageToken !== undefined) {
    const page = { limit: Math.min(limit ?? HISTORY_MAX, HISTORY_MAX), pageToken };
    const { items, nextPageToken } = await call("metricHistory", { run, key, ...page });
    return { ...metricsOf(key, items), ...(nextPageToken !== null && { next_page_token: nextPageToken }) };
  }
  return metricsOf(key, await wholeHistory(run, key, Number.POSITIVE_INFINITY, call));
}

async function bulk(asked: Fields, call: BoundCall) {
  const runs = asked.texts("run_id");
  if (runs.length === 0) throw refused("GetMetricHistoryBulk request must specify at least one run_id.");
  if (runs.length > CURVE_RUNS_MAX)
    throw refused(
      `GetMetricHistoryBulk request cannot specify more than ${CURVE_RUNS_MAX} run_ids. Received ${runs.length} run_ids.`,
    );
  const key = asked.optionalText("metric_key");
  if (key === undefined) throw refused("GetMetricHistoryBulk request must specify a metric_key.");
  const max = Math.min(asked.optionalWhole("max_results") ?? HISTORY_MAX, HISTORY_MAX);
  const metrics: object[] = [];
  for (const run of [...new Set(runs)].sort()) {
    if (metrics.length >= max) break;
    const points = await wholeHistory(run, key, max - metrics.length, call);
    metrics.push(...points.map((point) => ({ ...toMetric({ key, ...point }), run_id: run })));
  }
  return { metrics };
}

async function curves(asked: Fields, call: BoundCall) {
  const runs = asked.texts("run_ids");
  if (runs.length === 0) throw missing("run_ids");
  if (runs.length > CURVE_RUNS_MAX)
    throw refused(
      `GetMetricHistoryBulkInterval request must specify at most ${CURVE_RUNS_MAX} run_ids. Received ${runs.length} run_ids.`,
    );
  const key = asked.text("metric_key");
  const points = asked.optionalWhole("max_results") ?? CURVE_POINTS_MAX;
  if (points < 1 || points > CURVE_POINTS_MAX) throw refused(`max_results must be between 1 and ${CURVE_POINTS_MAX}.`);
  const [from, to] = [asked.optionalWhole("start_step"), asked.optionalWhole("end_step")];
  if ((from === undefined) !== (to === undefined))
    throw refused("If either start step or end step are specified, both must be specified.");
  if (from !== undefined && from > to!)
    throw refused(`end_step must be greater than start_step. Found start_step=${from} and end_step=${to}.`);
  const found = await Promise.all(
    runs.map(async (run) => ({ run, ...(await call("metricCurve", { run, key, points, from, to })) })),
  );
  const metrics = found.flatMap(({ run, points }) => points.map((point) => ({ ...toMetric({ key, ...point }), run_id: run })));
  return metrics.length > 0 ? { metrics } : {};
}

async function datasets(asked: Fields, call: BoundCall) {
  const experiments = asked.texts("experiment_ids");
  if (experiments.length === 0) throw refused("SearchDatasets request must specify at least one experiment_id.");
  if (experiments.length > EXPERIMENTS_MAX)
    throw refused(
      `SearchDatasets request cannot specify more than ${EXPERIMENTS_MAX} experiment_ids. Received ${experiments.length} experiment_ids.`,
    );
  const found = (await call("trackedDatasets", { experiments })).datasets;
  const summaries = found.map(({ experimentId, name, digest, context }) => ({
    experiment_id: experimentId,
    name,
    digest,
    ...(context !== null && { context }),
  }));
  return summaries.length > 0 ? { dataset_summaries: summaries } : {};
}

type Points = OutputOf<"metricHistory">["items"];

async function wholeHistory(run: string, key: string, max: number, call: BoundCall): Promise<Points> {
  const found: Points[number][] = [];
  let pageToken: string | undefined;
  do {
    const limit = Math.min(HISTORY_MAX, max - found.length);
    const page = await call("metricHistory", { run, key, limit, pageToken });
    for (const point of page.items) found.push(point);
    pageToken = page.nextPageToken ?? undefined;
  } while (pageToken !== undefined && found.length < max);
  return found;
}

const metricsOf = (key: string, points: Points) =>
  points.length > 0 ? { metrics: points.map((point) => toMetric({ key, ...point })) } : {};

const refused = (words: string) => new MlflowError("INVALID_PARAMETER_VALUE", words);
