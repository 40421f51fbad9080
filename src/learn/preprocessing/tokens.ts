/**
 * Words of a text, by one of two rules.
 *
 *   words    runs of at least two letters, digits or _ of any script, in lower case: "It's 5 o'clock, Zoë" -> it clock zoë
 *   spaces   what stands between spaces (U+0020), as it is:                         "It's 5 o'clock, Zoë" -> It's 5 o'clock, Zoë
 *
 * Only `spaces` can be said in a graph: its operator for splitting knows spaces alone, and no two runtimes agree on lower case beyond ASCII.
 */
export const TOKEN_RULES = ["words", "spaces"] as const;
export type TokenRule = (typeof TOKEN_RULES)[number];

export const isTokenRule = (text: string): text is TokenRule => TOKEN_RULES.some((rule) => rule === text);

/** The words, and up to `ngrams` of them in a row, joined by a space. */
export function termsOf(text: string, rule: TokenRule, ngrams: number): string[] {
  const words =
    rule === "words" ? (text.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) ?? []) : text.split(" ").filter((word) => word !== "");
  const terms = [...words];
  for (let length = 2; length <= ngrams; length++)
    for (let at = 0; at + length <= words.length; at++) terms.push(words.slice(at, at + length).join(" "));
  return terms;
}

/** Parameters of all that cut texts into words. */
export const tokenParams = {
  tokens: {
    type: "choice",
    choices: TOKEN_RULES,
    default: "words",
    about: "words of letters and digits in lower case, or what stands between spaces as it is, which ONNX can say too",
  },
  ngrams: { type: "integer", default: 1, min: 1, max: 4, about: "words in a row that count as one term, at most" },
} as const;
