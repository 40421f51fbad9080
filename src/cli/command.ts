import type { Config } from "../contract/index.ts";
import type { BoundCall } from "../guard/index.ts";
import type { AppFactory, Effects } from "./app.ts";
import type { Output } from "./output.ts";

export interface Flag {
  readonly about: string;
  /** What stands behind the flag; without it the flag is a switch. */
  readonly value?: string;
}

/** What help shows and the reader of arguments knows; `load` brings the command itself. */
export interface CommandInfo {
  readonly about: string;
  /** What stands behind the verb, as in `[TARGET ...]`. */
  readonly operands: string;
  readonly operandsMin?: number;
  readonly operandsMax: number;
  readonly example: string;
  readonly flags?: Readonly<Record<string, Flag>>;
  readonly hidden?: true;
  load(): Promise<{ readonly command: Command }>;
}

/** Does the work; the number is the exit code, 0 when absent. */
export type Command = (context: CommandContext) => Promise<number | undefined>;

export interface CommandContext {
  readonly operands: readonly string[];
  readonly flags: Readonly<Record<string, string | true>>;
  readonly output: Output;
  readonly effects: Effects;
  readonly factory: AppFactory;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  config(): Promise<Config>;
  /** Runs `use` with the verbs of the workspace: through its server when one runs, else by opening it here. */
  withVerbs<T>(use: (call: BoundCall) => Promise<T>): Promise<T>;
}

/** Of a flag whose value is a list, as in `read,predict`. */
export const listFlag = (flags: CommandContext["flags"], name: string): readonly string[] | undefined =>
  textFlag(flags, name)
    ?.split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

export const textFlag = (flags: CommandContext["flags"], name: string): string | undefined => {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
};
