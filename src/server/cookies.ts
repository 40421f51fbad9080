/**
 * Cookies that scripts cannot read. Over https their names begin with `__Host-` (RFC 6265bis): browsers then take them from this very host by https alone, so
 * that neither a neighbouring host of the domain nor somebody on the way over http can put one in their place, and with it a session of their own.
 */
import type { FastifyRequest } from "fastify";

type Sent = Pick<FastifyRequest, "headers" | "protocol">;

export interface CookieRule {
  readonly name: string;
  /** Lax where the page of another site leads back here. */
  readonly sameSite: "Strict" | "Lax";
}

export const SESSION: CookieRule = { name: "mill_session", sameSite: "Strict" };
export const OIDC_LOGIN: CookieRule = { name: "mill_oidc", sameSite: "Lax" };

/** Behind a proxy that speaks https, as it says. */
export const isSecure = ({ headers, protocol }: Sent): boolean =>
  protocol === "https" || headers["x-forwarded-proto"] === "https";

/** The address at which the client found us. */
export const originOf = (request: Sent): string => `${isSecure(request) ? "https" : "http"}://${request.headers.host}`;

/** For the header `Set-Cookie`; over plain http a browser would not send back a cookie that is `Secure`. */
export const setCookie = (rule: CookieRule, value: string, request: Sent): string =>
  `${nameOf(rule, request)}=${value}; Path=/; HttpOnly; SameSite=${rule.sameSite}${isSecure(request) ? "; Secure" : ""}`;

export const clearCookie = (rule: CookieRule, request: Sent): string => `${setCookie(rule, "", request)}; Max-Age=0`;

export function readCookie(rule: CookieRule, request: Sent): string | undefined {
  const name = nameOf(rule, request);
  const pairs = (request.headers.cookie ?? "").split(";").map((pair) => pair.trim().split("=", 2));
  return pairs.find(([one]) => one === name)?.[1];
}

const nameOf = ({ name }: CookieRule, request: Sent): string => (isSecure(request) ? `__Host-${name}` : name);
