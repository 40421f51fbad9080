import { join } from "node:path";
import type { Command } from "./command.ts";
import { storedToken } from "./connect.ts";

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
