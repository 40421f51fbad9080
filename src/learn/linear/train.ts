/**
 * Minimises a loss: the job that each member of the crew runs. Member 0 leads the search; at each point it asks for, all members add up their chunks
 * of rows. The chunks depend on the data alone and are summed in their order, so the number of threads cannot change the weights.
 *
 * With folds, the search goes on from the end once for each part of the rows, without them, and scores them with what it finds.
 */
import type { Member } from "../crew/crew.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { LinearKernel } from "../kernels/linear.ts";
import { type Coordinates, scaledCoordinates, whitenedCoordinates } from "./coordinates.ts";
import { minimise } from "./lbfgs.ts";
import { BLOCK } from "./losses.ts";
import { minimiseSparse } from "./orthants.ts";
import { createPass, createScorer, fillRows, type RowsMatrix, type Scratch, spreadWeights } from "./rows-matrix.ts";

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
  /** 0 for none. */
  readonly folds: number;
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
  /** outputs x rowCount: of each row, by weights that did not see it; empty without folds. */
  readonly heldScores: Float64Array;
  /** The rows' weights while one fold is held out. */
  readonly foldWeights: Float64Array;
  /** [what to do next, the fold it is about]. */
  readonly command: Int32Array;
}

const EVALUATE = 0;
const HOLD_OUT = 1;
const SCORE = 2;
const END = 3;

export interface TrainedWeights {
  readonly weights: Float64Array;
  readonly loss: number;
  readonly iterations: number;
  readonly converged: boolean;
}

export function minimiseLoss(order: LossOrder, member: Member): TrainedWeights | null {
  const { memory } = order;
  const { rowCount } = order.matrix.rows;
  const kernel = instantiateKernel<LinearKernel>("linear", memory.wasm);
  const scratch = memory.scratches[member.index]!;
  const chunks = memory.losses.length;
  const inChunks = (body: (from: number, to: number, chunk: number) => void) => {
    for (let chunk = member.index; chunk < chunks; chunk += member.count) body(...blockShare(rowCount, chunk, chunks), chunk);
  };
  let matrix = order.matrix;
  let pass = createPass(matrix, scratch, kernel);
  const actions = {
    [EVALUATE]: () => {
      const { weights, partials, losses } = memory;
      spreadWeights(matrix, weights, scratch);
      inChunks((from, to, chunk) => {
        const gradient = partials.subarray(chunk * weights.length, (chunk + 1) * weights.length).fill(0);
        losses[chunk] = pass(weights, gradient, from, to);
      });
    },
    [HOLD_OUT]: () => {
      const { rowWeights } = order.matrix.loss;
      inChunks((from, to) => {
        for (let row = from; row < to; row++)
          memory.foldWeights[row] = foldOf(row, order.folds) === memory.command[1] ? 0 : (rowWeights?.[row] ?? 1);
      });
      matrix = { ...order.matrix, loss: { ...order.matrix.loss, rowWeights: memory.foldWeights } };
      pass = createPass(matrix, scratch, kernel);
    },
    [SCORE]: () => {
      spreadWeights(matrix, memory.weights, scratch);
      const scoreRows = createScorer(matrix, scratch, kernel);
      inChunks((from, to) => {
        scoreRows(memory.weights, from, to, (row, output, score) => {
          if (foldOf(row, order.folds) === memory.command[1]) memory.heldScores[output * rowCount + row] = score;
        });
      });
    },
  };
  const perform = (command: keyof typeof actions, fold = 0) => {
    memory.command[0] = command;
    memory.command[1] = fold;
    member.barrier();
    actions[command]();
    member.barrier();
  };

  inChunks((from, to) => fillRows(order.matrix, from, to));
  member.barrier();
  if (member.index === 0) {
    const trained = lead(order, member, kernel, perform);
    memory.command[0] = END;
    member.barrier();
    return trained;
  }
  for (;;) {
    member.barrier();
    const command = memory.command[0];
    if (command === END) return null;
    actions[command as keyof typeof actions]();
    member.barrier();
  }
}

/** A row's part of the rows, for whatever order they came in. */
const foldOf = (row: number, folds: number) => (Math.imul(row + 1, 0x9e3779b1) >>> 12) % folds;

/** Whole blocks of rows. */
function blockShare(rowCount: number, chunk: number, chunks: number): [from: number, to: number] {
  const blocks = Math.ceil(rowCount / BLOCK);
  const edge = (at: number) => Math.min(rowCount, Math.floor((blocks * at) / chunks) * BLOCK);
  return [edge(chunk), edge(chunk + 1)];
}

type Perform = (command: typeof EVALUATE | typeof HOLD_OUT | typeof SCORE, fold?: number) => void;

function lead(order: LossOrder, member: Member, kernel: LinearKernel, perform: Perform): TrainedWeights {
  const { memory, l1, total, iterationsMax, tolerance, folds } = order;
  const isSparse = l1.some((penalty) => penalty > 0);
  const coordinates = coordinatesOf(order, kernel, isSparse);
  const evaluate = (point: Float64Array) => {
    memory.weights.set(coordinates.weightsAt(point));
    perform(EVALUATE);
    return objective(order, coordinates);
  };
  const steps = (iterationsMax + 1) * (folds + 1);
  const search = (start: Float64Array, doneBefore: number) => {
    const onIteration = (done: number) => member.progress(doneBefore + done, steps);
    const options = { iterationsMax, tolerance, onIteration };
    if (!isSparse) return minimise(evaluate, start, options);
    const sizes = coordinates.slopesOf(start.map((_, at) => l1[at % l1.length]! / total));
    return minimiseSparse(evaluate, start, sizes, options);
  };
  const { x, value, iterations, converged } = search(new Float64Array(memory.weights.length), 0);
  for (let fold = 0; fold < folds; fold++) {
    perform(HOLD_OUT, fold);
    memory.weights.set(coordinates.weightsAt(search(x, (iterationsMax + 1) * (fold + 1)).x));
    perform(SCORE, fold);
  }
  member.progress(steps, steps);
  return { weights: coordinates.weightsAt(x), loss: value, iterations, converged };
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
