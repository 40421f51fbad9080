/** `mill log STEP`: what a step's attempts say. */
import { setTimeout as delay } from "node:timers/promises";
import { type OutputOf, placeText } from "../contract/index.ts";
import type { BoundCall } from "../guard/index.ts";
import type { CommandContext } from "./command.ts";
import { cell } from "./table.ts";

export type LogPart = OutputOf<"stepLog">;

const LOOK_EVERY_MS = 200;

/** Shows the log of the last attempt as far as it goes; followed, until the step has ended, with the attempts that come. */
export async function showStepLog(
  call: BoundCall,
  id: string,
  { follow }: { readonly follow: boolean },
  context: CommandContext,
) {
  const { output, effects } = context;
  for await (const part of follow ? followed(call, id, context.signal) : parts(call, id)) {
    output.line({ event: "log", ...part });
    if (!output.json) effects.stdout(printable(part.text));
  }
  const { state, on, job } = await call("getStep", { id });
  output.result({ id, state, ...(on && { on }), ...(job && { job }) }, () => "");
  if (follow || on) output.say(`step ${id}: ${state}${placeText({ on, job })}`);
}

/** What the last attempt has said until now. */
async function* parts(call: BoundCall, id: string): AsyncGenerator<LogPart> {
  let part = await call("stepLog", { id });
  while (part.text !== "") {
    yield part;
    part = await call("stepLog", { id, attempt: part.attempt, offset: part.next });
  }
}

async function* followed(call: BoundCall, id: string, signal: AbortSignal): AsyncGenerator<LogPart> {
  let attempt = 0;
  let offset = 0;
  while (!signal.aborted) {
    const part = await call("stepLog", { id, offset, ...(attempt > 0 && { attempt }) });
    if (part.text !== "") yield part;
    attempt = part.attempt;
    offset = part.next;
    if (part.ended) {
      const { state, attempts } = await call("getStep", { id });
      const next = attempts.find(({ fence }) => fence > attempt);
      if (next === undefined && state !== "running" && state !== "queued") return;
      if (next !== undefined) [attempt, offset] = [next.fence, 0];
    }
    if (part.text === "") await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Lines stay lines; what else would move a terminal's cursor is shown. */
const printable = (text: string) =>
  text
    .split(/(\n|\t)/)
    .map((piece) => (piece === "\n" || piece === "\t" ? piece : cell(piece)))
    .join("");
