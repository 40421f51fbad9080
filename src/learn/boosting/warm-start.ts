/** Going on from a forest: its scores are where the new trees begin, its bins of texts stay what they are, and its trees stand before the new ones. */
import { sharedCopy } from "../crew/shared.ts";
import type { Predictor, TrainingData } from "../estimator.ts";
import type { Link } from "../link.ts";
import { badStart, checkStart } from "../start.ts";
import type { TreeColumn, TreeFrame } from "../trees/columns.ts";
import type { Forest } from "../trees/forest.ts";
import { forestModelFromJson } from "../trees/forest-json.ts";
import { type ForestModel, forestPredictor } from "../trees/predictor.ts";
import type { TrainingColumn } from "./bins.ts";

/** Errors: as `checkStart`, and `learn.bad-start` where it is of another link. */
export function startModelOf(start: Predictor, estimator: string, data: TrainingData, link: Link): ForestModel {
  checkStart(start, estimator, data);
  const model = forestModelFromJson(start.toJson() as Record<string, unknown>);
  if (model.link !== link) throw badStart("a loss with the same link", `the link ${model.link}`);
  return model;
}

/** The scores of its trees, before the link. */
export const scoresOf = (model: ForestModel, data: TrainingData): Float64Array =>
  sharedCopy(forestPredictor({ ...model, link: "identity" }).predict(data.X));

/** Gives a text column the bins that its texts have in the model. */
export const binnedAs =
  ({ inputs, textBins }: ForestModel, { texts }: TreeFrame) =>
  (column: TreeColumn, index: number): TrainingColumn => {
    if (column.codes === undefined) return column;
    const known = new Map(inputs[index]!.texts!.map((text, level) => [text, textBins[index]![level]!] as const));
    return { ...column, bins: Int32Array.from(texts[index]!, (text) => known.get(text) ?? -1) };
  };

/** The trees of the first, then those of the second. */
export function joined(first: Forest, second: Forest): Forest {
  const nodes = first.columns.length;
  const words = first.setWords.length;
  const ints = (a: Int32Array, b: Int32Array) => Int32Array.from([...a, ...b]);
  const doubles = (a: Float64Array, b: Float64Array) => Float64Array.from([...a, ...b]);
  return {
    roots: ints(
      first.roots,
      second.roots.map((root) => root + nodes),
    ),
    columns: ints(first.columns, second.columns),
    thresholds: Float32Array.from([...first.thresholds, ...second.thresholds]),
    setAts: ints(
      first.setAts,
      second.setAts.map((at) => (at < 0 ? at : at + words)),
    ),
    setWords: ints(first.setWords, second.setWords),
    lefts: ints(
      first.lefts,
      second.lefts.map((left, node) => (second.columns[node]! < 0 ? left : left + nodes)),
    ),
    missingLeft: Uint8Array.from([...first.missingLeft, ...second.missingLeft]),
    values: doubles(first.values, second.values),
    gains: doubles(first.gains, second.gains),
    covers: first.covers && second.covers && doubles(first.covers, second.covers),
    vectors: null,
  };
}
