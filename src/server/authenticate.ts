import { type Actor, LOCAL, type Login, STRANGER, type Tokens } from "../guard/index.ts";

export const COOKIE = "mill_session";

export interface Sender {
  readonly actor: Actor;
  /** Set where the session's cookie says who it is: what changes something needs the session's own token as well. */
  readonly cookie?: string;
}

/**
 * Who sends a request: the bearer of the token, else of the session's cookie, else a local or a stranger by where the server is bound. A session that has
 * ended is none. Errors: as `Tokens.bearer`.
 */
export async function authenticate(
  headers: { readonly authorization?: string | undefined; readonly cookie?: string | undefined },
  loopback: boolean,
  { tokens, login }: { readonly tokens: Pick<Tokens, "bearer">; readonly login: Pick<Login, "find"> },
): Promise<Sender> {
  if (headers.authorization !== undefined) return { actor: await tokens.bearer(tokenOf(headers.authorization)) };
  const cookie = cookieNamed(COOKIE, headers.cookie);
  const actor = cookie === undefined ? null : await login.find(cookie);
  if (actor !== null) return { actor, cookie: cookie! };
  return { actor: loopback ? LOCAL : STRANGER };
}

function tokenOf(authorization: string): string {
  const [scheme = "", value = ""] = authorization.split(/\s+/, 2);
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return "";
  const pair = Buffer.from(value, "base64").toString("utf8");
  return pair.slice(pair.indexOf(":") + 1);
}

export const cookieNamed = (name: string, cookies = ""): string | undefined =>
  cookies
    .split(";")
    .map((pair) => pair.trim().split("=", 2))
    .find(([one]) => one === name)?.[1];
