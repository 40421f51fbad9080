/** The training rows as a script reads them. */
import type { Digest } from "../../base/index.ts";
import type { Task } from "../../contract/index.ts";
import { quoteIdentifier as name, quoteLiteral as text } from "../../express/index.ts";
import { LABEL } from "../../features/index.ts";
import { openDuckDb, stepEngine } from "../../ports/tables/index.ts";
import type { StepContext } from "../../steps/index.ts";
import type { FittedFeature } from "./fitted.ts";

export interface TrainingRows {
  readonly train: Digest;
  readonly features: readonly string[];
  readonly task: Task;
  readonly classes: readonly string[];
}

/**
 * Writes Parquet at `path`: numbers, booleans and moments (microseconds) as DOUBLE, null where missing; texts, "" where missing; and LABEL, a class by
 * its place among `classes` as BIGINT, or a number.
 */
export async function writeTrainingData(
  { train, features, task, classes }: TrainingRows,
  path: string,
  context: StepContext,
): Promise<{ readonly rowCount: number; readonly features: readonly FittedFeature[] }> {
  const from = `read_parquet(${text(await context.objects.pathOf(train))})`;
  const tables = openDuckDb(stepEngine(context));
  try {
    const types = new Map((await tables.describe(`SELECT * FROM ${from}`)).map(({ name, type }) => [name, type]));
    const columns = features.map((feature) => ({ feature, ...asScriptsRead(feature, types.get(feature)!) }));
    const label = `${labelSql(task, classes, types.get(LABEL)!)} AS ${name(LABEL)}`;
    const selected = [...columns.map(({ feature, sql }) => `${sql} AS ${name(feature)}`), label].join(", ");
    await tables.run(`COPY (SELECT ${selected} FROM ${from}) TO ${text(path)} (FORMAT parquet, COMPRESSION snappy)`);
    const [counted] = await tables.rows(`SELECT count(*) AS n FROM ${text(path)}`);
    return { rowCount: Number(counted!.n), features: columns.map(({ feature, kind }) => ({ name: feature, kind })) };
  } finally {
    tables.close();
  }
}

function asScriptsRead(feature: string, type: string): { readonly sql: string; readonly kind: FittedFeature["kind"] } {
  const column = name(feature);
  if (/^(VARCHAR|ENUM.*)$/.test(type)) return { kind: "text", sql: `coalesce(${column}::VARCHAR, '')` };
  if (/^(DATE|TIMESTAMP.*)$/.test(type)) return { kind: "number", sql: `epoch_us(${column})::DOUBLE` };
  return { kind: "number", sql: type === "BOOLEAN" ? `${column}::INTEGER::DOUBLE` : `${column}::DOUBLE` };
}

function labelSql(task: Task, classes: readonly string[], type: string): string {
  const column = name(LABEL);
  if (task === "regression") return `${column}::DOUBLE`;
  if (task === "binary-classification") return `${type === "BOOLEAN" ? column : `${column}::DOUBLE`}::BIGINT`;
  return `(list_position([${classes.map(text).join(", ")}], ${column}::VARCHAR) - 1)::BIGINT`;
}
