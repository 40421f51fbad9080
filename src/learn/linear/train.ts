/**
 * Minimises the loss: the job that each member of the crew runs. Member 0 leads the search; at each point it asks for, all members add up their chunks
 * of rows. The chunks depend on the data alone and are summed in their order, so the number of threads cannot change the weights.
 */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import { type Minimum, minimise } from "./lbfgs.ts";
import { addLoss, type LossRows } from "./loss.ts";

export interface LossOrder {
  readonly rows: LossRows;
  readonly rowCount: number;
  /** Sum of the rows' weights. */
  readonly total: number;
  readonly l2: number;
  readonly iterationsMax: number;
  readonly tolerance: number;
  readonly start: Float64Array;
  /** Mean square of each weight's column: the search runs on weight x root of this, which evens the curvature out. */
  readonly squares: Float64Array;
  readonly memory: LossMemory;
}

/** What the members share. */
export interface LossMemory {
  /** The weights to evaluate at. */
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
  if (member.index > 0) {
    serve(order, member);
    return null;
  }
  const { memory } = order;
  const roots = rootsOf(order);
  const evaluate = (scaled: Float64Array) => {
    for (let at = 0; at < scaled.length; at++) memory.weights[at] = scaled[at]! / roots[at]!;
    member.barrier();
    addChunks(order, member);
    member.barrier();
    return objective(order, roots);
  };
  const onIteration = (done: number) => member.progress(done, order.iterationsMax);
  const { iterationsMax, tolerance, start } = order;
  const minimum: Minimum = minimise(
    evaluate,
    start.map((weight, at) => weight * roots[at]!),
    { iterationsMax, tolerance, onIteration },
  );
  memory.ended[0] = 1;
  member.barrier();
  const weights = minimum.x.map((scaled, at) => scaled / roots[at]!);
  return { weights, loss: minimum.value, iterations: minimum.iterations, converged: minimum.converged };
}

function serve(order: LossOrder, member: Member): void {
  for (;;) {
    member.barrier();
    if (order.memory.ended[0] === 1) return;
    addChunks(order, member);
    member.barrier();
  }
}

function addChunks({ rows, rowCount, memory }: LossOrder, member: Member): void {
  const { weights, partials, losses } = memory;
  for (let chunk = member.index; chunk < losses.length; chunk += member.count) {
    const gradient = partials.subarray(chunk * weights.length, (chunk + 1) * weights.length).fill(0);
    const [from, to] = share(rowCount, chunk, losses.length);
    losses[chunk] = addLoss(rows, weights, gradient, from, to);
  }
}

/** Mean loss + l2 / 2 x sum of squared weights / total weight; the bias is free. */
function objective({ rows, total, l2, memory }: LossOrder, roots: Float64Array): { value: number; gradient: Float64Array } {
  const { weights, partials, losses } = memory;
  const gradient = new Float64Array(weights.length);
  for (let chunk = 0; chunk < losses.length; chunk++) {
    const first = chunk * weights.length;
    for (let at = 0; at < gradient.length; at++) gradient[at]! += partials[first + at]!;
  }
  let squares = 0;
  for (let at = 0; at < gradient.length; at++) {
    const isBias = (at + 1) % rows.weightCount === 0;
    if (!isBias) squares += weights[at]! ** 2;
    gradient[at] = (gradient[at]! + (isBias ? 0 : l2 * weights[at]!)) / total / roots[at]!;
  }
  const loss = losses.reduce((a, b) => a + b, 0);
  return { value: (loss + (l2 / 2) * squares) / total, gradient };
}

/** Per weight of every output, about the root of its curvature. */
function rootsOf({ rows, squares, l2, total }: LossOrder): Float64Array {
  return Float64Array.from({ length: rows.outputs * rows.weightCount }, (_, at) =>
    Math.sqrt(Math.max(squares[at % rows.weightCount]! + (4 * l2) / total, 1e-12)),
  );
}
