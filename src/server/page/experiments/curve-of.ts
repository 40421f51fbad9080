/** A metric of a run as a curve over its steps, or over time where it has no steps. */
import type { BoundCall } from "../../../guard/index.ts";
import type { Place } from "../curve-plot.ts";
import type { Run } from "./columns.ts";

const POINTS_MAX = 2500;

export async function curveOf(
  call: BoundCall,
  run: Pick<Run, "id">,
  key: string,
): Promise<{ readonly points: readonly Place[]; readonly across: string; readonly undrawn: number }> {
  const { points } = await call("metricCurve", { run: run.id, key, points: POINTS_MAX });
  const bySteps = points.some(({ step }) => step !== points[0]!.step);
  const begun = points[0]?.timestamp ?? 0;
  const places = points.map(({ step, timestamp, value }) => ({
    x: bySteps ? step : (timestamp - begun) / 1000,
    y: Number(value),
  }));
  return {
    points: bySteps ? places : places.toSorted((a, b) => a.x - b.x),
    across: bySteps ? "step" : "seconds",
    undrawn: places.filter(({ y }) => !Number.isFinite(y)).length,
  };
}
