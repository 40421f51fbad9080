import { errorFromJson, formatSpan } from "../base/index.ts";
import { codeInfo, EXIT, type OutputOf } from "../contract/index.ts";
import { type Command, type CommandContext, textFlag } from "./command.ts";
import { follow } from "./follow.ts";
import { errorText } from "./output.ts";
import { cell } from "./table.ts";

type RunFinished = Extract<OutputOf<"run">, { readonly event: "run-finished" }>;

export const command: Command = async (context) => {
  const { operands, flags, withVerbs } = context;
  const [reason, on, definitions] = ["reason", "on", "definitions"].map((name) => textFlag(flags, name));
  const input = { targets: operands, reason, on, definitions };
  const finished = await withVerbs((call) => follow(call("run", input, { signal: context.signal }), "run-finished", context));
  return conclude(finished, context);
};

/** Says how a run ended; the exit code. */
export function conclude(run: RunFinished, { output, effects }: CommandContext): number {
  const error = run.error && errorFromJson(run.error);
  if (error && output.json) {
    output.line(run);
    output.fail(error);
  } else output.result(run, () => runText(run));
  if (error && !output.json) effects.stderr(errorText(error));
  if (run.state === "cancelled") return EXIT.interrupted;
  if (run.state === "refused") return EXIT.refused;
  return run.state === "failed" ? codeInfo(error?.code ?? "internal.unexpected").exit : EXIT.done;
}

function runText({ state, ran, current, wallMs, refusals }: RunFinished): string {
  const counts =
    ran === 0 && state === "succeeded" ? `nothing to do, ${current} steps are current` : `${ran} ran, ${current} were current`;
  const refused = refusals.map(({ id, sentence }) => `refused  ${id}: ${cell(sentence)}\n`);
  const next = state === "cancelled" ? "; what is done is kept, the same command goes on from there" : "";
  return `${refused.join("")}${state}: ${counts}, ${formatSpan(wallMs)}${next}\n`;
}
