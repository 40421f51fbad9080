/**
 * Trains a forest: the job that each member of the crew runs.
 * Stages: texts to ranks, values to bins, then in each round gradients and a tree per output.
 */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import { createForestBuilder, type Forest } from "../trees/forest.ts";
import { fillBins, type Levels, rankTexts, type TrainingColumn } from "./bins.ts";
import { createGradients } from "./gradients.ts";
import { type Bag, createGrower, type GrowthRules, type Refit } from "./grower.ts";
import { createLoss, type LossSpec, quantileOf } from "./losses.ts";
import { type Memory, strideOf } from "./memory.ts";

export interface ForestOrder {
  readonly rowCount: number;
  readonly classCount: number;
  readonly columns: readonly TrainingColumn[];
  readonly loss: LossSpec;
  readonly rules: GrowthRules;
  readonly trees: number;
  readonly binsMax: number;
  readonly leavesMax: number;
  readonly seed: number;
  readonly memory: Memory;
}

export interface TrainedForest {
  readonly start: Float64Array;
  readonly forest: Forest;
  readonly levels: readonly (Levels | null)[];
}

export function trainForest(order: ForestOrder, member: Member): TrainedForest {
  const { memory, rowCount, rules } = order;
  const { outputs } = order.loss;
  const columnCount = order.columns.length;
  const ranked = rankTexts(order, member);
  fillBins(order, member);
  const loss = createLoss(order.loss, memory);
  const [from, to] = share(rowCount, member.index, member.count);
  for (let row = from; row < to; row++) memory.scores.set(loss.start, row * outputs);
  member.barrier();

  const builder = createForestBuilder();
  const grower = createGrower(memory, { rowCount, columnCount, outputs, leavesMax: order.leavesMax }, rules, builder, member);
  const gradients = createGradients(memory, loss, rowCount, strideOf(columnCount), member);
  const refit = loss.refit === undefined ? undefined : refitTo(loss.refit, memory);
  const bag: Bag = { rowCount, isWhole: true, columns: [...order.columns.keys()] };
  for (let round = 0; round < order.trees; round++) {
    const scales = gradients.begin();
    let grown = false;
    for (let output = 0; output < outputs; output++) {
      gradients.write(output, scales);
      grown = grower.grow(bag, scales, output, refit) || grown;
      member.barrier();
    }
    if (!grown) {
      builder.fell(round * outputs);
      break;
    }
    member.progress(round + 1, order.trees);
  }
  return { start: loss.start, forest: builder.finish(), levels: ranked(memory) };
}

/** The quantile of what is left of a leaf's rows. */
const refitTo =
  (quantile: number, { y, scores, weights }: Memory): Refit =>
  (rows) =>
    quantileOf(
      Array.from(rows, (row) => [y[row]! - scores[row]!, weights.length === 0 ? 1 : weights[row]!] as const),
      quantile,
    );
