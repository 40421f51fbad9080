/**
 * Trains a forest: the job that each member of the crew runs.
 * Stages: texts to ranks, values to bins, then in each round gradients and a tree per output.
 */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import { levelsOf } from "../trees/categories.ts";
import type { TextLevels } from "../trees/columns.ts";
import { createForestBuilder, type Forest } from "../trees/forest.ts";
import { fillBins, placeTexts, type TrainingColumn } from "./bins.ts";
import { createKeeping, type Kept, keptToJson, replay } from "./checkpoint.ts";
import { createGradients } from "./gradients.ts";
import { createGrower, type GrowthRules } from "./grower.ts";
import { createLoss, type LossSpec } from "./losses.ts";
import { type Memory, strideOf } from "./memory.ts";
import { refitTo } from "./quantiles.ts";
import { createSampling, type SamplingRules, writeKeys } from "./sampling.ts";
import { createStopping } from "./stopping.ts";
import { createTreeWalk } from "./tree-walk.ts";

export interface ForestOrder {
  readonly rowCount: number;
  readonly classCount: number;
  readonly columns: readonly TrainingColumn[];
  readonly loss: LossSpec;
  readonly rules: GrowthRules;
  readonly trees: number;
  readonly binsMax: number;
  readonly leavesMax: number;
  readonly sampling: SamplingRules;
  /** Rounds without a lower loss of the rows held out, after which it ends. */
  readonly patience: number;
  readonly groups: Int32Array | undefined;
  readonly memory: Memory;
  /** What an earlier attempt at the same training left. */
  readonly kept: Kept | null;
  /** Whether to keep what this one has. */
  readonly keeps: boolean;
  /** Scores of the forest that is gone on with. */
  readonly startScores: Float64Array | undefined;
}

export interface TrainedForest {
  readonly start: Float64Array;
  readonly forest: Forest;
  readonly levels: readonly (TextLevels | null)[];
  /** Rows that were held out. */
  readonly heldOut: number;
}

export function trainForest(order: ForestOrder, member: Member): TrainedForest {
  const { memory, rowCount, rules } = order;
  const { outputs } = order.loss;
  const columnCount = order.columns.length;
  const ranked = placeTexts(order, member);
  fillBins(order, member);
  if (memory.keys.length > 0) writeKeys(order.columns, order.groups, memory, rowCount, member);
  const loss = createLoss(order.loss, order.groups, memory);
  const [from, to] = share(rowCount, member.index, member.count);
  for (let row = from; row < to; row++) {
    const own = order.startScores?.subarray(row * outputs, (row + 1) * outputs) ?? loss.start;
    memory.scores.set(own, row * outputs);
  }
  member.barrier();

  const { kept } = order;
  const builder = createForestBuilder(kept?.forest);
  const grower = createGrower(memory, { rowCount, columnCount, outputs, leavesMax: order.leavesMax }, rules, builder, member);
  const gradients = createGradients(memory, loss, rowCount, strideOf(columnCount), member);
  const refit = loss.refit === undefined ? undefined : refitTo(loss.refit, memory);
  const sampling = createSampling(order.sampling, order.columns, memory, rowCount, member);
  const stopping = createStopping(loss, order.patience, () => sampling.heldOut, memory, member, kept?.best);
  if (kept !== null) replay(kept.forest, memory, outputs, createTreeWalk(memory, columnCount, outputs, member), member);
  const isTimeToKeep = createKeeping(order.trees);
  for (let round = (kept?.round ?? 0) + 1; round <= order.trees; round++) {
    const bag = sampling.bagOf(round);
    const scales = gradients.begin();
    let grown = false;
    for (let output = 0; output < outputs; output++) {
      if (output > 0 && !bag.isWhole) sampling.bagOf(round);
      const writeGradients = (first: number, last: number) => gradients.write(output, scales, first, last);
      grown = grower.grow(bag, scales, output, writeGradients, refit) || grown;
      member.barrier();
    }
    if (!grown && order.sampling.rowShare === 1 && order.sampling.columnShare === 1) {
      builder.fell((round - 1) * outputs);
      break;
    }
    const { loss: heldOutLoss, stops } = sampling.heldOut > 0 ? stopping.look(round) : NOT_STOPPED;
    const note = sampling.heldOut > 0 ? `loss of the rows held out ${heldOutLoss.toPrecision(6)}` : undefined;
    if (stops) {
      member.progress(order.trees, order.trees, `${note}, best after ${stopping.best.round} rounds`);
      break;
    }
    member.progress(round, order.trees, note);
    if (order.keeps && member.index === 0 && round < order.trees && isTimeToKeep(round))
      member.keep(keptToJson({ round, forest: builder.finish(), best: stopping.best }));
  }
  if (sampling.heldOut > 0) builder.fell(stopping.best.round * outputs);
  return { start: loss.start, forest: builder.finish(), levels: levelsOf(ranked, memory), heldOut: sampling.heldOut };
}

const NOT_STOPPED = { loss: 0, stops: false };
