/** What a token looks like: a prefix that tools which look for leaked secrets can know, and 32 random bytes. */
import { createHash, randomBytes } from "node:crypto";

const PREFIX = "mill_";
const FORM = /^mill_[A-Za-z0-9_-]{43}$/;

export const newToken = (): string => `${PREFIX}${randomBytes(32).toString("base64url")}`;

/** Whether a token of ours looks so: what does not need not be looked up. */
export const isToken = (text: string): boolean => FORM.test(text);

export const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();
