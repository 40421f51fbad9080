/**
 * Grows one tree, best leaf first: the leaf whose cut gains most is cut until there are enough leaves or no cut gains anything.
 * All members of the crew run this code in step. Each works on its part of the rows or columns and takes the same decisions from the shared sums.
 *
 *   partition the leaf | barrier | put rows into place | barrier | histogram of the smaller child | barrier |
 *   reduce and search own columns | barrier | read all answers
 *
 * Source: LightGBM's leaf-wise growth, scikit-learn's `TreeGrower`.
 */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { RowsKernel } from "../kernels/rows.ts";
import { BINS } from "../trees/binning.ts";
import type { ForestBuilder } from "../trees/forest.ts";
import { bestCandidate, writeCandidate } from "./candidates.ts";
import type { Scales } from "./gradients.ts";
import { createHistograms, totalsOf } from "./histogram.ts";
import type { Memory } from "./memory.ts";
import { createPartition } from "./partition.ts";
import {
  type Bounds,
  NO_SPLIT,
  type Split,
  type SplitRules,
  searchNumber,
  searchText,
  stepOf,
  type Totals,
} from "./split-search.ts";
import { createTreeWalk } from "./tree-walk.ts";

export interface GrowthRules extends SplitRules {
  readonly leaves: number;
  /** 0: no bound. */
  readonly depthMax: number;
  readonly learningRate: number;
  /** By column 1 where the model must rise with it, -1 where it must fall; absent where there is no such column. */
  readonly monotone: readonly number[] | undefined;
}

interface Leaf {
  /** Where its rows begin in `rows`. */
  start: number;
  totals: Totals;
  /** Its histogram in the pool. */
  slot: number;
  node: number;
  depth: number;
  split: Split;
  bounds: Bounds | undefined;
}

/** What a tree is grown on. */
export interface Bag {
  /** The first so many of `rows`. The others get their leaves' values too. */
  readonly rowCount: number;
  /** They are all rows of the data in their order. */
  readonly isWhole: boolean;
  readonly columns: readonly number[];
}

/** The value of a leaf that takes no Newton step, of its rows: for losses without curvature. */
export type Refit = (rows: Uint32Array) => number;

/** Writes the gradients of rows `from` to `to` into their records. */
export type WriteGradients = (from: number, to: number) => void;

export interface Grower {
  /** Grows a tree on the gradients and adds its values to the scores of `output`; false when no cut gained anything. */
  grow(bag: Bag, scales: Scales, output: number, writeGradients: WriteGradients, refit: Refit | undefined): boolean;
}

export function createGrower(
  memory: Memory,
  shape: { readonly rowCount: number; readonly columnCount: number; readonly outputs: number; readonly leavesMax: number },
  rules: GrowthRules,
  forest: ForestBuilder,
  member: Member,
): Grower {
  const { rowCount, columnCount, outputs } = shape;
  const { rows, candidates, binCounts, hasMissing } = memory;
  const { sides } = memory.own[member.index]!;
  const histograms = createHistograms(memory, columnCount, rowCount, shape.leavesMax, member);
  const partition = createPartition(memory, rowCount, member);
  const walk = createTreeWalk(memory, columnCount, outputs, member);
  const kernel = instantiateKernel<RowsKernel>("rows", memory.memory);

  function grow(bag: Bag, scales: Scales, output: number, writeGradients: WriteGradients, refit: Refit | undefined): boolean {
    const ownColumns = bag.columns.filter((_, index) => index % member.count === member.index);
    const root = plantRoot(bag, scales, ownColumns, writeGradients);
    const rootNode = root.node;
    const leaves = [root];
    while (leaves.length < rules.leaves) {
      const leaf = leaves.reduce((best, other) => (other.split.gain > best.split.gain ? other : best));
      if (leaf.split.column < 0) break;
      leaves.push(cut(leaf, leaves.length, leaves.length + 1 < rules.leaves, scales, ownColumns, rootNode));
    }
    const values = valuesOf(leaves, scales, refit);
    leaves.forEach((leaf, index) => {
      setValue(leaf, leaf.node - rootNode, values[index]!);
    });
    if (bag.rowCount < rowCount) walk.mark(bag.rowCount, rowCount);
    member.barrier();
    walk.addValues(output);
    return leaves.length > 1;
  }

  function plantRoot(bag: Bag, scales: Scales, ownColumns: readonly number[], writeGradients: WriteGradients): Leaf {
    const [from, to] = share(rowCount, member.index, member.count);
    if (bag.isWhole) {
      kernel.enumerate(rows.byteOffset, from, to);
      histograms.add(0, 0, rowCount, false, writeGradients);
    } else {
      writeGradients(from, to);
      member.barrier();
      histograms.add(0, 0, bag.rowCount, true);
    }
    member.barrier();
    histograms.reduce(ownColumns, 0, -1, bag.rowCount);
    member.barrier();
    const any = bag.columns[0]!;
    const totals = totalsOf(histograms.column(0, any), binCounts[any]!);
    const bounds = rules.monotone && { lower: -Infinity, upper: Infinity };
    walk.plant();
    const root: Leaf = { start: 0, totals, slot: 0, node: forest.plant(), depth: 0, split: NO_SPLIT, bounds };
    forest.setCover(root.node, totals.rows);
    search([root], scales, ownColumns);
    return root;
  }

  /** Cuts `leaf`, which becomes its own left child; answers the right one. */
  function cut(leaf: Leaf, freeSlot: number, goesOn: boolean, scales: Scales, ownColumns: readonly number[], root: number): Leaf {
    const { split, totals } = leaf;
    partition(split, leaf.start, totals.rows, split.left.rows);
    const threshold = split.set === null ? memory.edges[split.column * BINS + split.bin]! : 0;
    const node = forest.split(leaf.node, { ...split, threshold });
    walk.split(leaf.node - root, split.column, node - root, sides);
    const { left } = split;
    const right = {
      gradient: totals.gradient - left.gradient,
      hessian: totals.hessian - left.hessian,
      rows: totals.rows - left.rows,
    };
    forest.setCover(node, left.rows);
    forest.setCover(node + 1, right.rows);
    const [boundsLeft, boundsRight] = boundsOfChildren(leaf, right, scales);
    const other: Leaf = {
      start: leaf.start + left.rows,
      totals: right,
      slot: freeSlot,
      node: node + 1,
      depth: leaf.depth + 1,
      split: NO_SPLIT,
      bounds: boundsRight,
    };
    const parentSlot = leaf.slot;
    Object.assign(leaf, { totals: left, node, depth: leaf.depth + 1, split: NO_SPLIT, bounds: boundsLeft });
    const [smaller, larger] = left.rows <= right.rows ? [leaf, other] : [other, leaf];
    smaller.slot = freeSlot;
    larger.slot = parentSlot;
    if (goesOn && (mayBeCut(leaf) || mayBeCut(other))) {
      const { start, totals } = smaller;
      histograms.add(freeSlot, start, start + totals.rows, true);
      member.barrier();
      histograms.reduce(ownColumns, freeSlot, parentSlot, totals.rows);
      search([leaf, other], scales, ownColumns);
    }
    return other;
  }

  /** A cut by a monotone column parts its children's values in the middle, for all that grows below. */
  function boundsOfChildren({ split, bounds }: Leaf, right: Totals, scales: Scales): (Bounds | undefined)[] {
    const direction = rules.monotone?.[split.column] ?? 0;
    if (bounds === undefined || direction === 0) return [bounds, bounds];
    const middle = stepOf(split.left, scales, rules.l2, bounds) / 2 + stepOf(right, scales, rules.l2, bounds) / 2;
    const [low, high] = [
      { ...bounds, upper: middle },
      { ...bounds, lower: middle },
    ];
    return direction > 0 ? [low, high] : [high, low];
  }

  const mayBeCut = ({ totals, depth }: Leaf) =>
    totals.rows >= 2 * rules.minRowsPerLeaf && (rules.depthMax === 0 || depth < rules.depthMax);

  /** Finds the best cut of one or two leaves. */
  function search(leaves: readonly Leaf[], scales: Scales, ownColumns: readonly number[]): void {
    leaves.forEach((leaf, index) => {
      writeCandidate(mayBeCut(leaf) ? searchColumns(leaf, scales, ownColumns) : NO_SPLIT, candidates, member.index, index);
    });
    member.barrier();
    leaves.forEach((leaf, index) => {
      leaf.split = bestCandidate(candidates, index, member.count);
    });
  }

  function searchColumns({ slot, totals, bounds }: Leaf, scales: Scales, ownColumns: readonly number[]): Split {
    const leaf = { histograms, slot, totals, scales, rules, ...(bounds && { bounds }) };
    let best = NO_SPLIT;
    for (const column of ownColumns) {
      const [binCount, missing] = [binCounts[column]!, hasMissing[column] === 1];
      if (memory.isText[column] === 1) best = searchText(leaf, column, binCount, missing, best);
      else best = searchNumber(leaf, column, binCount, missing, rules.monotone?.[column] ?? 0, best);
    }
    return best;
  }

  /** Leaves' values before the learning rate: Newton steps, or what `refit` says, each member's share of the leaves. */
  function valuesOf(leaves: readonly Leaf[], scales: Scales, refit: Refit | undefined): Float64Array {
    if (refit === undefined) return Float64Array.from(leaves, ({ totals, bounds }) => stepOf(totals, scales, rules.l2, bounds));
    const { values } = memory;
    leaves.forEach(({ start, totals, bounds }, index) => {
      if (index % member.count !== member.index) return;
      const value = refit(rows.subarray(start, start + totals.rows));
      values[index] = bounds === undefined ? value : Math.min(Math.max(value, bounds.lower), bounds.upper);
    });
    member.barrier();
    return values.slice(0, leaves.length);
  }

  function setValue({ start, totals, node }: Leaf, fromRoot: number, step: number): void {
    const value = rules.learningRate * step;
    forest.setValue(node, value);
    walk.setValue(fromRoot, value);
    walk.mark(start, start + totals.rows, fromRoot);
  }

  return { grow };
}
