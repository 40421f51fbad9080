import { MillError } from "../../base/index.ts";
import type { Objects } from "./objects.ts";

/** What a rotation did, in objects as they are stored. */
export interface Rotated {
  readonly renewed: number;
  /** Were under the current key already. */
  readonly kept: number;
  /** Are under another key still, where another process is writing: rotate again once it has ended. */
  readonly left: number;
}

export interface RotatingObjects extends Objects {
  /**
   * Brings every object under the keyring's current key. What was renewed stays so if it is interrupted, and it may be run again; once nothing is
   * left, older keys may be dropped. One that cannot be renewed does not hold the others up: it is told in the end. Errors: `object.corrupt`,
   * `envelope.unknown-key`.
   */
  rotate(): Promise<Rotated>;
}

export type Outcome = "renewed" | "kept" | "gone";

/** A part of a rotation, with the first object that could not be renewed. */
export interface RotatedPart extends Rotated {
  readonly refusal: MillError | null;
}

/** Tries every item and counts what came of it; a fault of the store ends it at once. */
export async function rotateEach<T>(
  items: AsyncIterable<T> | Iterable<T>,
  renew: (item: T) => Promise<Outcome>,
): Promise<RotatedPart> {
  const counts = { renewed: 0, kept: 0, gone: 0 };
  let refusal: MillError | null = null;
  for await (const item of items) {
    try {
      counts[await renew(item)]++;
    } catch (error) {
      if (!(error instanceof MillError) || !REFUSALS.has(error.code)) throw error;
      refusal ??= error;
    }
  }
  const { renewed, kept } = counts;
  return { renewed, kept, left: 0, refusal };
}

const REFUSALS = new Set(["object.corrupt", "object.missing", "envelope.unknown-key"]);

/** Of a store that is not encrypted. */
export const NOTHING_ROTATED: Rotated = { renewed: 0, kept: 0, left: 0 };

/** The whole rotation. Errors: what a part refused. */
export function rotated(...parts: readonly RotatedPart[]): Rotated {
  const sum = { renewed: 0, kept: 0, left: 0 };
  for (const { renewed, kept, left, refusal } of parts) {
    if (refusal) throw refusal;
    sum.renewed += renewed;
    sum.kept += kept;
    sum.left += left;
  }
  return sum;
}
