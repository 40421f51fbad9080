/**
 * Nearest neighbours in an ONNX graph, in double. The training rows are in the file: 8 bytes per row and dimension, and 8 per row and output. Scoring N rows against
 * M of training holds N x M doubles.
 *
 *   points [N, w] -- MatMul rows' -- Sub from |p|^2 / 2 -- TopK (some more than asked for) -- sorted by row -+
 *        +-- distances to these, Sub first and then squared, as ours -- TopK -- Gather labels -- weighted mean +
 *
 * The first order suffers from cancellation and only has to hold the nearest among its SPARE more; the second gives exact zeros for equal rows.
 */
import type { GraphBuilder } from "../../onnx/index.ts";
import { addPoints } from "../point-graph.ts";
import type { NeighboursModel } from "./predictor.ts";

/** Rows beyond those asked for that are looked at again: as many may lie at the same distance as the last neighbour. */
const SPARE = 64;

export function addNeighbours(
  graph: GraphBuilder,
  tensors: Readonly<Record<string, string>>,
  { space, points, y, neighbours, weighting }: NeighboursModel,
  outputs: number,
): string {
  const { width } = space;
  const rowCount = y.length;
  const ints = (...values: number[]) => graph.constant("int64", values);
  const nearest = (values: string, count: number, isSorted: 0 | 1) =>
    graph.addMany("TopK", [values, ints(count)], 2, { axis: { int: 1 }, largest: { int: 0 }, sorted: { int: isSorted } });
  const queries = addPoints(graph, tensors, space);
  const rows = graph.constant("float64", points, [rowCount, width]);
  const halves = Float64Array.from({ length: rowCount }, (_, row) => {
    let sum = 0;
    for (let at = row * width; at < (row + 1) * width; at++) sum += points[at]! ** 2;
    return sum / 2;
  });
  const products = graph.add("MatMul", [queries, graph.add("Transpose", [rows], { perm: { ints: [1, 0] } })]);
  const scores = graph.add("Sub", [graph.constant("float64", halves, [1, rowCount]), products]);
  const near = nearest(scores, Math.min(rowCount, neighbours + SPARE), 1)[1]!;
  const candidates = nearest(near, Math.min(rowCount, neighbours + SPARE), 1)[0]!;
  const away = graph.add("Sub", [graph.add("Unsqueeze", [queries, ints(1)]), graph.add("Gather", [rows, candidates])]);
  const squares = graph.add("ReduceSum", [graph.add("Mul", [away, away]), ints(2)], { keepdims: { int: 0 } });
  const [distances, places] = nearest(squares, neighbours, 1) as [string, string];
  const chosen = graph.add("GatherElements", [candidates, places], { axis: { int: 1 } });
  const votes = graph.add("Gather", [votesOf(graph, y, outputs), chosen]);
  if (weighting === "uniform") return graph.add("ReduceMean", [votes], { axes: { ints: [1] }, keepdims: { int: 0 } });
  const weights = graph.add("Unsqueeze", [closeness(graph, distances), ints(2)]);
  const sum = graph.add("ReduceSum", [graph.add("Mul", [votes, weights]), ints(1)], { keepdims: { int: 0 } });
  return graph.add("Div", [sum, graph.add("ReduceSum", [weights, ints(1)], { keepdims: { int: 0 } })]);
}

/** A row's vote: its number, or 1 for its class. */
function votesOf(graph: GraphBuilder, y: Float64Array, outputs: number): string {
  if (outputs === 1) return graph.constant("float64", y, [y.length, 1]);
  const votes = new Float64Array(y.length * outputs);
  y.forEach((label, row) => {
    votes[row * outputs + label] = 1;
  });
  return graph.constant("float64", votes, [y.length, outputs]);
}

/** 1 / distance; where a row is equal, 1 for such and 0 for all others. */
function closeness(graph: GraphBuilder, squares: string): string {
  const isEqual = graph.add("Cast", [graph.add("Equal", [squares, graph.constant("float64", [0], [1, 1])])], { to: { int: 11 } });
  const anyEqual = graph.add("Cast", [graph.add("ReduceMax", [isEqual], { axes: { ints: [1] }, keepdims: { int: 1 } })], {
    to: { int: 9 },
  });
  const inverse = graph.add("Reciprocal", [graph.add("Sqrt", [squares])]);
  return graph.add("Where", [anyEqual, isEqual, inverse]);
}
