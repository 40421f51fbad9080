/**
 * Minimises a loss over the rows. What is wanted of them next is asked by the search (`lead`); answered it is by the members of a crew, each on its chunks of rows,
 * or on the calling thread, chunk after chunk. The chunks depend on the data alone and are summed in their order, so neither can change the weights.
 */
import { setImmediate } from "node:timers/promises";
import { type Member, throwIfCancelled } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import { productsKernel } from "../decomposition/tiles.ts";
import type { FitContext } from "../estimator.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { LinearKernel } from "../kernels/linear.ts";
import type { CurvatureMemory } from "./curvature.ts";
import { type Ask, lead } from "./lead.ts";
import { createPass, createScorer, fillBlocks, type RowsMatrix, type Scratch, shapeOf, spreadWeights } from "./rows-matrix.ts";

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
  readonly curvature: CurvatureMemory;
  /** The weights to evaluate at, output-major. */
  readonly weights: Float64Array;
  /** A gradient for each chunk, then a loss for each chunk. */
  readonly partials: Float64Array;
  readonly losses: Float64Array;
  /** outputs x rowCount: of each row, by weights that did not see it; empty without folds. */
  readonly heldScores: Float64Array;
  /** The rows' weights while one fold is held out. */
  readonly foldWeights: Float64Array;
  /** [what to do next, the fold or the step between blocks that it is about]. */
  readonly command: Int32Array;
}

export interface TrainedWeights {
  readonly weights: Float64Array;
  readonly loss: number;
  readonly iterations: number;
  readonly converged: boolean;
}

const COMMANDS = ["evaluate", "hold-out", "score", "end"] as const;

export function minimiseLoss(order: LossOrder, member: Member): TrainedWeights | null {
  const { memory } = order;
  const { command } = memory;
  const kernels = kernelsOf(order);
  const actions = actionsOf(order, kernels.linear, memory.scratches[member.index]!);
  const inChunks = (body: (chunk: number) => void) => {
    for (let chunk = member.index; chunk < memory.losses.length; chunk += member.count) body(chunk);
    member.barrier();
  };
  inChunks(actions.fill);
  const perform = () => inChunks(actions.begin({ what: COMMANDS[command[0]!] as Ask["what"], of: command[1]! }));
  if (member.index > 0) {
    for (;;) {
      member.barrier();
      if (COMMANDS[command[0]!] === "end") return null;
      perform();
    }
  }
  const search = lead(order, kernels, member.progress);
  for (;;) {
    const next = search.next();
    if (!next.done && next.value === null) continue;
    command[0] = COMMANDS.indexOf(next.done ? "end" : next.value!.what);
    command[1] = next.done ? 0 : next.value!.of;
    member.barrier();
    if (next.done) return next.value;
    perform();
  }
}

/** Error: `learn.cancelled`. */
export async function minimiseHere(order: LossOrder, context: Pick<FitContext, "progress" | "signal">): Promise<TrainedWeights> {
  const { memory } = order;
  const kernels = kernelsOf(order);
  const actions = actionsOf(order, kernels.linear, memory.scratches[0]!);
  const breathe = async () => {
    await setImmediate();
    throwIfCancelled(context.signal);
  };
  const inChunks = async (body: (chunk: number) => void) => {
    for (let chunk = 0; chunk < memory.losses.length; chunk++) {
      body(chunk);
      await breathe();
    }
  };
  await inChunks(actions.fill);
  const search = lead(order, kernels, context.progress);
  for (;;) {
    const next = search.next();
    if (next.done) return next.value;
    if (next.value === null) await breathe();
    else await inChunks(actions.begin(next.value));
  }
}

const kernelsOf = ({ memory: { wasm } }: LossOrder) => ({
  linear: instantiateKernel<LinearKernel>("linear", wasm),
  products: productsKernel(wasm),
});

/** What a member does with a chunk of the blocks: `fill` at first, and for each thing asked what `begin` gives. */
function actionsOf(order: LossOrder, kernel: LinearKernel, scratch: Scratch) {
  const { memory, folds } = order;
  const { weights, partials, losses, foldWeights, heldScores } = memory;
  const { rowCount } = order.matrix.rows;
  const { blockRows, blocks } = shapeOf(order.matrix.rows);
  const blocksIn = (chunk: number, step = 1) => share(Math.ceil(blocks / step), chunk, losses.length);
  let matrix = order.matrix;
  let pass = createPass(matrix, scratch, kernel);

  const evaluate = (step: number) => {
    spreadWeights(matrix, weights, scratch);
    return (chunk: number) => {
      const gradient = partials.subarray(chunk * weights.length, (chunk + 1) * weights.length).fill(0);
      losses[chunk] = pass(weights, gradient, ...blocksIn(chunk, step), step);
    };
  };
  const holdOut = (fold: number) => {
    const { rowWeights } = order.matrix.loss;
    matrix = { ...order.matrix, loss: { ...order.matrix.loss, rowWeights: foldWeights } };
    pass = createPass(matrix, scratch, kernel);
    return (chunk: number) => {
      const [from, to] = blocksIn(chunk);
      for (let row = from * blockRows; row < Math.min(rowCount, to * blockRows); row++)
        foldWeights[row] = foldOf(row, folds) === fold ? 0 : (rowWeights?.[row] ?? 1);
    };
  };
  const score = (fold: number) => {
    spreadWeights(matrix, weights, scratch);
    const scoreRows = createScorer(matrix, scratch, kernel);
    return (chunk: number) =>
      scoreRows(weights, ...blocksIn(chunk), (row, output, value) => {
        if (foldOf(row, folds) === fold) heldScores[output * rowCount + row] = value;
      });
  };
  const by = { evaluate, "hold-out": holdOut, score };
  return {
    fill: (chunk: number) => fillBlocks(order.matrix, ...blocksIn(chunk)),
    begin: ({ what, of }: Ask) => by[what](of),
  };
}

/** A row's part of the rows, for whatever order they came in. */
const foldOf = (row: number, folds: number) => (Math.imul(row + 1, 0x9e3779b1) >>> 12) % folds;
