/**
 * What a training keeps of its work: the trees so far, and what early stopping has seen. The same training goes on from there and ends in the same forest, as its
 * scores are those of the trees, added in their order.
 */
import type { Json } from "../../base/index.ts";
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import { BINS, MISSING_BIN } from "../trees/binning.ts";
import { type Forest, isInSet } from "../trees/forest.ts";
import { forestFromPacked, packedForest } from "../trees/forest-json.ts";
import type { Memory } from "./memory.ts";
import type { Best } from "./stopping.ts";
import type { TreeWalk } from "./tree-walk.ts";

export interface Kept {
  /** Rounds that are done. */
  readonly round: number;
  readonly forest: Forest;
  readonly best: Best;
}

const KEEP_EVERY_MS = 60_000;
const KEEP_TIMES = 10;

/** Whether to keep after a round: ten times in all, and once a minute where that is more. */
export function createKeeping(trees: number): (round: number) => boolean {
  let keptAt = performance.now();
  return (round) => {
    const now = performance.now();
    if (round % Math.ceil(trees / KEEP_TIMES) !== 0 && now - keptAt < KEEP_EVERY_MS) return false;
    keptAt = now;
    return true;
  };
}

export const keptToJson = ({ round, forest, best }: Kept): Json => ({
  ...{ round, bestRound: best.round, forest: packedForest(forest) },
  bestLoss: Number.isFinite(best.loss) ? best.loss : null,
});

/** null where nothing was kept. Error: `learn.bad-model`. */
export function keptFromJson(json: Json | null): Kept | null {
  if (json === null) return null;
  const { round, bestRound, bestLoss, forest } = json as Record<string, Json>;
  const best = { round: bestRound as number, loss: (bestLoss as number | null) ?? Infinity };
  return { round: round as number, forest: forestFromPacked(forest as Record<string, unknown>, 1), best };
}

/** Adds the trees to the scores, each member those of its share of the rows. Ends with a barrier. */
export function replay(forest: Forest, memory: Memory, outputs: number, walk: TreeWalk, member: Member): void {
  const { rows } = memory;
  const [from, to] = share(rows.length, member.index, member.count);
  for (let row = from; row < to; row++) rows[row] = row;
  member.barrier();
  const sides = new Uint8Array(BINS);
  forest.roots.forEach((root, tree) => {
    const end = forest.roots[tree + 1] ?? forest.columns.length;
    walk.plant();
    for (let node = root; node < end; node++) {
      const column = forest.columns[node]!;
      if (column < 0) walk.setValue(node - root, forest.values[node]!);
      else walk.split(node - root, column, forest.lefts[node]! - root, writeSides(sides, forest, node, memory));
    }
    walk.mark(0, rows.length);
    walk.addValues(tree % outputs);
  });
  member.barrier();
}

/** 1 for each bin that goes right. */
function writeSides(sides: Uint8Array, forest: Forest, node: number, { edges }: Memory): Uint8Array {
  const first = forest.columns[node]! * BINS;
  const set = forest.setAts[node]!;
  const goesLeft = (bin: number) =>
    set < 0 ? edges[first + bin]! <= forest.thresholds[node]! : isInSet(forest.setWords, set, bin);
  for (let bin = 0; bin < MISSING_BIN; bin++) sides[bin] = goesLeft(bin) ? 0 : 1;
  sides[MISSING_BIN] = 1 - forest.missingLeft[node]!;
  return sides;
}
