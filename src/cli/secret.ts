import { MillError } from "../base/index.ts";
import type { Command } from "./command.ts";
import { moment, table } from "./table.ts";

/** Typed or from standard input, so that it stands in no history of commands and in no list of processes. */
export const set: Command = async ({ operands, output, effects, withVerbs }) => {
  const value = await effects.secret(`Value of ${operands[0]}: `, "all");
  if (value === "")
    throw new MillError("cli.usage", "No value came.", {
      expected: "the value, typed or on standard input",
      got: "nothing",
      fix: `mill secret set ${operands[0]} < FILE`,
    });
  const { name } = await withVerbs((call) => call("setSecret", { name: operands[0], value }));
  output.result({ name }, () => `secret:${name} stands for it\n`);
  return undefined;
};

export const list: Command = async ({ output, withVerbs }) => {
  const page = await withVerbs((call) => call("listSecrets", { limit: 1000 }));
  output.result(page, () => {
    const rows = page.items.map(({ name, setAt, setBy }) => [name, moment(setAt), setBy]);
    return table(["secret", "set (UTC)", "by"], rows) || "no secret yet: mill secret set NAME\n";
  });
  return undefined;
};

export const remove: Command = async ({ operands, output, withVerbs }) => {
  const { name } = await withVerbs((call) => call("removeSecret", { name: operands[0] }));
  output.result({ name }, () => `${name} is forgotten\n`);
  return undefined;
};
