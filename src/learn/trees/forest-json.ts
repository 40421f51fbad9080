/** A forest as it is stored: each array packed. What only newer models have is left out where it is not there, so that older ones read the same. */
import type { Json } from "../../base/index.ts";
import type { LearnTask } from "../estimator.ts";
import { inputsFromJson, inputsToJson } from "../inputs.ts";
import { LINKS, linkOf, outputsOf } from "../link.ts";
import { badModel, pack, unpackFloat32, unpackFloat64, unpackInt32, unpackUint8 } from "../packed.ts";
import { type Forest, type LeafVectors, SET_WORDS } from "./forest.ts";
import type { ForestModel } from "./predictor.ts";

export function forestToJson({ estimator, task, link, classes, inputs, textBins, start, divisor, forest }: ForestModel): Json {
  return {
    estimator,
    task,
    classes,
    ...(link === linkOf(task) && divisor === 1 ? {} : { link, divisor }),
    inputs: inputsToJson(inputs),
    textBins: textBins.map((bins) => bins && pack(bins)),
    start: pack(start),
    ...packedForest(forest),
  };
}

export const packedForest = (forest: Forest) => ({
  roots: pack(forest.roots),
  columns: pack(forest.columns),
  thresholds: pack(forest.thresholds),
  lefts: pack(forest.lefts),
  missingLeft: pack(forest.missingLeft),
  values: pack(forest.values),
  gains: pack(forest.gains),
  setAts: pack(forest.setAts),
  setWords: pack(forest.setWords),
  ...(forest.covers === null ? {} : { covers: pack(forest.covers) }),
  ...(forest.vectors === null ? {} : { vectorAts: pack(forest.vectors.ats), vectors: pack(forest.vectors.values) }),
});

/** The way back from `toJson`. Error: `learn.bad-model`. */
export function forestModelFromJson(json: Record<string, unknown>): ForestModel {
  const task = json.task as LearnTask;
  const classes = json.classes as string[];
  const forest = forestFromPacked(json, outputsOf(task, classes));
  const inputs = inputsFromJson(json.inputs);
  const textBins = inputs.map(({ texts }, column) =>
    texts === null ? null : unpackInt32((json.textBins as unknown[] | undefined)?.[column]),
  );
  const link = json.link === undefined ? linkOf(task) : LINKS.find((known) => known === json.link);
  if (link === undefined) throw badModel("its link is not named");
  if ((json.link === undefined) !== (json.divisor === undefined))
    throw badModel("its link stands without its divisor, or that without its link");
  if ((json.vectors === undefined) !== (json.vectorAts === undefined)) throw badModel("its leaves' vectors are not there");
  const model: ForestModel = {
    estimator: json.estimator as string,
    task,
    classes,
    link,
    inputs,
    textBins,
    start: unpackFloat64(json.start),
    divisor: json.divisor === undefined ? 1 : Number(json.divisor),
    forest,
  };
  checkForest(model);
  return model;
}

/** `outputs`: of the vectors in its leaves. What does not hold together is found by `checkForest`. */
export const forestFromPacked = (json: Record<string, unknown>, outputs: number): Forest => ({
  roots: unpackInt32(json.roots),
  columns: unpackInt32(json.columns),
  thresholds: unpackFloat32(json.thresholds),
  lefts: unpackInt32(json.lefts),
  missingLeft: unpackUint8(json.missingLeft),
  values: unpackFloat64(json.values),
  gains: unpackFloat64(json.gains),
  setAts: unpackInt32(json.setAts),
  setWords: unpackInt32(json.setWords),
  covers: json.covers === undefined ? null : unpackFloat64(json.covers),
  vectors:
    json.vectors === undefined ? null : { width: outputs, ats: unpackInt32(json.vectorAts), values: unpackFloat64(json.vectors) },
});

/** A damaged forest must not send a prediction into an endless walk. */
function checkForest({ task, classes, inputs, textBins, start, divisor, forest }: ForestModel): void {
  const { roots, columns, thresholds, lefts, missingLeft, values, gains, setAts, setWords, covers, vectors } = forest;
  const nodeCount = columns.length;
  const perNode = [
    thresholds,
    lefts,
    missingLeft,
    values,
    gains,
    setAts,
    ...(covers ? [covers] : []),
    ...(vectors ? [vectors.ats] : []),
  ];
  const sameLength = perNode.every(({ length }) => length === nodeCount);
  if (!(divisor > 0 && divisor < Infinity)) throw badModel("its sums cannot be divided");
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
  const held = vectors === null || columns.every((column, node) => column >= 0 || holds(vectors, node));
  if (!held) throw badModel("a leaf of its forest is missing");
}

const holds = ({ width, ats, values }: LeafVectors, leaf: number) => ats[leaf]! >= 0 && (ats[leaf]! + 1) * width <= values.length;
