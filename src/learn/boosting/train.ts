/**
 * Trains a forest: the job that each member of the crew runs.
 * Stages: texts to ranks, values to bins, then in each round gradients and a tree per output.
 */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import type { LearnTask } from "../estimator.ts";
import { exactMean } from "../exact-sum.ts";
import { assignBins, BINS, binEdges, storeEdges } from "../trees/binning.ts";
import { orderTarget, rankLevels, writeRanks } from "../trees/categories.ts";
import { createForestBuilder, type Forest } from "../trees/forest.ts";
import {
  type Loss,
  largestResidual,
  lossOf,
  type Scales,
  scalesOf,
  type Targets,
  writeGradients,
  writeNormalisers,
} from "./gradients.ts";
import { createGrower, type GrowthRules } from "./grower.ts";
import type { HistogramLayout } from "./histogram.ts";
import { type Memory, strideOf } from "./memory.ts";

export interface TrainingColumn {
  /** Float32 values, NaN for missing; for a text column to be filled with ranks. */
  readonly values: Float32Array;
  /** Of a text column: codes in the order of the texts, -1 for missing. */
  readonly codes?: Int32Array;
  readonly levelCount: number;
}

export interface ForestOrder {
  readonly rowCount: number;
  readonly task: LearnTask;
  readonly classCount: number;
  readonly outputs: number;
  readonly columns: readonly TrainingColumn[];
  readonly y: Float64Array;
  readonly weights: Float64Array | undefined;
  readonly rules: GrowthRules;
  readonly trees: number;
  readonly binsMax: number;
  readonly seed: number;
  readonly memory: Memory;
}

export interface TrainedForest {
  readonly start: Float64Array;
  readonly forest: Forest;
  /** For a text column its codes in rank order, and the bin of each; null for a number column. */
  readonly levels: readonly ({ readonly codes: Int32Array; readonly bins: Int32Array } | null)[];
}

export function trainForest(order: ForestOrder, member: Member): TrainedForest {
  const { memory, outputs, rowCount, rules } = order;
  const targets: Targets = { task: order.task, outputs, y: order.y, weights: order.weights };
  const ranked = order.columns.map((column) => rankTexts(column, order, member));
  member.barrier();
  fillBins(order, member);
  const loss = lossOf(targets);
  const [from, to] = share(rowCount, member.index, member.count);
  for (let row = from; row < to; row++) memory.scores.set(loss.start, row * outputs);
  member.barrier();

  const columnCount = order.columns.length;
  const { binCounts, hasMissing } = memory;
  const layout: HistogramLayout = {
    columnCount,
    stride: strideOf(columnCount),
    members: member.count,
    binCounts,
    hasMissing,
    sink: new Int32Array(1),
  };
  const builder = createForestBuilder();
  const grower = createGrower(memory, layout, rowCount, outputs, rules, builder, member);
  for (let round = 0; round < order.trees; round++) {
    const scales = scalesOfRound(targets, loss, order, member);
    if (outputs > 1) writeNormalisers(memory.scores, outputs, memory.normalisers, from, to);
    let grown = false;
    for (let output = 0; output < outputs; output++) {
      writeGradients(targets, output, memory.scores, memory.normalisers, scales, memory.records, layout.stride, from, to);
      grown = grower.grow(scales, output) || grown;
      member.barrier();
    }
    if (!grown) {
      builder.fell(round * outputs);
      break;
    }
    member.progress(round + 1, order.trees);
  }
  const levels = ranked.map((codes, column) => codes && { codes, bins: codes.map((_, rank) => binOf(rank, memory, column)) });
  return { start: loss.start, forest: builder.finish(), levels };
}

/** Every member ranks the texts itself, as the answer is small and the same, and writes the ranks of its rows. */
function rankTexts(
  { codes, levelCount, values }: TrainingColumn,
  { y, weights, classCount }: ForestOrder,
  member: Member,
): Int32Array | null {
  if (codes === undefined) return null;
  const target = orderTarget(y, weights, classCount);
  const levels = rankLevels(codes, levelCount, target, exactMean(target, weights), weights);
  const [from, to] = share(values.length, member.index, member.count);
  writeRanks(codes, levels, levelCount, values, from, to);
  return levels;
}

/** Each member bins its columns, then writes the records of its rows. */
function fillBins({ columns, rowCount, binsMax, seed, memory }: ForestOrder, member: Member): void {
  columns.forEach(({ values, codes }, column) => {
    if (column % member.count !== member.index) return;
    const edges = binEdges(values, binsMax, seed + column);
    const table = memory.edges.subarray(column * BINS, (column + 1) * BINS);
    storeEdges(edges, table);
    memory.isText[column] = codes === undefined ? 0 : 1;
    memory.binCounts[column] = edges.length;
    memory.hasMissing[column] = assignBins(values, table, memory.bins, column * rowCount, 0, rowCount) ? 1 : 0;
  });
  member.barrier();
  const [from, to] = share(rowCount, member.index, member.count);
  const stride = strideOf(columns.length);
  columns.forEach((_, column) => {
    const word = 2 + (column >> 2);
    const shift = (column & 3) * 8;
    const offset = column * rowCount;
    for (let row = from; row < to; row++) memory.records[row * stride + word]! |= memory.bins[offset + row]! << shift;
  });
}

function binOf(value: number, { edges, binCounts }: Memory, column: number): number {
  const own = edges.subarray(column * BINS, column * BINS + binCounts[column]!);
  return own.findIndex((edge) => value <= edge);
}

/** The squared loss has no bound of its own: the members measure it, and all see the largest. */
function scalesOfRound(targets: Targets, loss: Loss, { rowCount, memory }: ForestOrder, member: Member): Scales {
  if (loss.gradientBound !== undefined) return scalesOf(loss.gradientBound, loss.hessianBound, rowCount);
  const [from, to] = share(rowCount, member.index, member.count);
  memory.slate[member.index * 8 + 1] = largestResidual(targets, memory.scores, from, to);
  member.barrier();
  let bound = 0;
  for (let index = 0; index < member.count; index++) bound = Math.max(bound, memory.slate[index * 8 + 1]!);
  return scalesOf(bound, loss.hessianBound, rowCount);
}
