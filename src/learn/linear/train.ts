/**
 * Minimises a loss: the job that each member of the crew runs. Member 0 leads the search; at each point it asks for, all members add up their chunks
 * of rows. The chunks depend on the data alone and are summed in their order, so the number of threads cannot change the weights.
 */
import type { Member } from "../crew/crew.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { LinearKernel } from "../kernels/linear.ts";
import { type Coordinates, scaledCoordinates, whitenedCoordinates } from "./coordinates.ts";
import { minimise } from "./lbfgs.ts";
import { BLOCK } from "./losses.ts";
import { minimiseSparse } from "./orthants.ts";
import { createPass, fillRows, type RowsMatrix, type Scratch, spreadWeights } from "./rows-matrix.ts";

export interface LossOrder {
  readonly matrix: RowsMatrix;
  /** Sum of the rows' weights. */
  readonly total: number;
  /** Per weight of one output: minimised is the summed loss + sum of l1 |w| + sum of l2 w^2 / 2. */
  readonly l1: Float64Array;
  readonly l2: Float64Array;
  readonly iterationsMax: number;
  /** The search ends when no slope of the mean loss is steeper, along its coordinates. */
  readonly tolerance: number;
  /** Mean square of each weight's column. */
  readonly squares: Float64Array;
  readonly memory: LossMemory;
}

/** What the members share. */
export interface LossMemory {
  readonly wasm: WebAssembly.Memory;
  /** One per member. */
  readonly scratches: readonly Scratch[];
  /** The kernel's: stride x stride. */
  readonly products: Float64Array;
  /** The weights to evaluate at, output-major. */
  readonly weights: Float64Array;
  /** A gradient for each chunk, then a loss for each chunk. */
  readonly partials: Float64Array;
  readonly losses: Float64Array;
  /** [1 when the search has ended]. */
  readonly ended: Int32Array;
}

export interface TrainedWeights {
  readonly weights: Float64Array;
  readonly loss: number;
  readonly iterations: number;
  readonly converged: boolean;
}

export function minimiseLoss(order: LossOrder, member: Member): TrainedWeights | null {
  const { matrix, memory } = order;
  const kernel = instantiateKernel<LinearKernel>("linear", memory.wasm);
  const scratch = memory.scratches[member.index]!;
  const pass = createPass(matrix, scratch, kernel);
  const chunks = memory.losses.length;
  const bounds = (chunk: number) => blockShare(matrix.rows.rowCount, chunk, chunks);

  const addChunks = () => {
    const { weights, partials, losses } = memory;
    spreadWeights(matrix, weights, scratch);
    for (let chunk = member.index; chunk < chunks; chunk += member.count) {
      const gradient = partials.subarray(chunk * weights.length, (chunk + 1) * weights.length).fill(0);
      losses[chunk] = pass(weights, gradient, ...bounds(chunk));
    }
  };

  for (let chunk = member.index; chunk < chunks; chunk += member.count) fillRows(matrix, ...bounds(chunk));
  member.barrier();
  if (member.index === 0) return search(order, member, kernel, addChunks);
  for (;;) {
    member.barrier();
    if (memory.ended[0] === 1) return null;
    addChunks();
    member.barrier();
  }
}

/** Whole blocks of rows. */
function blockShare(rowCount: number, chunk: number, chunks: number): [from: number, to: number] {
  const blocks = Math.ceil(rowCount / BLOCK);
  const edge = (at: number) => Math.min(rowCount, Math.floor((blocks * at) / chunks) * BLOCK);
  return [edge(chunk), edge(chunk + 1)];
}

function search(order: LossOrder, member: Member, kernel: LinearKernel, addChunks: () => void): TrainedWeights {
  const { memory, l1, total, iterationsMax, tolerance } = order;
  const isSparse = l1.some((penalty) => penalty > 0);
  const coordinates = coordinatesOf(order, kernel, isSparse);
  const evaluate = (point: Float64Array) => {
    memory.weights.set(coordinates.weightsAt(point));
    member.barrier();
    addChunks();
    member.barrier();
    return objective(order, coordinates);
  };
  const onIteration = (done: number) => member.progress(done, iterationsMax + 1);
  const options = { iterationsMax, tolerance, onIteration };
  const start = new Float64Array(memory.weights.length);
  const sizes = () => coordinates.slopesOf(start.map((_, at) => l1[at % l1.length]! / total));
  const minimum = isSparse ? minimiseSparse(evaluate, start, sizes(), options) : minimise(evaluate, start, options);
  memory.ended[0] = 1;
  member.barrier();
  member.progress(iterationsMax + 1, iterationsMax + 1);
  return {
    weights: coordinates.weightsAt(minimum.x),
    loss: minimum.value,
    iterations: minimum.iterations,
    converged: minimum.converged,
  };
}

function coordinatesOf({ matrix, squares, l2, total, memory }: LossOrder, kernel: LinearKernel, isSparse: boolean): Coordinates {
  const ridge = l2.map((penalty) => (4 * penalty) / total);
  const curvatures = squares.map((square, at) => square + ridge[at]!);
  return isSparse ? scaledCoordinates(curvatures) : whitenedCoordinates(matrix, curvatures, kernel, memory.products, ridge);
}

/** (Summed loss + sum of l2 w^2 / 2) / total weight. */
function objective({ l2, total, memory }: LossOrder, coordinates: Coordinates): { value: number; gradient: Float64Array } {
  const { weights, partials, losses } = memory;
  const gradient = new Float64Array(weights.length);
  for (let chunk = 0; chunk < losses.length; chunk++) {
    const first = chunk * weights.length;
    for (let at = 0; at < gradient.length; at++) gradient[at]! += partials[first + at]!;
  }
  let penalty = 0;
  for (let at = 0; at < gradient.length; at++) {
    const pull = l2[at % l2.length]! * weights[at]!;
    penalty += (pull * weights[at]!) / 2;
    gradient[at] = (gradient[at]! + pull) / total;
  }
  const loss = losses.reduce((a, b) => a + b, 0);
  return { value: (loss + penalty) / total, gradient: coordinates.slopesOf(gradient) };
}
