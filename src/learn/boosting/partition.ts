/**
 * Sorts the rows of a leaf into those that go left and those that go right, stable, each member its part, in two steps with a barrier between:
 * first each counts and sets aside, then, knowing how many the others have, puts its own into place.
 */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { RowsKernel } from "../kernels/rows.ts";
import { BINS, MISSING_BIN } from "../trees/binning.ts";
import { isInSet } from "../trees/forest.ts";
import { type Memory, SLATE } from "./memory.ts";
import type { Split } from "./split-search.ts";

/** Rows of a call: kernels are called often rather than long. */
const CALL_ROWS = 16_384;

/** For each bin 1 when it goes right. */
export function sidesOf({ bin, set, missingLeft }: Split, sides: Uint8Array): void {
  if (set === null) sides.fill(0, 0, bin + 1).fill(1, bin + 1);
  else for (let each = 0; each < BINS; each++) sides[each] = isInSet(set, 0, each) ? 0 : 1;
  sides[MISSING_BIN] = missingLeft ? 0 : 1;
}

/** Sorts `count` rows from place `start` on by a cut of which `leftRows` go left. Ends with a barrier. */
export function createPartition(memory: Memory, rowCount: number, member: Member) {
  const kernel = instantiateKernel<RowsKernel>("rows", memory.memory);
  const { rows, goingLeft, goingRight, bins, slate } = memory;
  const { sides } = memory.own[member.index]!;
  const place = (list: Uint32Array, at: number) => list.byteOffset + at * 4;

  return (split: Split, start: number, count: number, leftRows: number): void => {
    const [first, last] = share(count, member.index, member.count);
    const [from, to] = [start + first, start + last];
    sidesOf(split, sides);
    const column = bins.byteOffset + split.column * rowCount;
    let left = 0;
    for (let at = from; at < to; at += CALL_ROWS) {
      const end = Math.min(at + CALL_ROWS, to);
      const right = place(goingRight, at - left);
      left += kernel.setAside(rows.byteOffset, at, end, column, sides.byteOffset, place(goingLeft, from + left), right);
    }
    slate[member.index * SLATE] = left;
    member.barrier();
    let leftBefore = 0;
    for (let index = 0; index < member.index; index++) leftBefore += slate[index * SLATE]!;
    kernel.copyRows(place(goingLeft, from), place(rows, start + leftBefore), left);
    kernel.copyRows(place(goingRight, from), place(rows, start + leftRows + first - leftBefore), to - from - left);
    member.barrier();
  };
}
