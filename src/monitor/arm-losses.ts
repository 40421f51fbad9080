import type { Task } from "../contract/index.ts";

import type { Lake } from "../lake/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import type { Rollout } from "../serve/index.ts";
import { feedbackOf, predictionsOf } from "../serve/index.ts";
import type { CanaryEvidence, LossSum } from "./canary.ts";

/** Probabilities are kept this far from 0 and 1, so that one row cannot outweigh all others. */
const CLIP = 1e-6;

/** Loss of a row, as SQL over the log's columns and `label`, the JSON text that came last. */
const LOSS: Readonly<Record<Task, string>> = {
  "binary-classification": `-ln(greatest(${CLIP}, CASE WHEN label = 'true' THEN probability ELSE 1 - probability END))`,
  "multiclass-classification": `-ln(greatest(${CLIP}, coalesce((json_extract(probabilities, ['$."' || replace(label ->> '$', '"', '\\"') || '"']))[1]::DOUBLE, 0)))`,
  regression: "pow(value - label::DOUBLE, 2)",
};

/** What both versions of a rollout lost on the rows answered since its step began whose labels have come; null before there are any. */
export async function armLosses(
  { lake, tables }: { readonly lake: Lake; tables(): Tables },
  endpoint: { readonly name: string; readonly task: Task },
  { base, version, sinceAt }: Rollout,
): Promise<CanaryEvidence["losses"]> {
  await lake.seal(predictionsOf(endpoint.name));
  await lake.seal(feedbackOf(endpoint.name));
  const [predictions, feedback] = await Promise.all([
    lake.read(predictionsOf(endpoint.name)),
    lake.read(feedbackOf(endpoint.name)),
  ]);
  if (predictions.relation === null || feedback.relation === null) return null;
  const duck = tables();
  try {
    const rows = await duck.rows(`
      WITH labels AS (SELECT id, arg_max(label, "at") AS label FROM ${feedback.relation} WHERE "at" >= ${sinceAt} GROUP BY id),
        losses AS (SELECT version, ${LOSS[endpoint.task]} AS loss FROM ${predictions.relation} JOIN labels USING (id)
          WHERE "at" >= ${sinceAt} AND version IN (${base}, ${version}))
      SELECT version, count(*) AS n, avg(loss) AS mean, coalesce(var_samp(loss), 0) AS variance FROM losses GROUP BY version`);
    const of = (number: number): LossSum => {
      const found = rows.find((row) => Number(row.version) === number);
      return { rows: Number(found?.n ?? 0), mean: Number(found?.mean ?? 0), variance: Number(found?.variance ?? 0) };
    };
    return { candidate: of(version), champion: of(base) };
  } finally {
    duck.close();
  }
}
