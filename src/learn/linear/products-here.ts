/**
 * Products of columns on the calling thread, a chunk of rows at a time, between which its event loop runs: for rows that take less time to multiply than to copy
 * for other threads.
 */
import { setImmediate } from "node:timers/promises";
import { throwIfCancelled } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import { type Design, refined } from "../design.ts";
import type { FitContext } from "../estimator.ts";
import { createGram, type GramRows, mirror } from "./gram.ts";
import { centred, type NormalEquations, standardised } from "./normal-equations.ts";
import { addTo } from "./solve.ts";

/** Squares below this have lost digits. */
const SQUARE_MIN = 1e-280;

/** size x size, symmetric; null as soon as `isLost` says so of the sums. Error: `learn.cancelled`. */
export async function productsHere(
  data: GramRows,
  chunks: number,
  context: Pick<FitContext, "progress" | "signal">,
  isLost: (sums: Float64Array) => boolean = () => false,
): Promise<Float64Array | null> {
  const { rowCount, weightCount } = data.rows;
  const size = weightCount + 1;
  const addChunk = createGram(data);
  const [sums, partial] = [new Float64Array(size * size), new Float64Array(size * size)];
  for (let chunk = 0; chunk < chunks; chunk++) {
    addChunk(...share(rowCount, chunk, chunks), partial.fill(0));
    addTo(sums, partial);
    if (isLost(sums)) return null;
    context.progress(chunk + 1, chunks + 1);
    await setImmediate();
    throwIfCancelled(context.signal);
  }
  mirror(sums, size);
  return sums;
}

/** Whether a rough number column has missing values, or squares that no double holds with all digits. */
export const isBeyondRough =
  ({ rows: { numbers, weightCount } }: Design) =>
  (sums: Float64Array): boolean =>
    numbers.some(({ input }) => {
      const square = sums[input.at * (weightCount + 2)]!;
      return !(square === 0 || (square >= SQUARE_MIN && square < Infinity));
    });

/** The design that its products make of a rough one, and its system. */
export function refinedBy(products: Float64Array, rough: Design): { design: Design; system: NormalEquations } {
  const system = centred(products, rough.weightCount + 1);
  const { count, G, means } = system;
  const design = refined(rough, ({ at }) => ({
    away: means[at]!,
    deviation: Math.sqrt(Math.max(0, G[at * (count + 1)]!) / rough.total),
  }));
  const scales = new Float64Array(count).fill(1);
  for (const { input } of design.rows.numbers) {
    scales[input.at] = input.scale;
    means[input.at] = 0;
  }
  return { design, system: standardised(system, scales) };
}
