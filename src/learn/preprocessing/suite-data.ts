/** For the suite: columns of the kinds that a transformer takes. */
import { type LearnTask, type TrainingData, usualTags } from "../estimator.ts";
import { trainingData } from "../fixtures/training-data.ts";
import type { NumberColumn, TextColumn } from "../frame.ts";
import type { Transformer } from "../transformer.ts";
import type { TransformerSuiteOptions } from "./suite.ts";

export function dataFor(
  { tags }: Transformer,
  options: TransformerSuiteOptions,
  rowCount: number,
  task: LearnTask,
): TrainingData {
  if (options.data !== undefined) return options.data(rowCount, task);
  const usual = trainingData(task, rowCount, { ...usualTags, missing: tags.missing });
  const kind = { numbers: "number", texts: "text", both: "" }[tags.takes];
  const columns = Object.entries(usual.X.columns).filter(([, column]) => kind === "" || column.kind === kind);
  return { ...usual, X: { rowCount, columns: Object.fromEntries(columns) } };
}

export const otherKind = (column: NumberColumn | TextColumn): NumberColumn | TextColumn =>
  column.kind === "number"
    ? { kind: "text", codes: Int32Array.from(column.values, () => 0), texts: ["a"] }
    : { kind: "number", values: Float64Array.from(column.codes) };
