/** A trained forest with its preprocessing: float32 for numbers, bins for texts, NaN for what is missing or not known. */
import { type EdgeValues, UNSEEN_TEXT } from "../edge-rows.ts";
import type { Explanation, LearnTask, Predictor } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import { type BoundColumn, bindColumns, type InputColumn, numberOf } from "../inputs.ts";
import { applyLink, type Link, outputsOf } from "../link.ts";
import { floatAbove, floatBelow, LAST_EDGE } from "./binning.ts";
import type { Forest } from "./forest.ts";
import { addForest } from "./forest-graph.ts";
import { forestModelFromJson, forestToJson } from "./forest-json.ts";
import { type BlockScorer, createBlockScorer, createRowScorer, plainScorer } from "./scorer.ts";

import { createShapley, type Shapley } from "./shapley.ts";

export interface ForestModel {
  readonly estimator: string;
  readonly task: LearnTask;
  readonly link: Link;
  readonly classes: readonly string[];
  readonly inputs: readonly InputColumn[];
  /** Per text column the bin of each of its texts; null for a number column. */
  readonly textBins: readonly (Int32Array | null)[];
  /** Score per output before the trees. */
  readonly start: Float64Array;
  /** Start and trees are summed and divided by it before the link: the number of trees where they are averaged, else 1. */
  readonly divisor: number;
  readonly forest: Forest;
}

/** From so many rows on it pays to lay the forest out for the kernel. */
const KERNEL_ROWS = 512;

export function forestPredictor(model: ForestModel): Predictor {
  const { estimator, task, classes, link, inputs, textBins, start, divisor, forest } = model;
  const outputs = outputsOf(task, classes);
  const width = inputs.length;

  let scorer: BlockScorer | undefined;

  function predict(X: Frame): Float64Array {
    const scores = scoresOf(X);
    applyLink(link, scores, outputs);
    return scores;
  }

  /** Scores before the link. */
  function scoresOf(X: Frame): Float64Array {
    const columns = bindColumns(X, inputs);
    const scores = new Float64Array(X.rowCount * outputs);
    if (X.rowCount >= KERNEL_ROWS) scorer ??= createBlockScorer(forest, width, outputs);
    const block = X.rowCount >= KERNEL_ROWS ? scorer! : plainScorer(forest, width, outputs);
    const bins = new Float64Array(block.rows);
    for (let first = 0; first < X.rowCount; first += block.rows) {
      const count = Math.min(block.rows, X.rowCount - first);
      columns.forEach((column, index) => {
        if ("values" in column) block.fill(index, column.values, first, count);
        else block.fill(index, binsOf(column, textBins[index]!, first, count, bins), 0, count);
      });
      for (let at = 0, end = count * outputs; at < end; at++) block.scores[at] = start[at % outputs]!;
      block.add(count);
      scores.set(block.scores.subarray(0, count * outputs), first * outputs);
    }
    divide(scores);
    return scores;
  }

  function divide(sums: Float64Array): void {
    if (divisor !== 1) for (let at = 0; at < sums.length; at++) sums[at]! /= divisor;
  }

  let shapley: Shapley | undefined;

  function explain(X: Frame): Explanation {
    shapley ??= createShapley(forest, forest.covers!, outputs);
    const columns = bindColumns(X, inputs);
    const values = new Float64Array(X.rowCount * width * outputs);
    const x = new Float32Array(width);
    const bin = new Float64Array(1);
    for (let row = 0; row < X.rowCount; row++) {
      columns.forEach((column, index) => {
        x[index] = "values" in column ? column.values[row]! : binsOf(column, textBins[index]!, row, 1, bin)[0]!;
      });
      shapley.add(x, 0, values, row * width * outputs);
    }
    const base = start.map((from, output) => from + shapley!.base[output]!);
    divide(base);
    divide(values);
    return { base, values, scores: scoresOf(X) };
  }

  function rowScorer(): ReturnType<Predictor["rowScorer"]> {
    const x = new Float32Array(width);
    const bins = inputs.map(({ texts }, column) => (texts === null ? null : binsByText(texts, textBins[column]!)));
    const names = inputs.map(({ name }) => name);
    const addRow = createRowScorer(forest, width, outputs);
    return (row) => {
      for (let column = 0; column < width; column++) {
        const value = row[names[column]!];
        const known = bins[column];
        x[column] = known ? (known.get(value as string) ?? NaN) : numberOf(value);
      }
      const scores = new Float64Array(outputs);
      for (let output = 0; output < outputs; output++) scores[output] = start[output]!;
      addRow(x, scores);
      divide(scores);
      applyLink(link, scores, outputs);
      return scores;
    };
  }

  return {
    estimator,
    task,
    classes,
    inputs,
    outputs,
    predict,
    rowScorer,
    addTo: (graph, tensors, profile) => addForest(graph, tensors, model, profile),
    edges: () => edgesOf(inputs, forest),
    importance: () => importanceOf(inputs, forest),
    ...(forest.covers === null ? {} : { explain }),
    toJson: () => forestToJson(model),
  };
}

/** The way back from `toJson`. Error: `learn.bad-model`. */
export const forestFromJson = (json: Record<string, unknown>): Predictor => forestPredictor(forestModelFromJson(json));

/** The bins of `count` texts from `first` on, in `into`; NaN for what is missing or not known. */
function binsOf(
  { codes, levelOf }: Extract<BoundColumn, { codes: Int32Array }>,
  bins: Int32Array | null,
  first: number,
  count: number,
  into: Float64Array,
): Float64Array {
  for (let row = 0; row < count; row++) {
    const code = codes[first + row]!;
    const level = code < 0 ? -1 : levelOf[code]!;
    into[row] = level < 0 ? NaN : bins![level]!;
  }
  return into;
}

const binsByText = (texts: readonly string[], bins: Int32Array) =>
  new Map(texts.map((text, level) => [text, bins[level]!] as const));

/** Each threshold, one float32 step either side, and the nearest double above it, which rounding puts back on it. */
function edgesOf(inputs: readonly InputColumn[], forest: Forest): EdgeValues[] {
  return inputs.map(({ name, texts }, column) => {
    if (texts !== null) return { name, texts: [null, UNSEEN_TEXT, ...texts] };
    const thresholds = new Set(forest.thresholds.filter((_, node) => forest.columns[node] === column));
    const around = [...thresholds].flatMap((t) =>
      t === LAST_EDGE ? [t] : [t, floatBelow(t), floatAbove(t), t + Math.abs(t) * Number.EPSILON],
    );
    return { name, numbers: [NaN, 0, -1e300, 1e300, ...around] };
  });
}

function importanceOf(inputs: readonly InputColumn[], forest: Forest): Record<string, number> {
  const gains = new Float64Array(inputs.length);
  forest.columns.forEach((column, node) => {
    if (column >= 0) gains[column]! += forest.gains[node]!;
  });
  const total = gains.reduce((a, b) => a + b, 0);
  return Object.fromEntries(inputs.map(({ name }, column) => [name, total > 0 ? gains[column]! / total : 1 / inputs.length]));
}
