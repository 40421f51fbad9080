/** From the nodes that the kernel left to a forest; see `kernels/tree-growth.ts` for a node's form. */
import { sharedFloat32, sharedFloat64, sharedInt32, sharedUint8 } from "../crew/shared.ts";
import { NODE_BYTES } from "../kernels/tree-growth.ts";
import { BINS } from "../trees/binning.ts";
import type { Forest, LeafVectors } from "../trees/forest.ts";
import { STEP } from "./memory.ts";
import type { GrowOrder } from "./train.ts";

const WORDS = NODE_BYTES / 4;
const DOUBLES = NODE_BYTES / 8;

export function assemble(order: GrowOrder): Forest {
  const { seeds, columns, classCount, gainScale } = order;
  const { memory, finished, edges } = order.memory;
  const counts = seeds.map((_, tree) => finished[tree * 4 + 1]!);
  const roots = sharedInt32(seeds.length);
  for (let tree = 1; tree < seeds.length; tree++) roots[tree] = roots[tree - 1]! + counts[tree - 1]!;
  const nodeCount = counts.reduce((a, b) => a + b, 0);
  const isText = columns.map(({ codes }) => codes !== undefined);
  const vectors = classCount > 2 ? gatherVectors(order, nodeCount) : null;
  const forest = {
    roots,
    columns: sharedInt32(nodeCount),
    thresholds: sharedFloat32(nodeCount),
    lefts: sharedInt32(nodeCount),
    missingLeft: sharedUint8(nodeCount),
    values: sharedFloat64(nodeCount),
    gains: sharedFloat64(nodeCount),
    covers: sharedFloat64(nodeCount),
    setAts: sharedInt32(nodeCount).fill(-1),
    setWords: sharedInt32(0),
    vectors,
  };
  let vectorsBefore = 0;
  for (let tree = 0; tree < seeds.length; tree++) {
    const from = finished[tree * 4]! * STEP;
    const root = roots[tree]!;
    const words = new Int32Array(memory.buffer, from, counts[tree]! * WORDS);
    const doubles = new Float64Array(memory.buffer, from, counts[tree]! * DOUBLES);
    for (let at = 0, node = root; at < words.length; at += WORDS, node++) {
      const column = words[at]!;
      const vector = words[at + 3]!;
      forest.columns[node] = column;
      forest.values[node] = doubles[at / 2 + 3]!;
      forest.gains[node] = doubles[at / 2 + 2]! * gainScale;
      forest.covers[node] = doubles[at / 2 + 4]!;
      if (vectors !== null) vectors.ats[node] = vector < classCount ? vector : vector + vectorsBefore;
      if (column < 0) continue;
      const bin = words[at + 1]! & 255;
      forest.thresholds[node] = isText[column] ? bin + 0.5 : edges[column * BINS + bin]!;
      forest.missingLeft[node] = words[at + 1]! >> 8;
      forest.lefts[node] = root + words[at + 2]!;
    }
    vectorsBefore += finished[tree * 4 + 3]!;
  }
  return forest;
}

/** One unit vector per class, then the mixed ones of each tree. */
function gatherVectors({ classCount, seeds, memory: { memory, finished } }: GrowOrder, nodeCount: number): LeafVectors {
  let mixed = 0;
  for (let tree = 0; tree < seeds.length; tree++) mixed += finished[tree * 4 + 3]!;
  const values = sharedFloat64((classCount + mixed) * classCount);
  for (let k = 0; k < classCount; k++) values[k * classCount + k] = 1;
  let at = classCount * classCount;
  for (let tree = 0; tree < seeds.length; tree++) {
    const length = finished[tree * 4 + 3]! * classCount;
    values.set(new Float64Array(memory.buffer, finished[tree * 4 + 2]! * STEP, length), at);
    at += length;
  }
  return { width: classCount, ats: sharedInt32(nodeCount), values };
}
