/** Training rows that vote on a new one: the nearest, of equally near ones the first. */
import { type Json, MillError } from "../../base/index.ts";
import { crewSize, runCrew } from "../crew/crew.ts";
import { sharedFloat64, sharedInt32, sharedUint32 } from "../crew/shared.ts";
import type { FitContext, LearnTask, Predictor } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import { outputsOf } from "../link.ts";
import { badModel, pack, unpackFloat64 } from "../packed.ts";
import { fillPoints, pointFiller, pointReader } from "../point-rows.ts";
import { columnsOf, dimensionsOf, factorOf, type PointSpace, pointEdges, spaceFromJson, spaceToJson } from "../points.ts";
import { BATCH, createIndex, createScratch, type SearchScratch } from "./neighbor-index.ts";
import { addNeighbours } from "./neighbours-graph.ts";
import { type Found, findNeighboursHere, isLittle, neighborsKernel, type SearchOrder, searchBatch } from "./search.ts";

export const WEIGHTINGS = ["uniform", "distance"] as const;

export interface NeighboursModel {
  readonly estimator: string;
  readonly task: LearnTask;
  readonly classes: readonly string[];
  readonly space: PointSpace;
  /** Of the training rows: row-major, rows x width. */
  readonly points: Float64Array;
  readonly y: Float64Array;
  readonly neighbours: number;
  readonly weighting: (typeof WEIGHTINGS)[number];
}

const models = new WeakMap<Predictor, NeighboursModel>();

export function neighboursPredictor(model: NeighboursModel): Predictor {
  const { estimator, task, classes, space, neighbours } = model;
  const outputs = outputsOf(task, classes);
  let searcher: Searcher | undefined;
  const ready = () => (searcher ??= createSearcher(model));

  function predict(X: Frame): Float64Array {
    const { index, factor, scratch, search } = ready();
    const fill = pointFiller(space, X, index.stride, factor);
    const predictions = new Float64Array(X.rowCount * outputs);
    for (let from = 0; from < X.rowCount; from += BATCH) {
      const to = Math.min(X.rowCount, from + BATCH);
      fill(from, to, scratch.queries);
      search(to - from);
      for (let query = 0; query < to - from; query++)
        vote(
          model,
          scratch,
          factor,
          query * neighbours,
          predictions.subarray((from + query) * outputs, (from + query + 1) * outputs),
        );
    }
    return predictions;
  }

  function rowScorer(): ReturnType<Predictor["rowScorer"]> {
    const read = pointReader(space);
    return (row) => {
      const { factor, scratch, search } = ready();
      const point = read(row);
      for (let at = 0; at < space.width; at++) scratch.queries[at] = point[at]! * factor;
      search(1);
      const prediction = new Float64Array(outputs);
      vote(model, scratch, factor, 0, prediction);
      return prediction;
    };
  }

  const predictor: Predictor = {
    estimator,
    task,
    classes,
    inputs: columnsOf(space),
    outputs,
    predict,
    rowScorer,
    addTo: (graph, tensors) => addNeighbours(graph, tensors, model, outputs),
    edges: () => pointEdges(space),
    importance: () => importanceOf(model),
    toJson: () => neighboursToJson(model),
  };
  models.set(predictor, model);
  return predictor;
}

interface Searcher extends ReturnType<typeof createIndex> {
  readonly factor: number;
  readonly scratch: SearchScratch;
  search(count: number): void;
}

function createSearcher({ space, points, neighbours }: Pick<NeighboursModel, "space" | "points" | "neighbours">): Searcher {
  const factor = factorOf(space);
  const { index, arena } = createIndex(points, space.width, { factor });
  const scratch = createScratch(arena, index, neighbours);
  const kernel = neighborsKernel(index.memory);
  return { index, arena, factor, scratch, search: (count) => searchBatch(kernel, index, scratch, count) };
}

/** Shares of the neighbours' votes, or the mean of their numbers; by distance, those that are equal to the row outvote all others. */
function vote(
  { weighting, neighbours, y }: NeighboursModel,
  { distances, rows }: Found,
  factor: number,
  first: number,
  into: Float64Array,
): void {
  const isCloseness = weighting === "distance";
  const isEqual = isCloseness && distances[first] === 0;
  let total = 0;
  for (let at = first; at < first + neighbours; at++) {
    const distance = distances[at]!;
    const weight = isEqual ? (distance === 0 ? 1 : 0) : isCloseness ? factor / Math.sqrt(distance) : 1;
    const label = y[rows[at]!]!;
    total += weight;
    if (into.length > 1) into[label]! += weight;
    else into[0]! += weight * label;
  }
  for (let at = 0; at < into.length; at++) into[at]! /= total;
}

/**
 * The nearest training rows of each row, by a crew: squared distances in the model's space and places of the rows, the nearest first, X.rowCount x neighbours.
 * Errors: `learn.bad-parameter` when the predictor does not hold its training rows, `learn.bad-column`, `learn.cancelled`.
 */
export async function nearestRows(
  predictor: Predictor,
  X: Frame,
  context: Pick<FitContext, "threads" | "progress" | "signal">,
): Promise<Found> {
  const model = models.get(predictor);
  if (model === undefined) throw noRows(predictor.estimator);
  return await searchRows(model, X, context);
}

const noRows = (estimator: string) =>
  new MillError("learn.bad-parameter", `A model of ${estimator} does not hold its training rows.`, {
    at: "predictor",
    expected: "a model of nearest-neighbours",
    got: estimator,
    fix: "Train nearest-neighbours on the rows, and ask its model.",
  });

export async function searchRows(
  model: Pick<NeighboursModel, "space" | "points" | "neighbours">,
  X: Frame,
  context: Pick<FitContext, "threads" | "progress" | "signal">,
): Promise<Found> {
  const factor = factorOf(model.space);
  const count = X.rowCount;
  const found = { distances: sharedFloat64(count * model.neighbours), rows: sharedUint32(count * model.neighbours) };
  const orderFor = (members: number): SearchOrder => {
    const { index, arena, scratch } = createSearcher(model);
    const queries = sharedFloat64(count * index.stride);
    fillPoints(model.space, X, queries, index.stride, factor);
    const others = Array.from({ length: members - 1 }, () => createScratch(arena, index, model.neighbours));
    return { index, scratch: [scratch, ...others], queries, count, found, next: sharedInt32(1) };
  };
  const { width } = model.space;
  if (isLittle(model.points.length / width, width, count)) await findNeighboursHere(orderFor(1), context);
  else {
    const members = crewSize(count, context.threads);
    await runCrew("find-neighbours", () => orderFor(members), members, context);
  }
  for (let at = 0; at < found.distances.length; at++) found.distances[at]! /= factor ** 2;
  return found;
}

/** Each column's share of the squared distances between the training rows. */
function importanceOf({ space, points }: NeighboursModel): Record<string, number> {
  const { width } = space;
  const [sums, squares] = [new Float64Array(width), new Float64Array(width)];
  for (let at = 0; at < points.length; at++) {
    sums[at % width]! += points[at]!;
    squares[at % width]! += points[at]! ** 2;
  }
  const rows = points.length / width;
  const spread = (at: number) => Math.max(0, squares[at]! - sums[at]! ** 2 / rows);
  const spreads = dimensionsOf(space).map((dimensions) => dimensions.reduce((sum, at) => sum + spread(at), 0));
  const total = spreads.reduce((a, b) => a + b, 0);
  return Object.fromEntries(space.inputs.map(({ name }, at) => [name, total > 0 ? spreads[at]! / total : 1 / spreads.length]));
}

const neighboursToJson = ({ estimator, task, classes, space, points, y, neighbours, weighting }: NeighboursModel): Json => ({
  ...{ estimator, task, classes, columns: spaceToJson(space), points: pack(points), y: pack(y) },
  ...{ neighbours, weighting },
});

/** The way back from `toJson`. Error: `learn.bad-model`. */
export function neighboursFromJson(json: Record<string, unknown>): Predictor {
  const space = spaceFromJson(json.columns);
  const [points, y] = [unpackFloat64(json.points), unpackFloat64(json.y)];
  const { neighbours, weighting } = json as { neighbours: number; weighting: NeighboursModel["weighting"] };
  if (y.length === 0 || points.length !== y.length * space.width) throw badModel("its rows are incomplete");
  if (!Number.isInteger(neighbours) || neighbours < 1 || neighbours > y.length)
    throw badModel("its number of neighbours is none");
  if (!WEIGHTINGS.includes(weighting)) throw badModel("how its neighbours weigh is not said");
  const [task, classes] = [json.task as LearnTask, json.classes as string[]];
  if (classes.length > 0 && !y.every((label) => Number.isInteger(label) && label >= 0 && label < classes.length))
    throw badModel("a label is of no class");
  return neighboursPredictor({ estimator: json.estimator as string, task, classes, space, points, y, neighbours, weighting });
}
