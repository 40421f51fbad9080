import { MillError } from "../base/index.ts";
import { type Actor, LOCAL, STRANGER, type Tokens } from "../guard/index.ts";

/** Who sends a request: the bearer of the token, else a local or a stranger by where the server is bound. Errors: `guard.token-wrong`. */
export function authenticate(authorization: string | undefined, loopback: boolean, tokens: Pick<Tokens, "bearer">): Actor {
  if (authorization === undefined) return loopback ? LOCAL : STRANGER;
  const actor = tokens.bearer(tokenOf(authorization));
  if (actor !== null) return actor;
  throw new MillError("guard.token-wrong", "The token that was sent is not the one in force.", {
    expected: "Authorization: Bearer TOKEN, or Basic with the token as password",
    got: "another token",
    fix: "Send the token that stands in the workspace's file `token`; `mill token` prints it.",
  });
}

function tokenOf(authorization: string): string {
  const [scheme = "", value = ""] = authorization.split(/\s+/, 2);
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return "";
  const pair = Buffer.from(value, "base64").toString("utf8");
  return pair.slice(pair.indexOf(":") + 1);
}
