import { type Command, listFlag, textFlag } from "./command.ts";
import { cell, moment, table } from "./table.ts";

export const create: Command = async ({ flags, output, withVerbs }) => {
  const made = await withVerbs((call) =>
    call("createAccessKey", {
      user: textFlag(flags, "user"),
      may: listFlag(flags, "may"),
      about: textFlag(flags, "about"),
    }),
  );
  output.result(made, () =>
    [`export AWS_ACCESS_KEY_ID=${made.id}`, `export AWS_SECRET_ACCESS_KEY=${made.secret}`, ""].join("\n"),
  );
  output.say("the secret is told this once");
  return undefined;
};

export const list: Command = async ({ output, withVerbs }) => {
  const page = await withVerbs((call) => call("listAccessKeys", {}));
  output.result(page, () => {
    const rows = page.items.map(({ id, actor, may, createdAt, revokedAt, about }) => [
      id,
      actor,
      may.join(", "),
      moment(createdAt),
      moment(revokedAt),
      cell(about),
    ]);
    return table(["key", "user", "may", "made (UTC)", "revoked (UTC)", "for"], rows) || "no key yet: mill key create\n";
  });
  return undefined;
};

export const revoke: Command = async ({ operands, output, withVerbs }) => {
  const { key } = await withVerbs((call) => call("revokeAccessKey", { key: operands[0] }));
  output.result({ key }, () => `${key} works no more\n`);
  return undefined;
};

export const rotate: Command = async ({ output, withVerbs }) => {
  const done = await withVerbs((call) => call("rotateKeys", {}));
  const count = (value: number) => value.toLocaleString("en");
  output.result(done, () =>
    [
      `key ${done.current}: ${count(done.secrets)} secrets and ${count(done.objects)} objects are under it\n`,
      done.left > 0 ? `${count(done.left)} objects are under an older key still, which is kept: rotate again later\n` : "",
    ].join(""),
  );
  return undefined;
};
