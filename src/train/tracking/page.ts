/** Page tokens: where in an order the page before ended, and of which search; nothing that a writer in between could move. */
import { MillError } from "../../base/index.ts";

/** A place in an order: a number as its text, NaN among them, a text, or nothing. */
export type Place = string | null;

export const writeToken = (name: readonly unknown[], places: readonly Place[]): string =>
  Buffer.from(JSON.stringify([JSON.stringify(name), ...places])).toString("base64url");

/** Errors: `tracking.page` where the token is none, or of another search. */
export function readToken(token: string, name: readonly unknown[], length: number): Place[] {
  try {
    const [of, ...places] = JSON.parse(Buffer.from(token, "base64url").toString()) as [string, ...Place[]];
    const isPlace = (place: unknown) => place === null || typeof place === "string";
    if (of === JSON.stringify(name) && places.length === length && places.every(isPlace)) return places;
  } catch {
    // told below
  }
  throw new MillError("tracking.page", "The page token does not belong to this search.", {
    at: "page_token",
    expected: "what the page before gave, with the same search",
    got: token.slice(0, 100),
    fix: "Begin with the first page.",
  });
}

/** Errors: `tracking.page`. */
export function pageLimit(limit: number, max: number): number {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= max) return limit;
  throw new MillError("tracking.page", `A page has 1 to ${max} entries.`, {
    at: "max_results",
    expected: `a whole number from 1 to ${max}`,
    got: String(limit),
  });
}
