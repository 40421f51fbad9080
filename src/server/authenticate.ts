import { type Actor, LOCAL, STRANGER, type Tokens } from "../guard/index.ts";

/** Who sends a request: the bearer of the token, else a local or a stranger by where the server is bound. Errors: as `Tokens.bearer`. */
export async function authenticate(
  authorization: string | undefined,
  loopback: boolean,
  tokens: Pick<Tokens, "bearer">,
): Promise<Actor> {
  if (authorization === undefined) return loopback ? LOCAL : STRANGER;
  return tokens.bearer(tokenOf(authorization));
}

function tokenOf(authorization: string): string {
  const [scheme = "", value = ""] = authorization.split(/\s+/, 2);
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return "";
  const pair = Buffer.from(value, "base64").toString("utf8");
  return pair.slice(pair.indexOf(":") + 1);
}
