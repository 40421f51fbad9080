/** Explanations of single rows, summed up: how much each column moves a model's scores. */
import { MillError } from "../../base/index.ts";
import { throwIfCancelled } from "../crew/crew.ts";
import type { Predictor } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import { pickFrame } from "../model-selection/rows.ts";
import { evenRows } from "./partial-dependence.ts";
import { type Listener, restAfter } from "./rest.ts";

export interface MeanShare {
  readonly column: string;
  /** Mean absolute share over the rows, in the unit of scores (log odds, or the value itself): of each output, and of all together. */
  readonly byOutput: readonly number[];
  readonly value: number;
  /** Mean share with its sign, of each output. */
  readonly direction: readonly number[];
}

const BATCH = 500;

/** By falling value. Errors: `learn.not-explained` when the model cannot explain itself, `learn.bad-column`, `learn.cancelled`. */
export async function meanShares(
  predictor: Predictor,
  X: Frame,
  { rowsMax = 2000 }: { readonly rowsMax?: number },
  listener: Listener,
): Promise<readonly MeanShare[]> {
  throwIfCancelled(listener.signal);
  const { inputs, outputs, estimator } = predictor;
  if (predictor.explain === undefined)
    throw new MillError("learn.not-explained", `A model of ${estimator} does not say what each column adds to its scores.`, {
      fix: "Use permutation importance or partial dependence, which take any model.",
    });
  const rows = evenRows(X.rowCount, rowsMax);
  const [sizes, sums] = [new Float64Array(inputs.length * outputs), new Float64Array(inputs.length * outputs)];
  for (let from = 0; from < rows.length; from += BATCH) {
    const { values } = predictor.explain(pickFrame(X, rows.subarray(from, from + BATCH)));
    values.forEach((value, at) => {
      sizes[at % sizes.length]! += Math.abs(value) / rows.length;
      sums[at % sums.length]! += value / rows.length;
    });
    await restAfter(Math.min(from + BATCH, rows.length), rows.length, listener);
  }
  const shares = inputs.map(({ name }, index): MeanShare => {
    const own = [...sizes.subarray(index * outputs, (index + 1) * outputs)];
    const direction = [...sums.subarray(index * outputs, (index + 1) * outputs)];
    return { column: name, byOutput: own, value: own.reduce((sum, size) => sum + size, 0), direction };
  });
  return shares.sort((a, b) => b.value - a.value);
}
