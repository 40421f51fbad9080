import { EXIT } from "../contract/index.ts";
import { type Command, textFlag } from "./command.ts";
import { moreText, pageFlags } from "./lake/page.ts";
import { cell, table } from "./table.ts";

export const verify: Command = async ({ output, withVerbs }) => {
  const state = await withVerbs((call) => call("verifyAudit", {}));
  const count = (value: number) => value.toLocaleString("en");
  output.result(state, () => {
    if (!state.whole) return `the audit is NOT whole behind ${count(state.rows)} rows: ${state.why}\n`;
    const anchored = state.anchored === null ? "there is no anchor" : `none is cut off up to row ${count(state.anchored)}`;
    return `the audit is whole: ${count(state.rows)} rows, ${anchored}\n`;
  });
  return state.whole ? undefined : EXIT.data;
};

export const list: Command = async ({ flags, output, effects, withVerbs }) => {
  const asked = Object.fromEntries(["actor", "verb", "since"].map((name) => [name, textFlag(flags, name)]));
  const page = await withVerbs((call) => call("listAudit", { ...asked, ...pageFlags(flags) }));
  output.result(page, () => {
    const rows = page.items.map(({ seq, at, actor, verb, target, outcome, detail }) => [
      String(seq),
      at.slice(0, 19).replace("T", " "),
      cell(actor),
      cell(verb),
      cell(target),
      cell(outcome),
      cell(detail),
    ]);
    return (
      (table(["row", "at (UTC)", "who", "what", "of", "outcome", "asked"], rows, effects.width) || "nothing was done\n") +
      moreText(page)
    );
  });
  return undefined;
};
