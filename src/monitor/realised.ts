/** Quality of rows whose labels have come, by the decisions that were made at the time. */
import type { Task } from "../contract/index.ts";
import { type Evidence, intervalsOf, measure } from "../learn/index.ts";
import type { Estimated } from "./estimate.ts";

/** Every measure of the task, with its 95 % interval; null when there is no row. */
export function realisedQuality(task: Task, evidence: Evidence): Record<string, Estimated> | null {
  if (evidence.y.length === 0) return null;
  const intervals = intervalsOf(task, evidence);
  return Object.fromEntries(
    Object.entries(measure(task, evidence).measures).map(([name, value]) => {
      const interval = value === null ? undefined : intervals[name];
      return [name, interval ? { value, interval } : { value }];
    }),
  );
}

/** Some rows of the evidence. */
export function pickEvidence(evidence: Evidence, rows: Uint32Array): Evidence {
  const width = evidence.y.length === 0 ? 1 : evidence.predictions.length / evidence.y.length;
  const predictions = new Float64Array(rows.length * width);
  rows.forEach((row, at) => {
    predictions.set(evidence.predictions.subarray(row * width, (row + 1) * width), at * width);
  });
  const { decisions } = evidence;
  return {
    ...evidence,
    predictions,
    y: pick(evidence.y, rows),
    ...(decisions ? { decisions: pick(decisions, rows) } : {}),
  };
}

export const pick = (values: Float64Array, rows: Uint32Array) => Float64Array.from(rows, (row) => values[row]!);
