/** `mill trials MODEL`: what a search has tried, the best first. */
import type { OutputOf } from "../contract/index.ts";
import type { Command } from "./command.ts";
import { cell, table } from "./table.ts";

type Trials = OutputOf<"getTrials">;
type Trial = Trials["trials"][number];

export const command: Command = async ({ operands, output, effects, withVerbs }) => {
  const found = await withVerbs((call) => call("getTrials", { name: operands[0] }));
  output.result(found, () => trialsText(found, effects.width));
  return undefined;
};

export function trialsText(found: Trials, columns: number | undefined): string {
  const { metric, better, sampler, pruner, state, why, warm, trialsMax, trials } = found;
  const bar = barOf(trials, better);
  const rows = trials.map((one) => [
    String(one.trial),
    bar(one),
    one.value === null ? "-" : one.value.toPrecision(5),
    one.state,
    one.fitMs === null ? "-" : `${(one.fitMs / 1000).toFixed(2)} s`,
    one.memoryBytes === null ? "-" : `${Math.round(one.memoryBytes / 2 ** 20)} MB`,
    one.modelBytes === null ? "-" : `${Math.ceil(one.modelBytes / 1024)} KB`,
    one.rowMicros === null ? "-" : `${one.rowMicros} us`,
    `${one.estimator} ${pointText(one)}${one.error === null ? "" : `: ${cell(one.error)}`}`,
  ]);
  const head = `${sampler}${pruner === "none" ? "" : `, ${pruner}`}: ${trials.length} of up to ${trialsMax} trials by ${metric} (${better} is better)`;
  const end = state === "searching" ? "the next run goes on with the search\n" : why === null ? "" : `${cell(why)}\n`;
  const before =
    warm === null
      ? ""
      : `began with the best ${warm.begins} points of ${warm.searches} earlier searches, and learns from ${warm.trials} of their trials\n`;
  return `${head}\n${before}${table(["trial", "", metric, "", "fits", "memory", "model", "row", "tried"], rows, columns)}${end}`;
}

const BAR = 12;

/** As long as a trial is better than the one at three quarters of the ranks: some that are far off must not make all others alike. */
function barOf(trials: readonly Trial[], better: Trials["better"]): (one: Trial) => string {
  const sign = better === "higher" ? 1 : -1;
  const worths = trials.flatMap(({ value }) => (value === null ? [] : [sign * value])).sort((a, b) => b - a);
  const [high, low] = [worths[0]!, worths[Math.ceil(0.75 * (worths.length - 1))]!];
  return ({ value }) => {
    if (value === null) return "";
    const share = high === low ? Number(sign * value >= high) : (sign * value - low) / (high - low);
    return "█".repeat(Math.max(1, Math.round(BAR * share)));
  };
}

const pointText = ({ point, estimator }: Trial) =>
  Object.entries(point)
    .filter(([name]) => name !== "estimator")
    .map(([name, value]) => `${name.replace(`${estimator}.`, "")} ${cell(value)}`)
    .join(", ");
