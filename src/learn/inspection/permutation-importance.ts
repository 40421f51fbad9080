/**
 * How much worse a model gets when a column's values are dealt anew among the rows: what the model owes to the column (Breiman, 2001; for any model Fisher,
 * Rudin and Dominici, 2019). Columns that say the same stand in for each other: shuffle them together.
 */
import { createRandom, type Random } from "../../base/index.ts";
import { throwIfCancelled } from "../crew/crew.ts";
import type { Predictor, TrainingData } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import type { Interval } from "../metrics/intervals.ts";
import type { Measure } from "../metrics/measures.ts";
import { meanInterval } from "../metrics/student.ts";
import { scoredBy } from "../model-selection/cross-validate.ts";
import { pickFrame, shuffle } from "../model-selection/rows.ts";
import { badColumn } from "../training-data.ts";
import { type Listener, restAfter } from "./rest.ts";

export interface PermutationOptions {
  readonly measure: Measure;
  /** Times that each column is shuffled; default 5. */
  readonly repeats?: number;
  /** Default 1. */
  readonly seed?: number;
  /** What to shuffle, each entry by itself, the columns of a list together; default every column of the model. */
  readonly columns?: readonly (string | readonly string[])[];
}

export interface PermutationImportance {
  readonly columns: readonly string[];
  /** Mean loss by the measure in its own unit: above 0 where the column helps. Null where shuffled rows do not define the measure. */
  readonly value: number | null;
  /** 95 %, of the chance in shuffling these rows; null for one repeat. */
  readonly interval: Interval | null;
  readonly repeats: readonly number[];
}

/** In the order of `columns`; null when the rows do not define the measure. `data`: labelled rows, best ones that the model was not trained on. */
export async function permutationImportance(
  predictor: Predictor,
  data: TrainingData,
  { measure, repeats = 5, seed = 1, columns = predictor.inputs.map(({ name }) => name) }: PermutationOptions,
  listener: Listener,
): Promise<readonly PermutationImportance[] | null> {
  throwIfCancelled(listener.signal);
  const whole = measure.of(scoredBy(predictor, data)).value;
  if (whole === null) return null;
  const sets = columns.map((each) => (typeof each === "string" ? [each] : each));
  for (const name of sets.flat()) checkColumn(predictor, name);
  const sign = measure.better === "higher" ? 1 : -1;
  const random = createRandom(seed);
  const found: PermutationImportance[] = [];
  for (const [index, names] of sets.entries()) {
    const losses: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const X = shuffled(data.X, names, random);
      const { value } = measure.of(scoredBy(predictor, { ...data, X }));
      if (value !== null) losses.push(sign * (whole - value));
      await restAfter(index * repeats + repeat + 1, sets.length * repeats, listener);
    }
    const { mean, interval } = meanInterval(losses);
    found.push({ columns: names, value: losses.length === 0 ? null : mean, interval, repeats: losses });
  }
  return found;
}

/** The rows with these columns taken from others, all from the same one. */
function shuffled(X: Frame, names: readonly string[], random: Random): Frame {
  const order = Int32Array.from({ length: X.rowCount }, (_, row) => row);
  shuffle(order, random);
  const moved = pickFrame(
    { rowCount: X.rowCount, columns: Object.fromEntries(names.map((name) => [name, X.columns[name]!])) },
    order,
  );
  return { rowCount: X.rowCount, columns: { ...X.columns, ...moved.columns } };
}

export function checkColumn({ inputs }: Predictor, name: string): void {
  if (inputs.some((input) => input.name === name)) return;
  const known = inputs.map((input) => input.name).join(", ");
  throw badColumn(name, `a column that the model reads: ${known}`, "another", "Take one of the model's columns.");
}
