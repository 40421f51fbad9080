import { MillError, parseDuration } from "../../base/index.ts";
import { type CommandContext, textFlag } from "../command.ts";
import { INJECTIONS, type InjectionTexts } from "./injections.ts";

export interface TrafficOptions {
  /** The project's folder, as it was written behind the command. */
  readonly folder: string | undefined;
  readonly endpoint: string | undefined;
  readonly stepMicros: number;
  /** Data times as texts: what they must look like is known by the data set's time column. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly at: string | undefined;
  readonly injections: InjectionTexts;
  /** Data seconds in a second; null: as fast as it goes. */
  readonly speed: number | null;
  /** Of the rows, those that are asked for a prediction. */
  readonly share: number;
  readonly concurrency: number;
  readonly events: boolean;
  readonly feedback: boolean;
}

/** Errors: `cli.usage`, `value.duration`. */
export function readOptions({ operands, flags }: Pick<CommandContext, "operands" | "flags">): TrafficOptions {
  const injections = Object.fromEntries(INJECTIONS.flatMap((kind) => (flags[kind] === undefined ? [] : [[kind, flags[kind]]])));
  const at = textFlag(flags, "at");
  if ((at === undefined) !== (Object.keys(injections).length === 0))
    throw usage("--at and what happens then go together.", {
      expected: "--at TIME with one or more of --shift, --break, --unit",
      got: at === undefined ? `--${Object.keys(injections).join(", --")} without --at` : "--at alone",
    });
  const folder = operands[0];
  if (folder !== undefined && textFlag(flags, "project") !== undefined)
    throw usage("The project's folder is given twice.", { expected: "FOLDER or --project FOLDER", got: "both" });
  return {
    folder,
    endpoint: textFlag(flags, "endpoint"),
    stepMicros: parseDuration(textFlag(flags, "step") ?? "1m", "--step"),
    from: textFlag(flags, "from"),
    to: textFlag(flags, "to"),
    at,
    injections,
    speed: flags.speed === undefined ? null : number(flags, "speed", "a number above 0", (value) => value > 0),
    share: number(flags, "share", "a number above 0, at most 1", (value) => value > 0 && value <= 1, 1),
    concurrency: number(flags, "concurrency", "a whole number from 1 to 256", isConcurrency, 16),
    events: flags["no-events"] === undefined,
    feedback: flags["no-feedback"] === undefined,
  };
}

const isConcurrency = (value: number) => Number.isInteger(value) && value >= 1 && value <= 256;

function number(
  flags: CommandContext["flags"],
  name: string,
  expected: string,
  fits: (value: number) => boolean,
  otherwise?: number,
): number {
  const text = textFlag(flags, name);
  if (text === undefined) return otherwise!;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (fits(value)) return value;
  throw usage(`--${name} cannot be read.`, { at: `--${name}`, expected, got: text });
}

export const usage = (message: string, detail: { at?: string; expected: string; got: string }) =>
  new MillError("cli.usage", message, { ...detail, fix: "See mill traffic --help." });
