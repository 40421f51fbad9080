/** Columns become bins: texts by rank, numbers by edges; each member chooses the edges of its columns, then bins its rows. */
import type { MillError } from "../../base/index.ts";
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import type { BinningKernel } from "../kernels/binning.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import { badColumn } from "../training-data.ts";
import { BINS, edgesOfSorted, samplePlaces, storeEdges, takeSample } from "../trees/binning.ts";
import { rankTexts } from "../trees/categories.ts";
import type { TreeColumn } from "../trees/columns.ts";
import { BINNED_ROWS, type Memory, paddedColumns, strideOf } from "./memory.ts";
import type { ForestOrder } from "./train.ts";

export interface TrainingColumn extends TreeColumn {
  /** Of a text column of a forest that is gone on with: the bin of each text, -1 for one that it does not know. */
  readonly bins?: Int32Array;
}

/** Texts become ranks, or the bins that they had in the forest that is gone on with; answers the codes in rank order of each column that was ranked. Ends with a barrier. */
export function placeTexts({ columns, classCount, memory }: ForestOrder, member: Member): (Int32Array | null)[] {
  const goesOn = columns.some(({ bins }) => bins !== undefined);
  if (goesOn) for (const column of columns) writeKnown(column, member);
  const weights = memory.weights.length === 0 ? undefined : memory.weights;
  const ranked = goesOn ? columns.map(() => null) : rankTexts(columns, memory.y, weights, classCount, member);
  member.barrier();
  return ranked;
}

function writeKnown({ values, codes, bins }: TrainingColumn, member: Member): void {
  if (codes === undefined || bins === undefined) return;
  const [from, to] = share(values.length, member.index, member.count);
  for (let row = from; row < to; row++) {
    const bin = codes[row]! < 0 ? -1 : bins[codes[row]!]!;
    values[row] = bin < 0 ? Number.NaN : bin;
  }
}

/** Ends with a barrier. */
export function fillBins({ columns, rowCount, binsMax, sampling, memory }: ForestOrder, member: Member): void {
  const kernel = instantiateKernel<BinningKernel>("binning", memory.memory);
  chooseEdges(kernel, columns, samplePlaces(rowCount, sampling.seed), binsMax, memory, member);
  member.barrier();
  const { scratch } = memory.own[member.index]!;
  const block = new Float32Array(scratch.buffer, scratch.byteOffset, BINNED_ROWS);
  const stride = strideOf(columns.length);
  const padded = paddedColumns(columns.length);
  const [from, to] = share(rowCount, member.index, member.count);
  for (let first = from; first < to; first += BINNED_ROWS) {
    const count = Math.min(BINNED_ROWS, to - first);
    const records = memory.records.byteOffset + first * stride + 8;
    columns.forEach(({ name, values }, column) => {
      block.set(values.subarray(first, first + count));
      const edges = memory.edges.byteOffset + column * BINS * 4;
      const bins = memory.bins.byteOffset + column * rowCount + first;
      const found = kernel.assign(block.byteOffset, count, edges, bins, records + column, stride);
      if (found >= 2) throw beyondFloat32(name, values, first);
      if (found === 1) Atomics.store(memory.hasMissing, column, 1);
    });
    for (let row = first; row < first + count; row++)
      for (let column = columns.length; column < padded; column++) memory.records[row * stride + 8 + column] = row;
  }
  member.barrier();
}

function beyondFloat32(name: string, values: Float32Array, first: number): MillError {
  const row = values.findIndex((value, at) => at >= first && Math.abs(value) === Infinity);
  return badColumn(name, "numbers within the range of float32", `one beyond it in row ${row}`, `Scale "${name}" down.`);
}

function chooseEdges(
  kernel: BinningKernel,
  columns: readonly TrainingColumn[],
  places: Uint32Array | null,
  binsMax: number,
  memory: Memory,
  member: Member,
): void {
  const { scratch } = memory.own[member.index]!;
  columns.forEach(({ values, codes, bins }, column) => {
    if (column % member.count !== member.index) return;
    const room = places === null ? values.length : places.length;
    const sample = new Float32Array(scratch.buffer, scratch.byteOffset, room);
    const sorted = new Float32Array(scratch.buffer, scratch.byteOffset + room * 4, room);
    const count = takeSample(values, places, sample);
    kernel.sort(sample.byteOffset, sorted.byteOffset, count, sorted.byteOffset + room * 4);
    const edges = bins === undefined ? edgesOfSorted(sorted.subarray(0, count), binsMax) : edgesOfBins(bins);
    storeEdges(edges, memory.edges.subarray(column * BINS, (column + 1) * BINS));
    memory.isText[column] = codes === undefined ? 0 : 1;
    memory.binCounts[column] = edges.length;
  });
}

/** Edges that leave each bin what it is. */
const edgesOfBins = (bins: Int32Array) =>
  Float32Array.from({ length: Math.max(1, bins.reduce((a, b) => Math.max(a, b), 0) + 1) }, (_, bin) => bin);
