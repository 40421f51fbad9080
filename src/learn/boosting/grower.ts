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
import { BINS } from "../trees/binning.ts";
import type { ForestBuilder } from "../trees/forest.ts";
import { bestCandidate, writeCandidate } from "./candidates.ts";
import type { Scales } from "./gradients.ts";
import { addRows, type HistogramLayout, reduceColumn } from "./histogram.ts";
import { histogramSize, type Memory, SUMS } from "./memory.ts";
import { putIntoPlace, setAside, sidesOf } from "./partition.ts";
import { type LeafSums, NO_SPLIT, type Split, type SplitRules, searchNumber, searchText, type Totals } from "./split-search.ts";

export interface GrowthRules extends SplitRules {
  readonly leaves: number;
  /** 0: no bound. */
  readonly depthMax: number;
  readonly learningRate: number;
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
}

export interface Grower {
  /** Grows a tree on the gradients in the records and adds its values to the scores of `output`; false when no cut gained anything. */
  grow(scales: Scales, output: number): boolean;
}

export function createGrower(
  memory: Memory,
  layout: HistogramLayout,
  rowCount: number,
  outputs: number,
  rules: GrowthRules,
  forest: ForestBuilder,
  member: Member,
): Grower {
  const { rows, records, partials, histograms, candidates, slate } = memory;
  const size = histogramSize(layout.columnCount);
  const packed = new Float64Array((size / SUMS) * 2);
  const sides = new Uint8Array(BINS);
  const ownColumns = Array.from({ length: layout.columnCount }, (_, column) => column).filter(
    (column) => column % member.count === member.index,
  );

  function grow(scales: Scales, output: number): boolean {
    const root = plantRoot(scales);
    const leaves = [root];
    while (leaves.length < rules.leaves) {
      const leaf = leaves.reduce((best, other) => (other.split.gain > best.split.gain ? other : best));
      if (leaf.split.column < 0) break;
      leaves.push(cut(leaf, leaves.length, leaves.length + 1 < rules.leaves, scales));
    }
    for (const leaf of leaves) addValue(leaf, scales, output);
    return leaves.length > 1;
  }

  function plantRoot(scales: Scales): Leaf {
    const [from, to] = share(rowCount, member.index, member.count);
    for (let row = from; row < to; row++) rows[row] = row;
    addRows(layout, records, rows, from, to, packed, partials, member.index * size);
    member.barrier();
    for (const column of ownColumns) reduceColumn(layout, column, partials, size, histograms, 0, -1);
    member.barrier();
    const root: Leaf = { start: 0, totals: totalsOfRoot(), slot: 0, node: forest.plant(), depth: 0, split: NO_SPLIT };
    search([root], scales);
    return root;
  }

  /** Any column's bins hold all rows. */
  function totalsOfRoot(): Totals {
    let [gradient, hessian] = [0, 0];
    for (let bin = 0; bin < BINS; bin++) {
      if (bin >= layout.binCounts[0]! && !(bin === BINS - 1 && layout.hasMissing[0] === 1)) continue;
      gradient += histograms[bin * SUMS]!;
      hessian += histograms[bin * SUMS + 1]!;
    }
    return { gradient, hessian, rows: rowCount };
  }

  /** Cuts `leaf`, which becomes its own left child; answers the right one. */
  function cut(leaf: Leaf, freeSlot: number, goesOn: boolean, scales: Scales): Leaf {
    const { split, totals } = leaf;
    partition(leaf);
    const threshold = split.set === null ? memory.edges[split.column * BINS + split.bin]! : 0;
    const node = forest.split(leaf.node, { ...split, threshold });
    const { left } = split;
    const right = {
      gradient: totals.gradient - left.gradient,
      hessian: totals.hessian - left.hessian,
      rows: totals.rows - left.rows,
    };
    const other: Leaf = {
      start: leaf.start + left.rows,
      totals: right,
      slot: freeSlot,
      node: node + 1,
      depth: leaf.depth + 1,
      split: NO_SPLIT,
    };
    const parentSlot = leaf.slot;
    Object.assign(leaf, { totals: left, node, depth: leaf.depth + 1, split: NO_SPLIT });
    const [smaller, larger] = left.rows <= right.rows ? [leaf, other] : [other, leaf];
    smaller.slot = freeSlot;
    larger.slot = parentSlot;
    if (goesOn && (mayBeCut(leaf) || mayBeCut(other))) {
      addHistogram(smaller, parentSlot);
      search([leaf, other], scales);
    }
    return other;
  }

  function partition({ start, totals, split }: Leaf): void {
    const [first, last] = share(totals.rows, member.index, member.count);
    const [from, to] = [start + first, start + last];
    sidesOf(split, sides);
    const leftCount = setAside(rows, memory.bins, split.column * rowCount, sides, memory.goingLeft, memory.goingRight, from, to);
    slate[member.index * 8] = leftCount;
    member.barrier();
    let leftBefore = 0;
    for (let index = 0; index < member.index; index++) leftBefore += slate[index * 8]!;
    const leftAt = start + leftBefore;
    const rightAt = start + split.left.rows + (first - leftBefore);
    putIntoPlace(rows, memory.goingLeft, memory.goingRight, from, leftCount, last - first - leftCount, leftAt, rightAt);
    member.barrier();
  }

  function addHistogram(smaller: Leaf, parentSlot: number): void {
    const [first, last] = share(smaller.totals.rows, member.index, member.count);
    addRows(layout, records, rows, smaller.start + first, smaller.start + last, packed, partials, member.index * size);
    member.barrier();
    for (const column of ownColumns)
      reduceColumn(layout, column, partials, size, histograms, smaller.slot * size, parentSlot * size);
  }

  const mayBeCut = ({ totals, depth }: Leaf) =>
    totals.rows >= 2 * rules.minRowsPerLeaf && (rules.depthMax === 0 || depth < rules.depthMax);

  /** Finds the best cut of one or two leaves. */
  function search(leaves: readonly Leaf[], scales: Scales): void {
    leaves.forEach((leaf, index) => {
      writeCandidate(mayBeCut(leaf) ? searchOwnColumns(leaf, scales) : NO_SPLIT, candidates, member.index, index);
    });
    member.barrier();
    leaves.forEach((leaf, index) => {
      leaf.split = bestCandidate(candidates, index, member.count);
    });
  }

  function searchOwnColumns(leaf: Leaf, scales: Scales): Split {
    const sums: LeafSums = { pool: histograms, at: leaf.slot * size, totals: leaf.totals, scales, rules };
    let best = NO_SPLIT;
    for (const column of ownColumns) {
      const searchColumn = memory.isText[column] === 1 ? searchText : searchNumber;
      best = searchColumn(sums, column, layout.binCounts[column]!, layout.hasMissing[column] === 1, best);
    }
    return best;
  }

  /** A leaf's value is the Newton step, shrunk by the learning rate. */
  function addValue(leaf: Leaf, scales: Scales, output: number): void {
    const hessian = leaf.totals.hessian / scales.hessian + rules.l2;
    const value = hessian > 0 ? (-rules.learningRate * (leaf.totals.gradient / scales.gradient)) / hessian : 0;
    forest.setValue(leaf.node, value);
    const [first, last] = share(leaf.totals.rows, member.index, member.count);
    for (let index = leaf.start + first; index < leaf.start + last; index++)
      memory.scores[rows[index]! * outputs + output]! += value;
  }

  return { grow };
}
