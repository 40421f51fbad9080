/** A trained forest with its preprocessing: float32 for numbers, bins for texts, NaN for what is missing or not known. */
import type { Json } from "../../base/index.ts";
import { type EdgeValues, UNSEEN_TEXT } from "../edge-rows.ts";
import type { LearnTask, Predictor } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import { type BoundColumn, bindColumns, type InputColumn, inputsFromJson, inputsToJson, numberOf } from "../inputs.ts";
import { applyLink, LINKS, type Link, linkOf, outputsOf } from "../link.ts";
import { badModel, pack, unpackFloat32, unpackFloat64, unpackInt32, unpackUint8 } from "../packed.ts";
import { floatAbove, floatBelow, LAST_EDGE } from "./binning.ts";
import { addTrees, type Forest, SET_WORDS } from "./forest.ts";
import { addForest } from "./forest-graph.ts";

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
  readonly forest: Forest;
}

/** Rows that are scored together: their values and scores stay in the first-level cache. */
const BLOCK = 256;

export function forestPredictor(model: ForestModel): Predictor {
  const { estimator, task, classes, link, inputs, textBins, start, forest } = model;
  const outputs = outputsOf(task, classes);
  const width = inputs.length;

  function predict(X: Frame): Float64Array {
    const columns = bindColumns(X, inputs);
    const scores = new Float64Array(X.rowCount * outputs);
    const x = new Float32Array(BLOCK * width);
    for (let first = 0; first < X.rowCount; first += BLOCK) {
      const count = Math.min(BLOCK, X.rowCount - first);
      columns.forEach((column, index) => {
        fillColumn(column, textBins[index]!, x, index, width, first, count);
      });
      const block = scores.subarray(first * outputs, (first + count) * outputs);
      for (let row = 0; row < count; row++) block.set(start, row * outputs);
      addTrees(forest, x, width, count, outputs, block);
    }
    applyLink(link, scores, outputs);
    return scores;
  }

  function rowScorer(): ReturnType<Predictor["rowScorer"]> {
    const x = new Float32Array(width);
    const bins = inputs.map(({ texts }, column) => (texts === null ? null : binsByText(texts, textBins[column]!)));
    const names = inputs.map(({ name }) => name);
    return (row) => {
      for (let column = 0; column < width; column++) {
        const value = row[names[column]!];
        const known = bins[column];
        x[column] = known ? (known.get(value as string) ?? NaN) : numberOf(value);
      }
      const scores = Float64Array.from(start);
      addTrees(forest, x, width, 1, outputs, scores);
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
    addTo: (graph, tensors) => addForest(graph, tensors, model),
    edges: () => edgesOf(inputs, forest),
    importance: () => importanceOf(inputs, forest),
    toJson: () => forestToJson(model),
  };
}

function fillColumn(
  column: BoundColumn,
  bins: Int32Array | null,
  x: Float32Array,
  index: number,
  width: number,
  first: number,
  count: number,
): void {
  let at = index;
  if ("values" in column) {
    for (let row = first; row < first + count; row++, at += width) x[at] = column.values[row]!;
    return;
  }
  const { codes, levelOf } = column;
  for (let row = first; row < first + count; row++, at += width) {
    const level = codes[row]! < 0 ? -1 : levelOf[codes[row]!]!;
    x[at] = level < 0 ? NaN : bins![level]!;
  }
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

function forestToJson({ estimator, task, link, classes, inputs, textBins, start, forest }: ForestModel): Json {
  return {
    estimator,
    task,
    classes,
    ...(link === linkOf(task) ? {} : { link }),
    inputs: inputsToJson(inputs),
    textBins: textBins.map((bins) => bins && pack(bins)),
    start: pack(start),
    roots: pack(forest.roots),
    columns: pack(forest.columns),
    thresholds: pack(forest.thresholds),
    lefts: pack(forest.lefts),
    missingLeft: pack(forest.missingLeft),
    values: pack(forest.values),
    gains: pack(forest.gains),
    setAts: pack(forest.setAts),
    setWords: pack(forest.setWords),
  };
}

/** The way back from `toJson`. Error: `learn.bad-model`. */
export function forestFromJson(json: Record<string, unknown>): Predictor {
  const task = json.task as LearnTask;
  const classes = json.classes as string[];
  const forest: Forest = {
    roots: unpackInt32(json.roots),
    columns: unpackInt32(json.columns),
    thresholds: unpackFloat32(json.thresholds),
    lefts: unpackInt32(json.lefts),
    missingLeft: unpackUint8(json.missingLeft),
    values: unpackFloat64(json.values),
    gains: unpackFloat64(json.gains),
    setAts: unpackInt32(json.setAts),
    setWords: unpackInt32(json.setWords),
  };
  const inputs = inputsFromJson(json.inputs);
  const textBins = inputs.map(({ texts }, column) =>
    texts === null ? null : unpackInt32((json.textBins as unknown[] | undefined)?.[column]),
  );
  const link = json.link === undefined ? linkOf(task) : LINKS.find((known) => known === json.link);
  if (link === undefined) throw badModel("its link is not named");
  const model: ForestModel = {
    estimator: json.estimator as string,
    task,
    classes,
    link,
    inputs,
    textBins,
    start: unpackFloat64(json.start),
    forest,
  };
  checkForest(model);
  return forestPredictor(model);
}

/** A damaged forest must not send a prediction into an endless walk. */
function checkForest({ task, classes, inputs, textBins, start, forest }: ForestModel): void {
  const { roots, columns, thresholds, lefts, missingLeft, values, gains, setAts, setWords } = forest;
  const nodeCount = columns.length;
  const sameLength = [thresholds, lefts, missingLeft, values, gains, setAts].every(({ length }) => length === nodeCount);
  if (!sameLength || start.length !== outputsOf(task, classes)) throw badModel("the parts of its forest do not fit together");
  if (!inputs.every(({ texts }, column) => texts === null || textBins[column]!.length === texts.length))
    throw badModel("a text has no bin");
  if (!setAts.every((at) => at === -1 || (at >= 0 && at + SET_WORDS <= setWords.length)))
    throw badModel("a set of its forest is missing");
  if (!roots.every((root) => root >= 0 && root < nodeCount)) throw badModel("a tree has no root");
  const sound = columns.every(
    (column, node) => column < 0 || (column < inputs.length && lefts[node]! > node && lefts[node]! + 1 < nodeCount),
  );
  if (!sound) throw badModel("a node of its forest points nowhere");
}
