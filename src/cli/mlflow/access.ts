/** Another MLflow's place, and how one may ask it: by its address, by the variables that MLflow's client knows, or by a secret's name. */
import { resolve } from "node:path";
import { isAddress } from "../../protocols/index.ts";
import { type CommandContext, textFlag } from "../command.ts";
import { namedSecrets } from "../named-secrets.ts";

export interface Access {
  readonly place: string;
  /** Without credentials. */
  readonly name: string;
  readonly token: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

export async function access({ flags, effects, config }: CommandContext, given: string): Promise<Access> {
  const { MLFLOW_TRACKING_TOKEN, MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD } = effects.env;
  if (!isAddress(given)) {
    const place = /^[a-z][a-z0-9+.-]+:/i.test(given) ? given : resolve(effects.cwd, given);
    return { place, name: place, token: undefined, username: undefined, password: undefined };
  }
  const asked = textFlag(flags, "token");
  const token = asked === undefined ? MLFLOW_TRACKING_TOKEN : await namedSecrets(await config()).resolve(asked, "--token");
  const url = new URL(given);
  [url.username, url.password] = ["", ""];
  return {
    ...{ place: given, name: url.href.replace(/\/+$/, ""), token: token || undefined },
    ...{ username: MLFLOW_TRACKING_USERNAME || undefined, password: MLFLOW_TRACKING_PASSWORD || undefined },
  };
}
