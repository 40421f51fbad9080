/** Paths are texts of 1 to 1,024 bytes of UTF-8, ordered by these bytes; `..`, `//` and control characters mean nothing in them. */
import { MillError } from "../../base/index.ts";

const BYTES_MAX = 1024;

/** Errors: `lake.bad-path`. */
export function checkPath(path: string): void {
  const wrong = whatIsWrong(path);
  if (wrong)
    throw new MillError("lake.bad-path", `A path ${wrong}.`, {
      at: path.slice(0, 100),
      expected: `1 to ${BYTES_MAX} bytes of UTF-8 without NUL`,
      fix: "Choose another name for it.",
    });
}

function whatIsWrong(path: string): string | null {
  if (path === "") return "is empty";
  if (path.length > BYTES_MAX || Buffer.byteLength(path) > BYTES_MAX) return "is too long";
  if (!isStorable(path)) return "holds NUL or half of a character";
  return null;
}

/** Whether any path can hold it: a database takes neither NUL nor half of a surrogate pair. */
export const isStorable = (text: string): boolean => !text.includes("\0") && text.isWellFormed();

/** A text that can be stored, behind which stand the same paths: none stands between a text and the same text with NUL behind it. */
export const storablePosition = (after: string): string => after.split("\0", 1)[0]!.toWellFormed();

/** The order of the UTF-8 bytes, which is that of the code points: unlike UTF-16, surrogate pairs come last. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

const rank = (unit: number) => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

/** The first text behind all that begin with the prefix; null: none is. */
export function behindPrefix(prefix: string): string | null {
  const points = Array.from(prefix, (character) => character.codePointAt(0)!);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return null;
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}
