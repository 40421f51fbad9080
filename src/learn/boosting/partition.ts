/**
 * Sorts the rows of a leaf into those that go left and those that go right, stable, each member its part, in two steps with a barrier between:
 * first each counts and sets aside, then, knowing how many the others have, puts its own into place.
 */

import { BINS, MISSING_BIN } from "../trees/binning.ts";
import { isInSet } from "../trees/forest.ts";

import type { Split } from "./split-search.ts";

const BLOCK = 2048;

/** For each bin 1 when it goes right. */
export function sidesOf({ bin, set, missingLeft }: Split, sides: Uint8Array): void {
  if (set === null) sides.fill(0, 0, bin + 1).fill(1, bin + 1);
  else for (let each = 0; each < BINS; each++) sides[each] = isInSet(set, 0, each) ? 0 : 1;
  sides[MISSING_BIN] = missingLeft ? 0 : 1;
}

/**
 * Sets rows[from..to) aside by side, both from `from` on; answers how many go left. The sides are looked up a block ahead: a store whose place depends on a
 * look-up keeps the processor from starting the next look-ups.
 */
export function setAside(
  rows: Uint32Array,
  bins: Uint8Array,
  offset: number,
  sides: Uint8Array,
  goingLeft: Uint32Array,
  goingRight: Uint32Array,
  from: number,
  to: number,
): number {
  const ahead = new Uint8Array(Math.min(BLOCK, to - from));
  let left = from;
  let right = from;
  for (let start = from; start < to; start += BLOCK) {
    const end = Math.min(to, start + BLOCK);
    for (let index = start; index < end; index++) ahead[index - start] = sides[bins[offset + rows[index]!]!]!;
    for (let index = start; index < end; index++) {
      const row = rows[index]!;
      const side = ahead[index - start]!;
      goingLeft[left] = row;
      goingRight[right] = row;
      right += side;
      left += 1 - side;
    }
  }
  return left - from;
}

/** Puts a member's rows into place: `leftAt` and `rightAt` are where its left and right rows begin in `rows`. */
export function putIntoPlace(
  rows: Uint32Array,
  goingLeft: Uint32Array,
  goingRight: Uint32Array,
  from: number,
  leftCount: number,
  rightCount: number,
  leftAt: number,
  rightAt: number,
): void {
  rows.set(goingLeft.subarray(from, from + leftCount), leftAt);
  rows.set(goingRight.subarray(from, from + rightCount), rightAt);
}
