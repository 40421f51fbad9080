/** Forecasts in words. */
import { formatSpan } from "../base/index.ts";
import type { OutputOf } from "../contract/index.ts";

type Plan = OutputOf<"plan">;

/** `3.2 s (2.9 s to 4.1 s), 410 MB; of 7 attempts`. */
export function stepForecastText({ state, forecast }: Plan["steps"][number]): string {
  if (state === "current" || state === "refused") return "-";
  if (forecast === undefined) return "not known yet";
  const { wallMs, lowMs, highMs, memoryBytes, attempts, of, sure } = forecast;
  const interval =
    attempts > 1 ? ` (${formatSpan(lowMs)} to ${formatSpan(highMs)}${sure > 0 ? `, ${percent(sure)} sure` : ""})` : "";
  const whose = of === "target" ? "" : " for other targets";
  return `${formatSpan(wallMs)}${interval}, ${megabytes(memoryBytes)}; of ${count(attempts, "attempt")}${whose}`;
}

export function forecastText({
  steps,
  unknown,
  wallMs,
  lowMs,
  highMs,
  memoryBytes,
  attempts,
}: NonNullable<Plan["forecast"]>): string {
  if (steps === 0) return "";
  if (unknown === steps)
    return `how long ${count(steps, "step")} will take is not known yet: none like ${steps === 1 ? "it" : "them"} has run`;
  const least =
    unknown > 0
      ? `at least ${formatSpan(wallMs)}`
      : `${formatSpan(wallMs)}${attempts > 1 ? ` (${formatSpan(lowMs)} to ${formatSpan(highMs)})` : ""}`;
  const rest = unknown > 0 ? `; of ${unknown} nothing is known yet` : "";
  return `expected: ${least} and ${megabytes(memoryBytes)} for ${count(steps, "step")}, from ${attempts === 1 ? "one earlier attempt" : `${attempts} earlier attempts`} or more of each${rest}`;
}

export const hindsightText = ({ steps, runs, ratio, within }: NonNullable<Plan["hindsight"]>): string =>
  `forecasts of the last ${runs === 1 ? "run" : `${runs} runs`}: ${count(steps, "step")} took ${ratio.toFixed(2)} times what was expected (median)${within === null ? "" : `, ${percent(within)} inside the interval`}`;

const percent = (share: number) => `${Math.round(100 * share)} %`;
const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20).toLocaleString("en")} MB`;
const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
