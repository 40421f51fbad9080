/** Patterns for paths and names of branches: `*` stands for any characters but `/`, `**` for any. Matched in bounded time, without a regular expression. */
export const matchesPattern = (pattern: string, path: string): boolean => matches(tokensOf(pattern), path);

const ANY = "**";
const WITHIN = "*";

const tokensOf = (pattern: string): string[] => pattern.match(/\*{2,}|\*|[^*]/gs)?.map((token) => token.slice(0, 2)) ?? [];

/** Greedy: what does not fit lets the last `*` take one more character, or where that may not, the last `**`. */
function matches(tokens: readonly string[], text: string): boolean {
  let [token, at] = [0, 0];
  let within: { token: number; at: number } | null = null;
  let any: { token: number; at: number } | null = null;
  while (at < text.length) {
    const expected = tokens[token];
    if (expected === ANY) {
      any = { token: token++, at };
      within = null;
    } else if (expected === WITHIN) within = { token: token++, at };
    else if (expected === text[at]) {
      token++;
      at++;
    } else if (within && text[within.at] !== "/") {
      at = ++within.at;
      token = within.token + 1;
    } else if (any) {
      at = ++any.at;
      token = any.token + 1;
      within = null;
    } else return false;
  }
  while (tokens[token] === ANY || tokens[token] === WITHIN) token++;
  return token === tokens.length;
}
