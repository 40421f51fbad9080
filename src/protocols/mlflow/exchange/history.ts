import { createHash } from "node:crypto";
import type { PointThere } from "./source.ts";

/** Of all points of one metric, in whatever order they come. */
export function historyDigest(points: readonly PointThere[]): string {
  const sorted = [...points].sort(
    (one, other) => one.timestamp - other.timestamp || one.step - other.step || one.value - other.value || 0,
  );
  const numbers = new Float64Array(sorted.length * 3);
  for (const [at, { timestamp, step, value }] of sorted.entries()) numbers.set([timestamp, step, value], at * 3);
  return createHash("sha256").update(new Uint8Array(numbers.buffer)).digest("base64url").slice(0, 11);
}
