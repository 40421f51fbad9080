/** What a token looks like: a prefix that tools which look for leaked secrets can know, and 32 random bytes. */
import { createHash, randomBytes } from "node:crypto";

/** Of a user (or the owner), and of an attempt at a step. */
export const PREFIXES = { user: "mill_", step: "mill_step_" } as const;
export type TokenKind = keyof typeof PREFIXES;

const RANDOM = /^[A-Za-z0-9_-]{43}$/;

export const newToken = (kind: TokenKind): string => `${PREFIXES[kind]}${randomBytes(32).toString("base64url")}`;

/** null: no token of ours has this form, so that nothing need be looked up. */
export function kindOf(text: string): TokenKind | null {
  for (const kind of ["step", "user"] as const)
    if (text.startsWith(PREFIXES[kind]) && RANDOM.test(text.slice(PREFIXES[kind].length))) return kind;
  return null;
}

export const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();
