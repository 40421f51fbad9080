import { join } from "node:path";
import { type Command, listFlag, textFlag } from "./command.ts";
import { storedToken } from "./connect.ts";
import { cell, moment, table } from "./table.ts";

export const command: Command = async ({ flags, output, config, factory, withVerbs }) => {
  const settings = await config();
  const path = join(settings.workspace, "token");
  const { token } = flags.new
    ? await withVerbs((call) => call("newToken", {}))
    : { token: settings.token ?? (await storedToken(settings.workspace)) };
  const known = token ?? (await madeByOpening());
  output.result({ token: known, path }, () => `${known}\n`);
  return undefined;

  /** A workspace that was never opened has none yet. */
  async function madeByOpening(): Promise<string> {
    const app = await factory.open(settings);
    const made = app.tokens.current();
    await app.close();
    return made;
  }
};

export const create: Command = async ({ operands, flags, output, withVerbs }) => {
  const made = await withVerbs((call) =>
    call("createToken", {
      name: operands[0],
      user: textFlag(flags, "user"),
      may: listFlag(flags, "may"),
      expires: textFlag(flags, "expires"),
    }),
  );
  output.result(made, () => `${made.token}\n`);
  const until = made.expiresAt === null ? "until it is revoked" : `until ${moment(made.expiresAt)} UTC`;
  output.say(`${made.user} is known by it ${until}; it is told this once: send it as Authorization: Bearer, or set MILL_TOKEN`);
  return undefined;
};

export const list: Command = async ({ output, withVerbs }) => {
  const page = await withVerbs((call) => call("listTokens", { limit: 1000 }));
  output.result(page, () => {
    const rows = page.items.map(({ id, user, may, expiresAt, revokedAt, usedAt, name }) => [
      id,
      user,
      may?.join(", ") ?? "all that the user may",
      expiresAt === null ? "never" : moment(expiresAt),
      moment(revokedAt),
      moment(usedAt),
      cell(name),
    ]);
    const heads = ["token", "user", "may", "expires (UTC)", "revoked (UTC)", "used (UTC)", "name"];
    return table(heads, rows) || "no token but the owner's yet: mill token create\n";
  });
  return undefined;
};

export const revoke: Command = async ({ operands, output, withVerbs }) => {
  const { id } = await withVerbs((call) => call("revokeToken", { id: operands[0] }));
  output.result({ id }, () => `${id} works no more\n`);
  return undefined;
};
