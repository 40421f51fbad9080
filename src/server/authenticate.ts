import type { FastifyRequest } from "fastify";
import { type Actor, LOCAL, type Login, STRANGER, type Tokens } from "../guard/index.ts";
import { readCookie, SESSION } from "./cookies.ts";

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
  request: Pick<FastifyRequest, "headers" | "protocol">,
  loopback: boolean,
  { tokens, login }: { readonly tokens: Pick<Tokens, "bearer">; readonly login: Pick<Login, "find"> },
): Promise<Sender> {
  const { authorization } = request.headers;
  if (authorization !== undefined) return { actor: await tokens.bearer(tokenOf(authorization)) };
  const cookie = readCookie(SESSION, request);
  const actor = cookie === undefined ? null : await login.find(cookie);
  if (actor !== null) return { actor, cookie: cookie! };
  return { actor: loopback ? LOCAL : STRANGER };
}

/** The token in a header `Authorization`, of either scheme; empty: none. */
export function tokenOf(authorization: string): string {
  const [scheme = "", value = ""] = authorization.split(/\s+/, 2);
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return "";
  const pair = Buffer.from(value, "base64").toString("utf8");
  return pair.slice(pair.indexOf(":") + 1);
}
