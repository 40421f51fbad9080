/** `mill webhook ...`: who is told what happens to models. */
import { EXIT, type OutputOf, VERBS } from "../contract/index.ts";
import { type Command, type CommandContext, listFlag, textFlag } from "./command.ts";
import { moreText, pageFlags } from "./lake/page.ts";
import { cell, moment, table } from "./table.ts";

type Webhook = OutputOf<"getWebhook">;

const EVENTS = VERBS.getWebhook.output.properties!.events!.items!.enum as readonly string[];

export const create: Command = async (context) => {
  const { operands, flags, output, withVerbs } = context;
  const secret = await secretOf(context);
  const made = await withVerbs((call) =>
    call("createWebhook", {
      ...{ name: operands[0], url: operands[1], events: listFlag(flags, "events") ?? EVENTS },
      ...{ description: textFlag(flags, "about"), secret },
    }),
  );
  output.result(made, () => text(made));
  output.say(`mill webhook test ${made.id} sends it an example`);
  return undefined;
};

export const list: Command = async ({ flags, output, effects, withVerbs }) => {
  const page = await withVerbs((call) => call("listWebhooks", pageFlags(flags)));
  output.result(page, () => {
    const rows = page.items.map((one) => [one.id, cell(one.name), standing(one), cell(one.url), one.events.join(" ")]);
    return (
      (table(["webhook", "name", "", "address", "is told of"], rows, effects.width) ||
        "nobody is told: mill webhook create NAME URL\n") + moreText(page)
    );
  });
  return undefined;
};

export const change: Command = async (context) => {
  const { operands, flags, output, withVerbs } = context;
  const secret = flags["no-secret"] ? "" : await secretOf(context);
  const changed = await withVerbs((call) =>
    call("changeWebhook", {
      ...{ webhook: operands[0], name: textFlag(flags, "name"), url: textFlag(flags, "url"), events: listFlag(flags, "events") },
      ...{ secret, active: flags.on ? true : flags.off ? false : undefined },
    }),
  );
  output.result(changed, () => text(changed));
  return undefined;
};

export const remove: Command = async ({ operands, output, withVerbs }) => {
  const { webhook } = await withVerbs((call) => call("deleteWebhook", { webhook: operands[0] }));
  output.result({ webhook }, () => `${webhook} is deleted\n`);
  return undefined;
};

export const test: Command = async ({ operands, flags, output, withVerbs }) => {
  const tried = await withVerbs((call) => call("testWebhook", { webhook: operands[0], event: textFlag(flags, "event") }));
  output.result(tried, () => (tried.success ? `it answered ${tried.status}\n` : `it did not take it: ${cell(tried.error)}\n`));
  return tried.success ? undefined : EXIT.away;
};

/** Never an argument: it would stand in the list of processes. */
const secretOf = ({ flags, effects }: CommandContext): Promise<string | undefined> =>
  flags.secret ? effects.secret("Secret to sign with: ", "all") : Promise.resolve(undefined);

const text = (one: Webhook) =>
  `${one.id}  ${cell(one.name)} -> ${cell(one.url)}, ${standing(one)}, since ${moment(one.createdAt)}: ${one.events.join(" ")}\n`;

function standing({ active, signs, waiting, givenUp, error }: Webhook): string {
  return [
    ...[active ? "on" : "off", signs ? "signed" : "not signed"],
    ...(waiting > 0 ? [`${waiting} waiting`] : []),
    ...(givenUp > 0 ? [`${givenUp} given up`] : []),
    ...(error === null ? [] : [cell(error)]),
  ].join(", ");
}
