/** Centres that each stand for a cluster: a row belongs to the nearest. */
import type { Json } from "../../base/index.ts";
import type { GraphBuilder } from "../../onnx/index.ts";
import type { Predictor } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import { badModel, pack, unpackFloat64 } from "../packed.ts";
import { addPoints } from "../point-graph.ts";
import { eachPoints, pointReader } from "../point-rows.ts";
import { columnsOf, dimensionsOf, type PointSpace, pointEdges, spaceFromJson, spaceToJson } from "../points.ts";

export interface CentresModel {
  readonly estimator: string;
  readonly space: PointSpace;
  /** Row-major, clusters x width. */
  readonly centres: Float64Array;
  /** Weight of the training rows of each cluster. */
  readonly masses: Float64Array;
  /** Sum over the training rows of weight x squared distance to the nearest centre. */
  readonly inertia: number;
}

export function centresPredictor(model: CentresModel): Predictor {
  const { estimator, space, centres, masses } = model;
  const halves = masses.map((_, cluster) => halfNorm(centres, cluster, space.width));

  /** By |c|^2 / 2 - p c, as the graph does; of equally near ones the first. */
  const nearest = (points: Float64Array, first: number) => {
    let [best, label] = [Infinity, 0];
    for (let cluster = 0, from = 0; cluster < masses.length; cluster++, from += space.width) {
      let score = halves[cluster]!;
      for (let at = 0; at < space.width; at++) score -= points[first + at]! * centres[from + at]!;
      if (score < best) [best, label] = [score, cluster];
    }
    return label;
  };

  function predict(X: Frame): Float64Array {
    const labels = new Float64Array(X.rowCount);
    eachPoints(space, X, (points, from, to) => {
      for (let row = from; row < to; row++) labels[row] = nearest(points, (row - from) * space.width);
    });
    return labels;
  }

  function rowScorer(): ReturnType<Predictor["rowScorer"]> {
    const read = pointReader(space);
    return (row) => Float64Array.of(nearest(read(row), 0));
  }

  return {
    estimator,
    task: "clustering",
    classes: [],
    inputs: columnsOf(space),
    outputs: 1,
    predict,
    rowScorer,
    addTo: (graph, tensors) => addNearest(graph, addPoints(graph, tensors, space), model, halves),
    edges: () => pointEdges(space),
    importance: () => importanceOf(model),
    toJson: () => centresToJson(model),
  };
}

function halfNorm(centres: Float64Array, cluster: number, width: number): number {
  let sum = 0;
  for (let at = cluster * width; at < (cluster + 1) * width; at++) sum += centres[at]! ** 2;
  return sum / 2;
}

function addNearest(graph: GraphBuilder, points: string, { centres, masses, space }: CentresModel, halves: Float64Array): string {
  const [clusters, width] = [masses.length, space.width];
  const turned = Float64Array.from(centres, (_, at) => centres[(at % clusters) * width + Math.floor(at / clusters)]!);
  const products = graph.add("MatMul", [points, graph.constant("float64", turned, [width, clusters])]);
  const scores = graph.add("Sub", [graph.constant("float64", halves, [1, clusters]), products]);
  return graph.add("Cast", [graph.add("ArgMin", [scores], { axis: { int: 1 }, keepdims: { int: 1 } })], { to: { int: 11 } });
}

/** Each column's share of the variance between the centres. */
function importanceOf({ space, centres, masses }: CentresModel): Record<string, number> {
  const total = masses.reduce((a, b) => a + b, 0);
  const spreadOf = (dimension: number) => {
    const at = (cluster: number) => centres[cluster * space.width + dimension]!;
    const mean = masses.reduce((sum, mass, cluster) => sum + mass * at(cluster), 0) / total;
    return masses.reduce((sum, mass, cluster) => sum + mass * (at(cluster) - mean) ** 2, 0);
  };
  const spreads = dimensionsOf(space).map((dimensions) => dimensions.reduce((sum, dimension) => sum + spreadOf(dimension), 0));
  const sum = spreads.reduce((a, b) => a + b, 0);
  return Object.fromEntries(space.inputs.map(({ name }, index) => [name, sum > 0 ? spreads[index]! / sum : 1 / spreads.length]));
}

const centresToJson = ({ estimator, space, centres, masses, inertia }: CentresModel): Json => ({
  ...{ estimator, task: "clustering", classes: [] },
  ...{ columns: spaceToJson(space), centres: pack(centres), masses: pack(masses), inertia },
});

/** The way back from `toJson`. Error: `learn.bad-model`. */
export const centresFromJson = (json: Record<string, unknown>): Predictor => centresPredictor(readCentres(json));

export function readCentres(json: Record<string, unknown>): CentresModel {
  const space = spaceFromJson(json.columns);
  const [centres, masses, inertia] = [unpackFloat64(json.centres), unpackFloat64(json.masses), json.inertia];
  if (masses.length === 0 || centres.length !== masses.length * space.width) throw badModel("its centres are incomplete");
  if (typeof inertia !== "number") throw badModel("its inertia is no number");
  return { estimator: json.estimator as string, space, centres, masses, inertia };
}
