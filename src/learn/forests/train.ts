/**
 * Grows a forest of independent trees: the job that each member of the crew runs. Columns are binned by turns; then each member takes the next tree that
 * nobody has taken. A tree depends on its seed alone, so that who grew it does not matter.
 */
import type { Member } from "../crew/crew.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import { NODE_BYTES, type TreeGrowth } from "../kernels/tree-growth.ts";
import { assignBins, BINS, binEdges, storeEdges } from "../trees/binning.ts";
import { levelsOf, rankTexts } from "../trees/categories.ts";
import type { TextLevels, TreeColumn } from "../trees/columns.ts";
import type { Forest } from "../trees/forest.ts";
import { assemble } from "./assemble.ts";
import { type ForestMemory, keep, NEXT } from "./memory.ts";

export interface GrowthRules {
  /** Of which each split chooses the best. */
  readonly columnsTried: number;
  readonly minRowsPerLeaf: number;
  /** 0: no bound. */
  readonly depthMax: number;
  /** Cuts are drawn, one for each column that is tried. */
  readonly isRandomCut: boolean;
  readonly bootstrap: boolean;
}

export interface GrowOrder {
  readonly rowCount: number;
  readonly columns: readonly TreeColumn[];
  /** Of the labels, 0 for regression. */
  readonly classCount: number;
  readonly rules: GrowthRules;
  /** One per tree. */
  readonly seeds: Int32Array;
  readonly binsMax: number;
  readonly seed: number;
  /** What a gain of 1 is in steps. */
  readonly gainScale: number;
  /** With targets, units, labels and weights filled in. */
  readonly memory: ForestMemory;
}

export interface GrownForest {
  readonly forest: Forest;
  readonly levels: readonly (TextLevels | null)[];
}

/** Rows that a kernel sees in one call: about a millisecond. */
const BUDGET = 50_000;

export function growForest(order: GrowOrder, member: Member): GrownForest | null {
  const { columns, memory, classCount } = order;
  const weights = memory.weights.length > 0 ? memory.weights : undefined;
  const ranked = rankTexts(columns, memory.labels, weights, classCount, member);
  member.barrier();
  fillBins(order, member);
  member.barrier();
  growTrees(order, member);
  member.barrier();
  if (member.index > 0) return null;
  return { forest: assemble(order), levels: levelsOf(ranked, memory) };
}

function fillBins({ columns, rowCount, binsMax, seed, memory }: GrowOrder, member: Member): void {
  columns.forEach(({ values }, column) => {
    if (column % member.count !== member.index) return;
    const edges = binEdges(values, binsMax, seed + column);
    const table = memory.edges.subarray(column * BINS, (column + 1) * BINS);
    storeEdges(edges, table);
    memory.binCounts[column] = edges.length;
    assignBins(values, table, memory.bins, column * rowCount, 0, rowCount);
  });
}

function growTrees(order: GrowOrder, member: Member): void {
  const { seeds, rules, memory } = order;
  const kernel = prepareKernel(order, member);
  const told = createProgress(order, member);
  for (let tree = take(memory); tree < seeds.length; tree = take(memory)) {
    const rowCount = kernel.plant(seeds[tree]!, rules.bootstrap);
    while (kernel.grow(BUDGET) === 1) told(kernel.settled() / rowCount);
    finish(order, member, kernel, tree);
    told(1);
  }
}

const take = ({ counters }: ForestMemory) => Atomics.add(counters, NEXT, 1);

function prepareKernel({ rowCount, columns, classCount, rules, memory }: GrowOrder, member: Member): TreeGrowth {
  const kernel = instantiateKernel<TreeGrowth>("tree-growth", memory.memory);
  const { bins, targets, units, labels, weights } = memory;
  const addressOf = (array: ArrayBufferView & { readonly length: number }) => (array.length > 0 ? array.byteOffset : 0);
  const { columnsTried, minRowsPerLeaf, depthMax, isRandomCut } = rules;
  const classes = classCount > 2 ? classCount : 0;
  kernel.prepare(
    rowCount,
    columns.length,
    columnsTried,
    classes,
    minRowsPerLeaf,
    depthMax,
    isRandomCut,
    ...([bins, targets, units, labels, weights].map(addressOf) as [number, number, number, number, number]),
  );
  const own = memory.members[member.index]!;
  for (let k = 0; k < classes; k++) own.vectors[k * classes + k] = 1;
  kernel.own(
    own.draws.byteOffset,
    own.rows.byteOffset,
    own.stats.byteOffset,
    own.spareRows.byteOffset,
    own.spareStats.byteOffset,
    own.cells.byteOffset,
    own.scratch.byteOffset,
    own.nodes.byteOffset,
    own.vectors.byteOffset,
  );
  return kernel;
}

/** Puts the tree where all can read it. The unit vectors, which every tree begins with, are left out. */
function finish({ classCount, memory }: GrowOrder, member: Member, kernel: TreeGrowth, tree: number): void {
  const { nodes, vectors } = memory.members[member.index]!;
  const nodeCount = kernel.nodesGrown();
  memory.finished[tree * 4] = keep(memory, nodes.subarray(0, nodeCount * NODE_BYTES));
  memory.finished[tree * 4 + 1] = nodeCount;
  if (classCount <= 2) return;
  const own = kernel.vectorsMade() - classCount;
  const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset + classCount * classCount * 8, own * classCount * 8);
  memory.finished[tree * 4 + 2] = keep(memory, bytes);
  memory.finished[tree * 4 + 3] = own;
}

/** Hears how much of its tree a member has grown; member 0 tells of all, a hundredth at a time. */
function createProgress({ seeds, memory }: GrowOrder, member: Member): (part: number) => void {
  const { grown } = memory;
  const own = member.index * 8;
  let finished = 0;
  let told = 0;
  return (part) => {
    if (part === 1) finished++;
    grown[own] = finished + (part === 1 ? 0 : part);
    if (member.index > 0) return;
    let sum = 0;
    for (let index = 0; index < member.count; index++) sum += grown[index * 8]!;
    const percent = Math.floor((100 * sum) / seeds.length);
    if (percent > told) member.progress(percent, 100);
    told = Math.max(told, percent);
  };
}
