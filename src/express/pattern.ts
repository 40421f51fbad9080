/**
 * Regular expressions that mean the same to the SQL engine (RE2) and to JavaScript: a common part of both languages, read and written anew for
 * JavaScript where the same sign means something else.
 *
 *     .  any character but a line feed       \d \w \b  ASCII       \s  tab, line feed, form feed, carriage return, space       ^ $  the text's ends
 *
 * Also: literal characters, escaped punctuation, classes, groups ( ) and (?: ), alternatives, and the repetitions * + ? {n} {n,} {n,m}, greedy
 * or lazy. Not: look-around, back-references, named groups, flags, \p{...}, POSIX classes, code point escapes.
 */
import { MillError } from "../base/index.ts";

const SPACES = "\\t\\n\\f\\r ";
const SAME_ESCAPES = /[dDwWbBtnrf^$\\.*+?()[\]{}|/]/;
const CLASS_ESCAPES = /[dDwWtnrf^$\\.*+?()[\]{}|/-]/;
/** RE2's bound on how often a counted repetition, with those inside it, may repeat. */
const REPEAT_MAX = 1000;

/** The pattern as a JavaScript expression that finds what RE2 finds. Errors: `express.pattern`. */
export function compilePattern(pattern: string): RegExp {
  const source = translate(pattern);
  try {
    return new RegExp(source, "u");
  } catch (cause) {
    throw refused(pattern, "it is no regular expression", cause);
  }
}

function translate(pattern: string): string {
  if (!pattern.isWellFormed()) throw refused(pattern, "it holds half of a surrogate pair");
  const reader: Reader = { pattern, characters: [...pattern], at: 0 };
  const { source } = alternatives(reader);
  if (reader.at < reader.characters.length)
    throw refused(pattern, 'it closes a group that was not opened: write "\\)" for the sign');
  return source;
}

interface Reader {
  readonly pattern: string;
  readonly characters: readonly string[];
  at: number;
}

/** A part as JavaScript, and how often its counted repetitions can repeat what they hold. */
interface Part {
  readonly source: string;
  readonly repeats: number;
}

function alternatives(reader: Reader): Part {
  let source = "";
  let repeats = 1;
  while (reader.at < reader.characters.length && reader.characters[reader.at] !== ")") {
    if (reader.characters[reader.at] === "|") {
      reader.at++;
      source += "|";
      continue;
    }
    const part = repeated(reader);
    source += part.source;
    repeats = Math.max(repeats, part.repeats);
  }
  return { source, repeats };
}

function repeated(reader: Reader): Part {
  const part = atom(reader);
  const [text, least, most] = repetition(reader);
  if (text === "") return part;
  const repeats = part.repeats * Math.max(1, least, most);
  if (repeats > REPEAT_MAX) throw refused(reader.pattern, `it repeats more than ${REPEAT_MAX} times`);
  return { source: part.source + text, repeats };
}

function repetition(reader: Reader): [text: string, least: number, most: number] {
  const rest = reader.characters.slice(reader.at, reader.at + 12).join("");
  const [text, least = "0", most = "0"] = /^(?:[*+?]|\{(\d{1,4})(?:,(\d{0,4}))?\})\??/.exec(rest) ?? [""];
  if (text === "" && rest.startsWith("{"))
    throw refused(reader.pattern, 'a "{" must begin a repetition: write "\\{" for the sign');
  reader.at += text.length;
  return [text, Number(least), Number(most)];
}

function atom(reader: Reader): Part {
  const character = reader.characters[reader.at++]!;
  if (character === "(") return group(reader);
  if (character === "[") return { source: characterClass(reader), repeats: 1 };
  if (character === "\\") return { source: escaped(reader), repeats: 1 };
  if (character === ".") return { source: "[^\\n]", repeats: 1 };
  if ("*+?{".includes(character))
    throw refused(reader.pattern, `"${character}" repeats nothing: write "\\${character}" for the sign`);
  if ("]}".includes(character))
    throw refused(reader.pattern, `"${character}" closes nothing: write "\\${character}" for the sign`);
  return { source: character === "/" ? "\\/" : character, repeats: 1 };
}

function group(reader: Reader): Part {
  const head = reader.characters.slice(reader.at, reader.at + 2).join("");
  if (head.startsWith("?") && head !== "?:")
    throw refused(reader.pattern, `"(${head}" (look-around, named groups and flags) is not in the common language`);
  if (head === "?:") reader.at += 2;
  const { source, repeats } = alternatives(reader);
  if (reader.characters[reader.at++] !== ")") throw refused(reader.pattern, "a group is not closed");
  return { source: `(?:${source})`, repeats };
}

function escaped(reader: Reader): string {
  const character = reader.characters[reader.at++] ?? "";
  if (character === "s") return `[${SPACES}]`;
  if (character === "S") return `[^${SPACES}]`;
  if (character === "-") return "-";
  if (character !== "" && SAME_ESCAPES.test(character)) return `\\${character}`;
  throw refused(reader.pattern, `"\\${character}" is not in the common language`);
}

function characterClass(reader: Reader): string {
  const negated = reader.characters[reader.at] === "^";
  if (negated) reader.at++;
  if (reader.characters[reader.at] === "]") throw refused(reader.pattern, 'a class is empty: write "\\]" for the sign');
  let source = negated ? "[^" : "[";
  while (reader.characters[reader.at] !== "]") {
    const low = classMember(reader);
    const isRange = reader.characters[reader.at] === "-" && reader.characters[reader.at + 1] !== "]";
    if (!isRange) {
      source += low.source;
      continue;
    }
    reader.at++;
    const high = classMember(reader);
    if (!low.single || !high.single) throw refused(reader.pattern, "a range needs a single character at each end");
    source += `${low.source}-${high.source}`;
  }
  reader.at++;
  return `${source}]`;
}

function classMember(reader: Reader): { source: string; single: boolean } {
  const character = reader.characters[reader.at++];
  if (character === undefined) throw refused(reader.pattern, "a class is not closed");
  if (character === "[") throw refused(reader.pattern, '"[" inside a class: write "\\["');
  if (character !== "\\") return { source: "-^/".includes(character) ? `\\${character}` : character, single: true };
  const sign = reader.characters[reader.at++] ?? "";
  if (sign === "s") return { source: SPACES, single: false };
  if (sign === "" || !CLASS_ESCAPES.test(sign))
    throw refused(reader.pattern, `"\\${sign}" inside a class is not in the common language`);
  return { source: `\\${sign}`, single: !"dDwW".includes(sign) };
}

function refused(pattern: string, why: string, cause?: unknown): MillError {
  return new MillError("express.pattern", `The pattern ${JSON.stringify(pattern)} cannot be used: ${why}.`, {
    expected:
      "a regular expression in the language that SQL and JavaScript share: characters, classes, groups, alternatives, repetitions, ^ and $",
    got: JSON.stringify(pattern),
    fix: "Write it with these; what each sign means stands in the README of express.",
    cause,
  });
}
