/**
 * Solves least squares with penalties: the job of the crew. Members add up the products of columns over chunks of rows, member 0 sums the chunks in their
 * order and solves. Where columns nearly make each other up, and the penalty does not help, the rows are reflected instead.
 */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import { packRows } from "../design.ts";
import { type Descent, descend } from "./coordinate-descent.ts";
import { createGram, type GramRows, mirror } from "./gram.ts";
import { centred, type NormalEquations, solveByCholesky } from "./normal-equations.ts";
import { shortestSolution, triangularise } from "./orthogonal.ts";

export interface SolveOrder extends Penalties {
  readonly data: GramRows;
  readonly memory: SolveMemory;
}

export interface Penalties {
  /** Per weight, the bias's 0: minimised is |y - X w|^2 / 2 + sum of l1 |w| + sum of l2 w^2 / 2. */
  readonly l1: Float64Array;
  readonly l2: Float64Array;
  /** Weights that others of their column make up: a text always has one of its values. */
  readonly spare: readonly number[];
  readonly iterationsMax: number;
  readonly tolerance: number;
}

/** What the members share. */
export interface SolveMemory {
  /** chunks x size x size, size being the weights and the label. */
  readonly partials: Float64Array;
  readonly chunks: number;
  /** [1 when the rows are to be reflected]; from the start where their products are known to say too little. */
  readonly reflects: Int32Array;
}

/** Weights and bias, the label's centre not added. */
export type Solved = Descent;

/** Rows x columns squared, beyond which near copies are left out instead of reflecting all rows. */
const REFLECTIONS_MAX = 4e10;
const BLOCK_ROWS_MIN = 256;

export function solveLeastSquares(order: SolveOrder, member: Member): Solved | null {
  const { data, memory } = order;
  const { rowCount, weightCount } = data.rows;
  const size = weightCount + 1;
  const steps = memory.chunks * 2 + 1;
  const partial = (chunk: number) => memory.partials.subarray(chunk * size * size, (chunk + 1) * size * size);
  const inChunks = (doneBefore: number, body: (from: number, to: number, into: Float64Array) => void) => {
    for (let chunk = member.index; chunk < memory.chunks; chunk += member.count) {
      const [from, to] = share(rowCount, chunk, memory.chunks);
      body(from, to, partial(chunk));
      member.progress(doneBefore + chunk + 1, steps);
    }
    member.barrier();
  };
  let solved: Solved | null = null;
  if (memory.reflects[0] === 0) {
    inChunks(0, createGram(data));
    if (member.index === 0) {
      const gram = partial(0);
      for (let chunk = 1; chunk < memory.chunks; chunk++) addTo(gram, partial(chunk));
      mirror(gram, size);
      const found = solveSystem(centred(gram, size), order, rowCount);
      memory.reflects[0] = Number(found.reflects);
      solved = found.solved;
    }
    member.barrier();
  }
  if (memory.reflects[0] === 1) {
    inChunks(memory.chunks, (from, to, into) => reflectRows(data, from, to, into));
    if (member.index === 0) solved = solveReflected(order, size, partial);
  }
  member.progress(steps, steps);
  return solved;
}

/** From the products of columns, unless they say too little and the rows of the given number are few enough to be reflected. */
export function solveSystem(
  system: NormalEquations,
  penalties: Penalties,
  rowCount: number,
): { readonly solved: Solved; readonly reflects: boolean } {
  const { l1, l2, spare } = penalties;
  if (l1.some((penalty) => penalty > 0)) return { solved: withBias(system, descend(system, l1, l2, penalties)), reflects: false };
  const { weights, leftOut } = solveByCholesky(system, l2);
  const resembles = leftOut.some((at) => !spare.includes(at));
  const reflects = resembles && rowCount * (system.count + 2) ** 2 <= REFLECTIONS_MAX;
  return { solved: withBias(system, { weights, iterations: 1, converged: true }), reflects };
}

export function addTo(sums: Float64Array, more: Float64Array): void {
  for (let at = 0; at < sums.length; at++) sums[at]! += more[at]!;
}

function withBias({ means, labelMean }: NormalEquations, { weights, ...rest }: Descent): Solved {
  const bias = weights.reduce((sum, weight, at) => sum - weight * means[at]!, labelMean);
  return { weights: Float64Array.of(...weights, bias), ...rest };
}

/** Makes [X 1 y] of rows `from` to `to` a triangle in `into`. */
function reflectRows({ rows, y, centre, rowWeights }: GramRows, from: number, to: number, into: Float64Array): void {
  const size = rows.weightCount + 1;
  const blockRows = Math.max(BLOCK_ROWS_MIN, 2 * size);
  const stacked = new Float64Array((size + blockRows) * size);
  const dense = new Float64Array(rows.denseCount * blockRows);
  for (let row = from; row < to; row += blockRows) {
    const end = Math.min(to, row + blockRows);
    const block = stacked.subarray(size * size).fill(0);
    packRows(rows, row, end, dense, blockRows);
    for (let at = row; at < end; at++) {
      const first = (at - row) * size;
      for (let column = 0; column < rows.denseCount; column++) block[first + column] = dense[column * blockRows + at - row]!;
      for (const slots of rows.slots) if (slots[at]! >= 0) block[first + slots[at]!] = 1;
      block[first + size - 2] = 1;
      block[first + size - 1] = y[at]! - centre;
      const root = rowWeights === undefined ? 1 : Math.sqrt(rowWeights[at]!);
      for (let column = 0; column < size; column++) block[first + column]! *= root;
    }
    triangularise(stacked, size + end - row, size);
  }
  into.set(stacked.subarray(0, size * size));
}

/** The chunks' triangles on each other, and the penalties below as rows of their own. */
function solveReflected({ l2, memory }: SolveOrder, size: number, partial: (chunk: number) => Float64Array): Solved {
  const stacked = new Float64Array(2 * size * size);
  for (let chunk = 0; chunk < memory.chunks; chunk++) {
    stacked.set(partial(chunk), size * size);
    triangularise(stacked, 2 * size, size);
  }
  l2.forEach((penalty, at) => {
    stacked[(size + at) * size + at] = Math.sqrt(penalty);
  });
  triangularise(stacked, 2 * size, size);
  const weights = shortestSolution(stacked.subarray(0, size * size), size);
  return { weights, iterations: 1, converged: true };
}
