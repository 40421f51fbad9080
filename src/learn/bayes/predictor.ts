/** A trained naive Bayes: the logarithm of each class's share, and of each column's value in it, added up and made probabilities. */
import type { Json } from "../../base/index.ts";
import type { GraphBuilder } from "../../onnx/index.ts";
import type { EdgeValues } from "../edge-rows.ts";
import type { Explanation, LearnTask, Predictor } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import { bindColumns, type InputColumn, levelsByText, numberOf } from "../inputs.ts";
import { addLink, applyLink, linkOf, outputsOf } from "../link.ts";
import { badModel, pack, unpackFloat64 } from "../packed.ts";
import type { ClassCounts } from "./counts.ts";
import { type Density, densityFromJson } from "./density.ts";

export interface BayesModel {
  readonly estimator: string;
  readonly task: LearnTask;
  readonly classes: readonly string[];
  /** Logarithm of each class's share. */
  readonly priors: Float64Array;
  readonly columns: readonly { readonly name: string; readonly density: Density }[];
  /** How much each column tells of the class, in nats. */
  readonly gains: readonly number[];
  /** What more rows are added to; models of earlier versions have none. */
  readonly counts: ClassCounts | undefined;
}

export function bayesPredictor(model: BayesModel): Predictor {
  const { estimator, task, classes, priors, columns, gains, counts } = model;
  const count = classes.length;
  const outputs = outputsOf(task, classes);
  const link = linkOf(task);
  const inputs = columns.map(
    ({ name, density }): InputColumn => ({ name, texts: density.kind === "text" ? density.texts : null }),
  );

  /** Adds each column's logarithms to numbers that are `stride` apart from row to row, `offset` from column to column. */
  function addColumns(X: Frame, to: Float64Array, stride: number, offset: number): void {
    const bound = bindColumns(X, inputs);
    columns.forEach(({ density }, index) => {
      const column = bound[index]!;
      let first = index * offset;
      for (let row = 0; row < X.rowCount; row++, first += stride)
        if ("values" in column) density.add(column.values[row]!, to, first);
        else density.add(column.codes[row]! < 0 ? -1 : column.levelOf[column.codes[row]!]!, to, first);
    });
  }

  /** Of two classes the score is that of the second against the first. */
  function paired(values: Float64Array): Float64Array {
    if (outputs > 1) return values;
    return Float64Array.from({ length: values.length / 2 }, (_, at) => values[at * 2 + 1]! - values[at * 2]!);
  }

  function scoresOf(X: Frame): Float64Array {
    const scores = new Float64Array(X.rowCount * count);
    for (let at = 0; at < scores.length; at++) scores[at] = priors[at % count]!;
    addColumns(X, scores, count, 0);
    return paired(scores);
  }

  function predict(X: Frame): Float64Array {
    const scores = scoresOf(X);
    applyLink(link, scores, outputs);
    return scores;
  }

  function rowScorer(): ReturnType<Predictor["rowScorer"]> {
    const levels = columns.map(({ density }) => (density.kind === "text" ? levelsByText(density.texts) : null));
    return (row) => {
      const scores = Float64Array.from(priors);
      columns.forEach(({ name, density }, index) => {
        const value = row[name];
        if (density.kind === "number") density.add(numberOf(value), scores, 0);
        else density.add(typeof value === "string" ? (levels[index]!.get(value) ?? -1) : -1, scores, 0);
      });
      const predictions = paired(scores);
      applyLink(link, predictions, outputs);
      return predictions;
    };
  }

  function explain(X: Frame): Explanation {
    const values = new Float64Array(X.rowCount * columns.length * count);
    addColumns(X, values, columns.length * count, count);
    return { base: paired(Float64Array.from(priors)), values: paired(values), scores: scoresOf(X) };
  }

  function addTo(graph: GraphBuilder, tensors: Readonly<Record<string, string>>): string {
    const start = graph.constant("float64", priors, [1, count]);
    const terms = columns.map(({ name, density }) => density.draw(graph, tensors[name]!));
    const scores = terms.reduce((sum, term) => graph.add("Add", [sum, term]), start);
    if (outputs > 1) return addLink(graph, link, scores);
    const part = (at: number) => graph.add("Gather", [scores, graph.constant("int64", [at])], { axis: { int: 1 } });
    return addLink(graph, link, graph.add("Sub", [part(1), part(0)]));
  }

  const total = gains.reduce((a, b) => a + b, 0);
  return {
    ...{ estimator, task, classes, inputs, outputs },
    ...{ predict, rowScorer, explain, addTo },
    edges: () =>
      columns.map(
        ({ name, density }): EdgeValues =>
          density.kind === "number" ? { name, numbers: density.edges } : { name, texts: density.edges },
      ),
    importance: () =>
      Object.fromEntries(columns.map(({ name }, index) => [name, total > 0 ? gains[index]! / total : 1 / columns.length])),
    toJson: (): Json => ({
      ...{ estimator, task, classes, priors: pack(priors), gains },
      ...(counts === undefined ? {} : { counts: countsToJson(counts) }),
      columns: columns.map(({ name, density }): Json => ({ name, density: density.json })),
    }),
  };
}

/** The way back from `toJson`. Error: `learn.bad-model`. */
export const bayesFromJson = (json: Record<string, unknown>): Predictor => bayesPredictor(readBayes(json));

export function readBayes(json: Record<string, unknown>): BayesModel {
  const { columns, gains } = json;
  const classes = json.classes as string[];
  const priors = unpackFloat64(json.priors);
  if (priors.length !== classes.length || classes.length < 2) throw badModel("its classes have no shares");
  if (!Array.isArray(columns) || !Array.isArray(gains) || gains.length !== columns.length)
    throw badModel("its columns are not listed");
  return {
    ...{ estimator: json.estimator as string, task: json.task as LearnTask, classes, priors, gains },
    counts: json.counts === undefined ? undefined : countsFromJson(json.counts, classes.length, columns.length),
    columns: columns.map(({ name, density }) => {
      if (typeof name !== "string" || density === null || typeof density !== "object") throw badModel("a column has no name");
      return { name, density: densityFromJson(density, classes.length) };
    }),
  };
}

const countsToJson = ({ classWeights, sums, threshold }: ClassCounts): Json => ({
  classWeights: pack(classWeights),
  sums: sums.map(pack),
  threshold,
});

function countsFromJson(json: unknown, classCount: number, columnCount: number): ClassCounts {
  const { classWeights, sums, threshold } = (json ?? {}) as Record<string, unknown>;
  const weights = unpackFloat64(classWeights);
  if (weights.length !== classCount || !Array.isArray(sums) || sums.length !== columnCount || typeof threshold !== "number")
    throw badModel("its counts are incomplete");
  return { classWeights: weights, sums: sums.map(unpackFloat64), threshold };
}
