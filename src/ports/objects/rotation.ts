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

export type Outcome = keyof Rotated | "gone";

/** Tries every item, counts what came of it, and throws the first refusal once all were tried; a fault of the store ends it at once. */
export async function rotateEach<T>(
  items: AsyncIterable<T> | Iterable<T>,
  renew: (item: T) => Promise<Outcome>,
): Promise<Rotated> {
  const counts = { renewed: 0, kept: 0, left: 0, gone: 0 };
  let refusal: unknown;
  for await (const item of items) {
    try {
      counts[await renew(item)]++;
    } catch (error) {
      if (!(error instanceof MillError) || !REFUSALS.has(error.code)) throw error;
      refusal ??= error;
    }
  }
  if (refusal) throw refusal;
  const { gone: _, ...rotated } = counts;
  return rotated;
}

const REFUSALS = new Set(["object.corrupt", "object.missing", "envelope.unknown-key"]);
