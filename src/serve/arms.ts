/** Counts of what a version did while a step of a rollout lasts: constant memory, a few nanoseconds a request. */
import type { Arm } from "./rollout.ts";

export interface ArmCounts {
  answered(rows: number, micros: number): void;
  failed(rows: number): void;
  read(version: number): Arm;
}

/** Steps of a doubling of time: a percentile is told to within 9 %. */
const STEPS = 8;
const DOUBLINGS = 30;

export function countArm(): ArmCounts {
  const histogram = new Uint32Array(STEPS * DOUBLINGS);
  let [requests, rows, errors] = [0, 0, 0];
  return {
    answered(rowCount, micros) {
      requests++;
      rows += rowCount;
      histogram[Math.max(0, Math.min(histogram.length - 1, Math.floor(Math.log2(micros) * STEPS)))]!++;
    },
    failed(rowCount) {
      requests++;
      rows += rowCount;
      errors++;
    },
    read: (version) => ({ version, requests, rows, errors, p99Micros: percentile(histogram, requests - errors, 0.99) }),
  };
}

/** The upper end of the step that the percentile falls into. */
function percentile(histogram: Uint32Array, count: number, share: number): number | null {
  if (count === 0) return null;
  let left = Math.ceil(count * share);
  const step = histogram.findIndex((inStep) => (left -= inStep) <= 0);
  return 2 ** ((step + 1) / STEPS);
}
