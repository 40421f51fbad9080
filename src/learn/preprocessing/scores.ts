/** What one column says of the label. */
import type { TrainingData } from "../estimator.ts";
import { exactSum } from "../exact-sum.ts";
import type { NumberColumn, TextColumn } from "../frame.ts";
import { countTexts } from "./levels.ts";
import { orderedValues, quantileOf } from "./quantiles.ts";

/** Numbers of more values are cut into so many quantiles. */
const BINS = 16;

/** Mutual information less what chance alone gives (Miller and Madow's correction), never below 0; in nats. */
export function correctedInformation(column: NumberColumn | TextColumn, data: TrainingData): number {
  const { information, bias } = mutualInformation(column, data);
  return Math.max(0, information - bias);
}

/** Of the column's levels (texts, bins of numbers, missing) with the classes, or with bins of the numbers to predict; in nats. */
export function mutualInformation(
  column: NumberColumn | TextColumn,
  { X, y, task, weights }: TrainingData,
): { readonly information: number; readonly bias: number } {
  const x = column.kind === "text" ? textLevels(column, weights) : numberLevels(column.values, weights);
  const classes = task === "regression" || task === "ranking" ? numberLevels(y, weights) : Int32Array.from(y);
  const [width, height] = [x, classes].map((levels) => levels.reduce((most, level) => Math.max(most, level + 1), 0)) as [
    number,
    number,
  ];
  const cells = new Float64Array(width * height);
  const [columns, rows] = [new Float64Array(width), new Float64Array(height)];
  let total = 0;
  for (let row = 0; row < X.rowCount; row++) {
    const weight = weights === undefined ? 1 : weights[row]!;
    cells[x[row]! * height + classes[row]!]! += weight;
    columns[x[row]!]! += weight;
    rows[classes[row]!]! += weight;
    total += weight;
  }
  let information = 0;
  for (let at = 0; at < cells.length; at++) {
    const cell = cells[at]!;
    if (cell > 0)
      information += (cell / total) * Math.log((cell * total) / (columns[Math.floor(at / height)]! * rows[at % height]!));
  }
  const used = (counts: Float64Array) => counts.filter((count) => count > 0).length;
  return { information, bias: ((used(columns) - 1) * (used(rows) - 1)) / (2 * total) };
}

/** Missing is the level after the last. */
function textLevels(column: TextColumn, weights: Float64Array | undefined): Int32Array {
  const texts = [...countTexts(column, weights).byText.keys()];
  const levels = new Map(texts.map((text, level) => [text, level] as const));
  const levelOf = Int32Array.from(column.texts, (text) => levels.get(text) ?? texts.length);
  return column.codes.map((code) => (code < 0 ? texts.length : levelOf[code]!));
}

function numberLevels(values: Float64Array, weights: Float64Array | undefined): Int32Array {
  const ordered = orderedValues(values, weights);
  const cuts = Array.from({ length: BINS - 1 }, (_, at) => quantileOf(ordered, (at + 1) / BINS));
  const edges = ordered.values.length <= BINS ? ordered.values : Float64Array.from(new Set(cuts));
  return Int32Array.from(values, (value) => {
    if (Number.isNaN(value)) return edges.length + 1;
    let level = 0;
    while (level < edges.length && edges[level]! <= value) level++;
    return level;
  });
}

/**
 * The F statistic over the rows that have a value: of the means of the classes (one-way analysis of variance), or of a line through the numbers to predict.
 * 0 for a column of one value, Infinity for one that leaves no doubt.
 */
export function fStatistic({ values }: NumberColumn, { y, task, weights, classes }: TrainingData): number {
  const rows = Int32Array.from(values.keys()).filter((row) => !Number.isNaN(values[row]!));
  const weightOf = (row: number) => (weights === undefined ? 1 : weights[row]!);
  const sumOver = (of: Int32Array, term: (row: number) => number) =>
    exactSum(of.length, (at) => weightOf(of[at]!) * term(of[at]!));
  const total = sumOver(rows, () => 1);
  const mean = sumOver(rows, (row) => values[row]!) / total;
  const squares = sumOver(rows, (row) => (values[row]! - mean) ** 2);
  if (!(squares > 0)) return 0;
  if (task === "regression" || task === "ranking") {
    const target = sumOver(rows, (row) => y[row]!) / total;
    const joint = sumOver(rows, (row) => (values[row]! - mean) * (y[row]! - target));
    const correlation = joint / Math.sqrt(squares * sumOver(rows, (row) => (y[row]! - target) ** 2));
    const explained = correlation * correlation;
    return statistic(explained, 1, 1 - explained, total - 2);
  }
  const groups = classes.map((_, index) => rows.filter((row) => y[row] === index)).filter((group) => sumOver(group, () => 1) > 0);
  const between = groups.map((group) => {
    const count = sumOver(group, () => 1);
    return count * (sumOver(group, (row) => values[row]!) / count - mean) ** 2;
  });
  const betweenSquares = between.reduce((a, b) => a + b, 0);
  return statistic(betweenSquares, groups.length - 1, squares - betweenSquares, total - groups.length);
}

function statistic(explained: number, degrees: number, left: number, degreesLeft: number): number {
  if (!(explained > 0) || degrees < 1 || degreesLeft <= 0) return 0;
  return left > 0 ? explained / degrees / (left / degreesLeft) : Number.POSITIVE_INFINITY;
}
