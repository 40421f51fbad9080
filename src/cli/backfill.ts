/** `mill backfill ...`: partitions that are taken in because somebody asks. */
import { setTimeout as delay } from "node:timers/promises";
import { MillError } from "../base/index.ts";
import { EXIT, type OutputOf } from "../contract/index.ts";
import type { BoundCall } from "../guard/index.ts";
import { type Command, type CommandContext, textFlag } from "./command.ts";
import { createProgress } from "./progress.ts";
import { cell, moment, table } from "./table.ts";

type Summary = OutputOf<"getBackfill">;
type Plan = OutputOf<"planBackfill">;

export const command: Command = async (context) => {
  const { operands, flags, output, withVerbs } = context;
  const asked = {
    target: operands[0],
    from: textFlag(flags, "from"),
    to: textFlag(flags, "to"),
    only: textFlag(flags, "only"),
    ...(flags.batch !== undefined && { batch: wholeNumber(textFlag(flags, "batch")!) }),
  };
  return withVerbs(async (call) => {
    if (flags["dry-run"] !== true) return followed(call, (await call("backfill", asked)).id, context);
    const plan = await call("planBackfill", asked);
    output.result(plan, () => planText(plan));
    return EXIT.done;
  });
};

export const list: Command = async ({ output, effects, withVerbs }) => {
  const backfills = await withVerbs((call) => call("listBackfills", {}));
  output.result(backfills, () => {
    const rows = backfills.items.map((one) => [
      one.id,
      one.target,
      one.state,
      moment(one.requestedAt),
      cell(one.by),
      doneText(one),
    ]);
    return (
      table(["backfill", "target", "state", "asked (UTC)", "by", ""], rows, effects.width) || "nobody has asked for a backfill\n"
    );
  });
  return undefined;
};

export const show: Command = async ({ operands, output, effects, withVerbs }) => {
  const backfill = await withVerbs((call) => call("getBackfill", { id: operands[0] }));
  output.result(backfill, () => backfillText(backfill, effects.width));
  return undefined;
};

const changed =
  (verb: "pauseBackfill" | "cancelBackfill"): Command =>
  async ({ operands, output, withVerbs }) => {
    const backfill = await withVerbs((call) => call(verb, { id: operands[0] }));
    output.result(backfill, () => `${line(backfill)}\n`);
    return undefined;
  };
export const pause = changed("pauseBackfill");
export const cancel = changed("cancelBackfill");

const goneOnWith =
  (verb: "resumeBackfill" | "retryBackfill"): Command =>
  (context) =>
    context.withVerbs(async (call) => followed(call, (await call(verb, { id: context.operands[0] })).id, context));
export const resume = goneOnWith("resumeBackfill");
export const retry = goneOnWith("retryBackfill");

const LOOK_EVERY_MS = 200;

/** Until it ends, or is paused; who stops looking stops nothing that a server carries out. */
async function followed(call: BoundCall, id: string, { output, effects, signal }: CommandContext): Promise<number> {
  const progress = createProgress(effects);
  output.line({ event: "backfill-requested", id });
  const shown = `backfill ${id}`;
  try {
    let backfill = await call("getBackfill", { id });
    progress.show({ event: "step-started", id: shown, why: `${backfill.partitions} partitions of ${backfill.dataset}` });
    while (!signal.aborted && (backfill.state === "requested" || backfill.state === "running")) {
      const { partitions: total, succeeded, failed, absent } = backfill;
      const note = [count(failed, "failed"), count(absent, "without a file")].flat().join(", ");
      const progressed = { id: shown, done: succeeded + failed + absent, total, ...(note && { note }) };
      progress.show({ event: "step-progress", ...progressed });
      output.line({ event: "backfill-progress", ...progressed });
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) backfill = await call("getBackfill", { id });
    }
    progress.close();
    output.result(backfill, () => backfillText(backfill, effects.width));
    if (signal.aborted)
      output.say(`The backfill goes on while \`mill up\` runs; \`mill backfill show ${id}\` says how far it is.`);
    return signal.aborted
      ? EXIT.interrupted
      : ({ failed: EXIT.data, cancelled: EXIT.interrupted }[backfill.state as string] ?? EXIT.done);
  } finally {
    progress.close();
  }
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new MillError("cli.usage", "--batch is no number of partitions.", {
    expected: "1 to 1000",
    got: text,
    fix: "See mill backfill --help.",
  });
}

const count = (value: number, words: string) => (value === 0 ? [] : [`${value.toLocaleString("en")} ${words}`]);

function planText({ target, partitions, first, last, batch, counts }: Plan): string {
  const range = first === null ? "" : `, from ${first} to ${last}`;
  const standing = Object.entries(counts).flatMap(([state, value]) => count(value, STANDING[state as keyof typeof STANDING]));
  return `${target}: ${partitions.toLocaleString("en")} partitions${range}, ${batch} at one time\n${standing.map((text) => `  ${text}\n`).join("")}`;
}

const STANDING: Readonly<Record<keyof Plan["counts"], string>> = {
  current: "current",
  new: "never taken in",
  changed: "with other files since",
  redefined: "taken in by another definition",
  failed: "failed",
  absent: "without a file",
  gone: "whose file has gone",
};

function backfillText(backfill: Summary, width?: number): string {
  const rows = backfill.open.map(({ partition, state, error }) => [partition, state, cell(error ?? "")]);
  const more = backfill.failed + backfill.absent - backfill.open.length;
  const said = [backfill.error, backfill.note].flatMap((text) => (text === null ? [] : `${cell(text)}\n`));
  return `${line(backfill)}\n${said.join("")}${table(["partition", "state", ""], rows, width)}${more > 0 ? `and ${more.toLocaleString("en")} more\n` : ""}`;
}

type Counted = Pick<Summary, "id" | "target" | "state" | "partitions" | "succeeded" | "running" | "failed" | "absent">;

const line = (one: Counted) => `backfill ${one.id} of ${one.target}: ${one.state}, ${doneText(one)}`;

const doneText = ({ partitions, succeeded, running, failed, absent }: Counted) =>
  [
    `${succeeded.toLocaleString("en")} of ${partitions.toLocaleString("en")} taken in`,
    ...count(running, "running"),
    ...count(failed, "failed"),
    ...count(absent, "without a file"),
  ].join(", ");
