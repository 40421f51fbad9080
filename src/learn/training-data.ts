import { MillError } from "../base/index.ts";
import type { Estimator, FitContext, LearnTask, TrainingData } from "./estimator.ts";
import type { Frame, NumberColumn, TextColumn } from "./frame.ts";

/**
 * Refuses what no estimator can learn from, and what this one says that it does not take. Of more rows for a model that has learnt others (tag `partialFit`) one class
 * is enough, and a column may be empty. With `numbersLater` the values of number columns are left to `checkNumbers`. Errors: `learn.task`, `learn.empty`, `learn.bad-label`,
 * `learn.bad-weight`, `learn.one-class`, `learn.bad-column` (infinite values, no value at all, no column, and by the tags: texts, missing, below 0).
 */
export function checkTrainingData(
  estimator: Estimator,
  data: TrainingData,
  { start, numbersLater = false }: Pick<FitContext, "start"> & { readonly numbersLater?: boolean } = {},
): void {
  const areMore = estimator.tags.partialFit && start !== undefined;
  checkTask(estimator, data);
  const { X, y, task } = data;
  const isLabelled = task !== "clustering" && task !== "outlier-detection";
  if (X.rowCount === 0 || (isLabelled && y.length !== X.rowCount))
    throw new MillError("learn.empty", `Training needs rows with labels, got ${X.rowCount} rows and ${y.length} labels.`, {
      fix: "Check the filters and the split of the data set: no labelled row is left to train on.",
    });
  if (isLabelled) checkLabels(data, areMore);
  checkWeights(data);
  const names = Object.keys(X.columns);
  if (names.length === 0) throw badColumn("", "at least one column", "none", "Give the model at least one feature.");
  for (const name of names) {
    checkLength(name, X.columns[name]!, X.rowCount);
    if (!numbersLater || X.columns[name]!.kind === "text") checkColumn(name, X.columns[name]!, areMore);
    checkTaken(estimator, name, X.columns[name]!);
  }
}

function checkTask({ name, tags }: Estimator, { task, X, weights, groups }: TrainingData): void {
  if (!tags.tasks.includes(task))
    throw new MillError("learn.task", `${name} cannot learn ${task}; it can learn ${tags.tasks.join(", ")}.`, {
      fix: "Choose another estimator for this problem.",
    });
  if (weights !== undefined && !tags.weights) throw badWeight(`${name} takes no weights`);
  if (weights !== undefined && weights.length !== X.rowCount)
    throw badWeight(`${X.rowCount} rows have ${weights.length} weights`);
  if (task === "ranking" && groups?.length !== X.rowCount)
    throw badLabel("Ranking needs the list that each row is of.", `${X.rowCount} group numbers`, `${groups?.length ?? "none"}`);
}

function checkLabels({ y, task, classes }: TrainingData, areMore: boolean): void {
  const classCount = classes.length;
  const isLegal = legalLabels(task, classCount);
  const counts = new Float64Array(classCount);
  for (let row = 0; row < y.length; row++) {
    const label = y[row]!;
    if (!isLegal.check(label)) throw badLabel(`The label of row ${row} is ${label}.`, isLegal.expected, String(label));
    if (classCount > 0) counts[label]!++;
  }
  if (classCount === 0 || areMore) return;
  const seen = classes.filter((_, index) => counts[index]! > 0);
  if (seen.length < 2)
    throw new MillError("learn.one-class", `All ${y.length} training rows have the label "${seen[0]}".`, {
      expected: "rows of at least two classes",
      got: `only "${seen[0]}"`,
      fix: "Check the label's expression, or take a longer training window.",
    });
}

function legalLabels(task: LearnTask, classCount: number): { check(label: number): boolean; expected: string } {
  if (task === "regression") return { check: Number.isFinite, expected: "a finite number" };
  if (task === "ranking")
    return {
      check: (label) => Number.isInteger(label) && label >= 0 && label <= GRADE_MAX,
      expected: `a grade from 0 to ${GRADE_MAX}`,
    };
  return {
    check: (label) => Number.isInteger(label) && label >= 0 && label < classCount,
    expected: `a class index from 0 to ${classCount - 1}`,
  };
}

/** A grade g gains 2^g - 1, which must stay exact. */
const GRADE_MAX = 30;

function checkTaken({ name: estimator, tags }: Estimator, name: string, column: NumberColumn | TextColumn): void {
  const instead = "put a transformer before it that makes what it takes, or leave the column out.";
  if (column.kind === "text") {
    if (!tags.text) throw badColumn(name, `a number column, as ${estimator} takes`, "texts", `Encode "${name}": ${instead}`);
    const isMissing = (code: number) => code < 0 || column.texts[code] === "";
    if (!tags.missing && column.codes.some(isMissing))
      throw badColumn(name, `no missing value, as ${estimator} takes none`, "missing values", `Impute "${name}": ${instead}`);
    return;
  }
  if (!tags.numbers) throw badColumn(name, `a text column, as ${estimator} takes`, "numbers", `Bin "${name}": ${instead}`);
  if (tags.missing && tags.negative) return;
  for (let row = 0; row < column.values.length; row++) {
    const value = column.values[row]!;
    if (Number.isNaN(value) && !tags.missing)
      throw badColumn(name, `no missing value, as ${estimator} takes none`, `one in row ${row}`, `Impute "${name}": ${instead}`);
    if (value < 0 && !tags.negative)
      throw badColumn(
        name,
        `numbers of at least 0, as ${estimator} counts`,
        `${value} in row ${row}`,
        `Shift "${name}": ${instead}`,
      );
  }
}

function checkWeights({ weights }: TrainingData): void {
  if (weights === undefined) return;
  let total = 0;
  for (const weight of weights) {
    if (!(weight >= 0 && weight < Infinity)) throw badWeight(`a weight is ${weight}`);
    total += weight;
  }
  if (!(total > 0)) throw badWeight("all weights are 0");
}

/** What `checkTrainingData` says of number columns, for those whose first reading does more than to check. Error: `learn.bad-column`. */
export function checkNumbers({ columns }: Frame): void {
  for (const [name, column] of Object.entries(columns)) if (column.kind === "number") checkColumn(name, column, false);
}

function checkLength(name: string, column: NumberColumn | TextColumn, rowCount: number): void {
  const length = column.kind === "number" ? column.values.length : column.codes.length;
  if (length !== rowCount) throw badColumn(name, `${rowCount} values`, `${length}`, "Give every column a value per row.");
}

function checkColumn(name: string, column: NumberColumn | TextColumn, areMore: boolean): void {
  const filled = column.kind === "number" ? countNumbers(name, column.values) : countTexts(column);
  if (filled === 0 && !areMore)
    throw badColumn(
      name,
      "at least one value",
      "only missing values",
      `Leave "${name}" out, or check where its values come from.`,
    );
}

function countNumbers(name: string, values: Float64Array): number {
  if (allFinite(values)) return values.length;
  let filled = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (value - value === 0) filled++;
    else if (!Number.isNaN(value))
      throw badColumn(
        name,
        "finite numbers or missing",
        `${value} in row ${row}`,
        `Guard the division or logarithm behind "${name}".`,
      );
  }
  return filled;
}

/** In four lanes: most columns are, and each training asks. */
function allFinite(values: Float64Array): boolean {
  const end = values.length & ~3;
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let row = 0; row < end; row += 4) {
    a += values[row]! - values[row]!;
    b += values[row + 1]! - values[row + 1]!;
    c += values[row + 2]! - values[row + 2]!;
    d += values[row + 3]! - values[row + 3]!;
  }
  for (let row = end; row < values.length; row++) a += values[row]! - values[row]!;
  return a + b + (c + d) === 0;
}

/** The empty text is missing, as in the exported graph, where text tensors know no null. */
function countTexts({ codes, texts }: TextColumn): number {
  let filled = 0;
  for (let row = 0; row < codes.length; row++) if (codes[row]! >= 0 && texts[codes[row]!] !== "") filled++;
  return filled;
}

export const badColumn = (name: string, expected: string, got: string, fix: string) =>
  new MillError("learn.bad-column", `Column "${name}": expected ${expected}, got ${got}.`, { at: name, expected, got, fix });

const badWeight = (why: string) =>
  new MillError("learn.bad-weight", `The weights cannot be used: ${why}.`, {
    expected: "one finite weight of at least 0 for each row, not all 0",
    fix: "Correct the weights, or train without them.",
  });

const badLabel = (message: string, expected: string, got: string) =>
  new MillError("learn.bad-label", message, { expected, got, fix: "Leave rows without a label out of the training set." });
