/** `mill pause`, `mill resume`: what starts no step for a while. */
import { isId } from "../base/index.ts";
import type { OutputOf } from "../contract/index.ts";
import type { Command } from "./command.ts";
import { cell, moment } from "./table.ts";

type Pause = OutputOf<"getPauses">["items"][number];

export const pause: Command = async ({ operands: [name], output, withVerbs }) => {
  if (name === undefined) {
    const pauses = await withVerbs((call) => call("getPauses", {}));
    output.result(pauses, () => pauses.items.map(pauseText).join("") || "nothing is paused\n");
    return undefined;
  }
  const held = await withVerbs((call) => call("pauseWork", named(name)));
  output.result(held, () => `${held.what} ${name} ${held.changed ? "is paused; what runs goes on" : "was paused already"}\n`);
  return undefined;
};

export const resume: Command = async ({ operands: [name], output, withVerbs }) => {
  const held = await withVerbs((call) => call("resumeWork", named(name!)));
  output.result(held, () => `${held.what} ${name} ${held.changed ? "goes on" : "was not paused"}\n`);
  return undefined;
};

export const pauseText = ({ what, name, since, by }: Pause): string =>
  `paused: ${what} ${cell(name)} by ${cell(by)} since ${moment(since)}\n`;

const named = (name: string) => ({ what: isId(name) ? "run" : "pool", name }) as const;
