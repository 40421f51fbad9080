/** When to stop: after `patience` rounds in which the loss of the rows held out did not fall below its least. */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import type { Loss } from "./losses.ts";
import { type Memory, SLATE } from "./memory.ts";

/** Of the rounds so far the best, counted from 1; 0 before the first. */
export interface Best {
  readonly round: number;
  readonly loss: number;
}

export interface Stopping {
  readonly best: Best;
  /** After each round; the loss of the rows held out, and whether to stop. Contains barriers. */
  look(round: number): { readonly loss: number; readonly stops: boolean };
}

export function createStopping(
  loss: Loss,
  patience: number,
  heldOut: () => number,
  memory: Memory,
  member: Member,
  before: Best = { round: 0, loss: Infinity },
): Stopping {
  const state = { best: before, look };

  function look(round: number): { loss: number; stops: boolean } {
    const now = meanLoss(loss, heldOut(), memory, member);
    if (now < state.best.loss) state.best = { round, loss: now };
    return { loss: now, stops: round - state.best.round >= patience };
  }
  return state;
}

/** Terms are rounded to integers of one quantum, so that their sum does not depend on how the rows are shared out. */
function meanLoss(loss: Loss, heldOut: number, { rows, weights, slate }: Memory, member: Member): number {
  loss.beforeLosses?.();
  const first = rows.length - heldOut;
  const [from, to] = share(heldOut, member.index, member.count);
  const weightOf = (row: number) => (weights.length === 0 ? 1 : weights[row]!);
  const terms = Float64Array.from(rows.subarray(first + from, first + to), (row) => loss.lossOf(row) * weightOf(row));
  const own = member.index * SLATE;
  const over = (at: number, join: (a: number, b: number) => number) =>
    Array.from({ length: member.count }, (_, index) => slate[index * SLATE + at]!).reduce(join);
  slate[own] = terms.reduce((largest, term) => Math.max(largest, Math.abs(term)), 0);
  member.barrier();
  const largest = over(0, (a, b) => Math.max(a, b));
  const scale = largest > 0 ? 2 ** (51 - Math.ceil(Math.log2(heldOut + 1)) - Math.ceil(Math.log2(largest))) : 1;
  slate[own + 1] = terms.reduce((sum, term) => sum + Math.round(term * scale), 0);
  slate[own + 2] = rows.subarray(first + from, first + to).reduce((sum, row) => sum + Math.round(weightOf(row) * 2 ** 20), 0);
  member.barrier();
  const mean = over(1, (a, b) => a + b) / scale / (over(2, (a, b) => a + b) / 2 ** 20);
  member.barrier();
  return mean;
}
