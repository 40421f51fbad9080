/** What both versions of a rollout lost on the rows that they answered since its step began: the evidence that labels give. */
import type { Task } from "../contract/index.ts";
import type { Lake } from "../lake/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { feedbackOf, predictionsOf, type Rollout } from "../serve/index.ts";
import type { CanaryEvidence, LossSum } from "./canary.ts";
import { labelsTold, lastLabels } from "./labels.ts";

/** Probabilities are kept this far from 0 and 1, so that one row cannot outweigh all others. */
const CLIP = 1e-6;

/** The label's member of `probabilities`, whatever it is called: a JSON pointer, which may differ from row to row. */
const STATED = "json_extract(probabilities, '/' || replace(replace(last ->> '$', '~', '~0'), '/', '~1'))::DOUBLE";

/** Loss of a row, as SQL over the log's columns and `last`, the JSON text of its label. */
const LOSS: Readonly<Record<Task, string>> = {
  "binary-classification": `-ln(greatest(${CLIP}, CASE WHEN last = 'true' THEN probability ELSE 1 - probability END))`,
  "multiclass-classification": `-ln(greatest(${CLIP}, coalesce(${STATED}, 0)))`,
  regression: `pow("value" - TRY_CAST(last AS DOUBLE), 2)`,
};

/** Null while no label has come. */
export async function armLosses(
  { lake, tables }: { readonly lake: Lake; tables(): Tables },
  endpoint: { readonly name: string; readonly task: Task },
  { base, version, sinceAt }: Pick<Rollout, "base" | "version" | "sinceAt">,
): Promise<CanaryEvidence["losses"]> {
  const logs = [predictionsOf(endpoint.name), feedbackOf(endpoint.name)];
  for (const log of logs) await lake.seal(log);
  const [predictions, feedback] = await Promise.all(logs.map(async (log) => (await lake.read(log)).relation));
  if (!predictions || !feedback) return null;
  const engine = tables();
  try {
    const rows = await engine.rows(`
      WITH labels AS (${lastLabels(`(${labelsTold(feedback, `"at" >= ${sinceAt}`)})`)}),
        losses AS (SELECT version, ${LOSS[endpoint.task]} AS loss FROM ${predictions} JOIN labels USING (id)
          WHERE "at" >= ${sinceAt} AND version IN (${base}, ${version}))
      SELECT version, count(loss) AS n, avg(loss) AS mean, coalesce(var_samp(loss), 0) AS variance FROM losses GROUP BY version`);
    const of = (number: number): LossSum => {
      const found = rows.find((row) => Number(row.version) === number);
      return { rows: Number(found?.n ?? 0), mean: Number(found?.mean ?? 0), variance: Number(found?.variance ?? 0) };
    };
    return { candidate: of(version), champion: of(base) };
  } finally {
    engine.close();
  }
}
