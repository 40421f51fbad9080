/** Text operations that mean the same in SQL and in a row. */

/**
 * Code points that JavaScript lowers and the SQL engine, with Unicode 14, does not know yet or lowers otherwise. A test goes through all of
 * Unicode; when it fails after an upgrade, this list is what changes.
 */
const LOWERED_OTHERWISE: readonly (readonly [from: number, to: number])[] = [
  [0x1c89, 0x1c89],
  [0xa7cb, 0xa7dc],
  [0x10d50, 0x10d65],
  [0x16ea0, 0x16eb8],
];
const DOTTED_I = "\u0130";

/** Each code point by itself, as Unicode's simple mapping: no final sigma, one letter stays one letter. */
export function lower(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  let lowered = "";
  for (const character of text) lowered += lowerCharacter(character);
  return lowered;
}

function lowerCharacter(character: string): string {
  if (character === DOTTED_I) return "i";
  const code = character.codePointAt(0)!;
  const kept = LOWERED_OTHERWISE.some(([from, to]) => code >= from && code <= to && !KNOWN_TO_BOTH.has(code));
  return kept ? character : character.toLowerCase();
}

/** Inside the ranges above, but older. */
const KNOWN_TO_BOTH: ReadonlySet<number> = new Set([0xa7d0, 0xa7d6, 0xa7d8]);

/** Code points. */
export function length(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0xdc00 || unit > 0xdfff) count++;
  }
  return count;
}
