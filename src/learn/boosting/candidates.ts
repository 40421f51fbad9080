/** How the members of the crew tell each other their best cuts: a fixed form in shared memory, two leaves per member. */
import { SET_WORDS } from "../trees/forest.ts";
import { CANDIDATE } from "./memory.ts";
import { NO_SPLIT, type Split } from "./split-search.ts";

/** A member's answer for one of the two leaves that are searched together. */
export function writeCandidate(split: Split, candidates: Float64Array, member: number, leaf: number): void {
  const { gain, column, bin, set, missingLeft, left } = split;
  const at = (member * 2 + leaf) * CANDIDATE;
  candidates.set([gain, column, bin, (missingLeft ? 1 : 0) + (set === null ? 0 : 2), left.gradient, left.hessian, left.rows], at);
  if (set !== null) candidates.set(set, at + CANDIDATE - SET_WORDS);
}

/** The best of all members' answers. */
export function bestCandidate(candidates: Float64Array, leaf: number, count: number): Split {
  let best = NO_SPLIT;
  for (let member = 0; member < count; member++) {
    const split = readCandidate(candidates, (member * 2 + leaf) * CANDIDATE);
    if (split.column >= 0 && (split.gain > best.gain || (split.gain === best.gain && split.column < best.column))) best = split;
  }
  return best;
}

function readCandidate(candidates: Float64Array, at: number): Split {
  const [gain, column, bin, flags, gradient, hessian, rows, , ...words] = candidates.subarray(at, at + CANDIDATE);
  const set = flags! >= 2 ? Int32Array.from(words) : null;
  return {
    gain: gain!,
    column: column!,
    bin: bin!,
    set,
    missingLeft: flags! % 2 === 1,
    left: { gradient: gradient!, hessian: hessian!, rows: rows! },
  };
}
