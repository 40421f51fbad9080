/**
 * From a model's probabilities to calibrated ones. A map for each output, from log odds: clipped a billionth from 0 and 1, so that the last bit of a
 * probability next to 1 cannot move them; several classes are mapped one against the rest and divided by their sum.
 */
import type { GraphBuilder } from "../../onnx/index.ts";
import { badModel, pack, unpackFloat64 } from "../packed.ts";
import { fitIsotonic, type Isotonic, isotonicAt } from "./isotonic.ts";
import { fitPlatt, type Platt, targetsOf } from "./platt.ts";

export type CalibrationMap = ({ readonly method: "platt" } & Platt) | ({ readonly method: "isotonic" } & Isotonic);
export type CalibrationMethod = CalibrationMap["method"];

const CLIP = 1e-9;
/** Log odds closer than this are equal to an isotonic fit: a graph's differ from ours in the last bits, and steps must not blow that up. */
const APART = 1e-6;
/** Added to each class, so that a row which no class claims gets equal shares, without a jump. */
const SHARE_MIN = 1e-9;

export interface CalibrationOrder {
  /** Rows x outputs, of rows that the model was not trained on. */
  readonly probabilities: Float64Array;
  /** Class indices. */
  readonly y: Float64Array;
  readonly weights: Float64Array | undefined;
  readonly outputs: number;
  readonly method: CalibrationMethod;
}

/** One map for each output; a job of a crew. */
export function fitMaps({ probabilities, y, weights, outputs, method }: CalibrationOrder): {
  maps: CalibrationMap[];
  converged: boolean;
} {
  let converged = true;
  const maps = Array.from({ length: outputs }, (_, output): CalibrationMap => {
    const positive = outputs === 1 ? 1 : output;
    const scores = Float64Array.from(y, (_, row) => logOdds(probabilities[row * outputs + output]!));
    const happened = y.map((label) => (label === positive ? 1 : 0));
    if (method === "isotonic")
      return { method, ...withoutCertainty(fitIsotonic(scores, happened, weights, APART), happened, weights) };
    const { converged: ended, ...platt } = fitPlatt(scores, happened, weights);
    converged &&= ended;
    return { method, ...platt };
  });
  return { maps, converged };
}

/** Keeps probabilities as far from 0 and 1 as Platt's targets are: so many rows of one outcome do not prove that the other cannot be. */
function withoutCertainty({ scores, values }: Isotonic, y: Float64Array, weights: Float64Array | undefined): Isotonic {
  const [low, high] = targetsOf(y, weights);
  return { scores, values: values.map((value) => Math.min(Math.max(value, low), high)) };
}

/** Calibrates predictions in place. */
export function applyMaps(maps: readonly CalibrationMap[], probabilities: Float64Array): void {
  for (let first = 0; first < probabilities.length; first += maps.length) {
    let sum = 0;
    for (let k = 0; k < maps.length; k++) sum += probabilities[first + k] = mapped(maps[k]!, logOdds(probabilities[first + k]!));
    if (maps.length === 1) continue;
    const total = sum + SHARE_MIN * maps.length;
    for (let k = 0; k < maps.length; k++) probabilities[first + k] = (probabilities[first + k]! + SHARE_MIN) / total;
  }
}

const mapped = (map: CalibrationMap, score: number) =>
  map.method === "platt" ? 1 / (1 + Math.exp(map.slope * score + map.offset)) : isotonicAt(map, score);

function logOdds(probability: number): number {
  const p = Math.min(Math.max(probability, CLIP), 1 - CLIP);
  return Math.log(p / (1 - p));
}

/** The same in a graph; `probabilities`: double [N, outputs]. */
export function addMaps(graph: GraphBuilder, maps: readonly CalibrationMap[], probabilities: string): string {
  const scalar = (value: number) => graph.constant("float64", [value], []);
  const p = graph.add("Clip", [probabilities, scalar(CLIP), scalar(1 - CLIP)]);
  const scores = graph.add("Log", [graph.add("Div", [p, graph.add("Sub", [scalar(1), p])])]);
  if (maps.length === 1) return addMap(graph, maps[0]!, scores);
  const columns = maps.map((map, k) =>
    addMap(graph, map, graph.add("Gather", [scores, graph.constant("int64", [k])], { axis: { int: 1 } })),
  );
  const shares = graph.add("Add", [graph.add("Concat", columns, { axis: { int: 1 } }), scalar(SHARE_MIN)]);
  const total = graph.add("ReduceSum", [shares, graph.constant("int64", [1])], { keepdims: { int: 1 } });
  return graph.add("Div", [shares, total]);
}

/**
 * Isotonic: first value + sum over the segments of their rise x how far into them the score is,
 *
 *     scores [N, 1] -- Sub starts -- Div lengths -- Max 0 -- Min 1 -- MatMul rises -- Add first value
 */
function addMap(graph: GraphBuilder, map: CalibrationMap, scores: string): string {
  const matrix = (values: Iterable<number>, shape: readonly number[]) => graph.constant("float64", values, shape);
  if (map.method === "platt") {
    const f = graph.add("Add", [graph.add("Mul", [scores, matrix([-map.slope], [1, 1])]), matrix([-map.offset], [1, 1])]);
    return graph.add("Sigmoid", [f]);
  }
  const { scores: knots, values } = map;
  const segments = Math.max(1, knots.length - 1);
  const differences = (of: Float64Array, alone: number) =>
    of.length === 1 ? [alone] : Array.from({ length: segments }, (_, at) => of[at + 1]! - of[at]!);
  const into = graph.add("Sub", [scores, matrix(knots.subarray(0, segments), [1, segments])]);
  const shares = graph.add("Div", [into, matrix(differences(knots, 1), [1, segments])]);
  const inside = graph.add("Min", [graph.add("Max", [shares, matrix([0], [1, 1])]), matrix([1], [1, 1])]);
  const risen = graph.add("MatMul", [inside, matrix(differences(values, 0), [segments, 1])]);
  return graph.add("Add", [risen, matrix([values[0]!], [1, 1])]);
}

export const mapToJson = (map: CalibrationMap) =>
  map.method === "platt" ? { ...map } : { method: map.method, scores: pack(map.scores), values: pack(map.values) };

/** Error: `learn.bad-model`. */
export function mapFromJson(json: unknown): CalibrationMap {
  const { method, slope, offset, scores, values } = (json ?? {}) as Record<string, unknown>;
  if (method === "platt" && typeof slope === "number" && typeof offset === "number") return { method, slope, offset };
  if (method !== "isotonic") throw badModel("a calibration is of no known method");
  const map: CalibrationMap = { method, scores: unpackFloat64(scores), values: unpackFloat64(values) };
  const rises = (of: Float64Array) => of.every((value, at) => at === 0 || value >= of[at - 1]!);
  if (map.scores.length === 0 || map.scores.length !== map.values.length || !rises(map.scores) || !rises(map.values))
    throw badModel("a calibration does not rise");
  return map;
}
