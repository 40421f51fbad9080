/**
 * The YAML that MLflow writes into its folders (PyYAML's safe_dump of one mapping): texts plain, quoted, and folded over lines; numbers, null and booleans; mappings
 * and lists of such, one level deep or empty. Anything else is refused, with its line.
 *
 *     name: flights            description: 'predicts          tags:
 *     end_time: null                                             team: a
 *     version: '1'               delays'                       aliases: {}
 */
export type YamlScalar = string | number | boolean | null;
export type YamlValue = YamlScalar | readonly YamlScalar[] | Readonly<Record<string, YamlScalar>>;

/** Errors: SyntaxError. */
export function parseMetaYaml(text: string): Map<string, YamlValue> {
  const lines = text.split(/\r?\n/);
  const fields = new Map<string, YamlValue>();
  let at = 0;
  while (at < lines.length) {
    const line = lines[at]!;
    if (line.trim() === "" || line.startsWith("#") || line === "---") {
      at++;
      continue;
    }
    const { key, rest } = keyOf(line, at);
    const block: string[] = [];
    for (
      at++;
      at < lines.length && (/^\s/.test(lines[at]!) || lines[at] === "" || (rest === "" && lines[at]!.startsWith("- ")));
      at++
    )
      block.push(lines[at]!);
    fields.set(key, valueIn(rest, block, at));
  }
  return fields;
}

function valueIn(rest: string, block: readonly string[], at: number): YamlValue {
  const filled = block.filter((line) => line.trim() !== "");
  if (rest === "{}") return {};
  if (rest === "[]") return [];
  if (rest !== "" || filled.length === 0) return scalar([rest, ...block], at);
  if (filled[0]!.startsWith("- ")) return itemsOf(block).map((lines) => scalar(lines, at));
  const indent = /^\s*/.exec(filled[0]!)![0].length;
  const entries: [string, YamlScalar][] = [];
  for (let index = 0; index < block.length; ) {
    if (block[index]!.trim() === "") {
      index++;
      continue;
    }
    const { key, rest: value } = keyOf(block[index]!.slice(indent), at);
    const own = [value];
    for (index++; index < block.length && (block[index] === "" || /^\s*/.exec(block[index]!)![0].length > indent); index++)
      own.push(block[index]!);
    entries.push([key, scalar(own, at)]);
  }
  return Object.fromEntries(entries);
}

function itemsOf(block: readonly string[]): string[][] {
  const items: string[][] = [];
  for (const line of block)
    if (line.startsWith("- ")) items.push([line.slice(2)]);
    else items.at(-1)!.push(line);
  return items;
}

function keyOf(line: string, at: number): { readonly key: string; readonly rest: string } {
  const found = /^(?:'((?:[^']|'')*)'|"((?:[^"\\]|\\.)*)"|([^\s'"#[\]{}&*!|>%@`](?:[^:]|:(?=\S))*)):(?:\s+(.*))?$/.exec(line);
  if (!found) throw new SyntaxError(`line ${at + 1} is no "key: value"`);
  const [, single, double, plain, rest = ""] = found;
  return { key: single?.replaceAll("''", "'") ?? (double === undefined ? plain! : unescaped(double, at)), rest: rest.trimEnd() };
}

/** A text may go on over lines: one end of line is a space, each further one stands for itself. */
function scalar(lines: readonly string[], at: number): YamlScalar {
  const [first] = lines as [string];
  if (first.startsWith("'")) {
    const text = folded(lines);
    const whole = /^'((?:[^']|'')*)'\s*$/.exec(text);
    if (!whole) throw new SyntaxError(`a text before line ${at + 1} does not end`);
    return whole[1]!.replaceAll("''", "'");
  }
  if (first.startsWith('"')) {
    const whole = /^"((?:[^"\\]|\\[\s\S])*)"\s*$/.exec(folded(lines, true));
    if (!whole) throw new SyntaxError(`a text before line ${at + 1} does not end`);
    return unescaped(whole[1]!, at);
  }
  if (/^[|>&*!%@`[{]/.test(first)) throw new SyntaxError(`a value before line ${at + 1} has a form that MLflow does not write`);
  const text = folded(lines).trim();
  if (text === "" || text === "null" || text === "~") return null;
  if (text === "true" || text === "false") return text === "true";
  return /^[-+]?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[-+]?\d+)?$/i.test(text) ? numberOf(text) : text;
}

/** A whole number that would lose digits stays the text that it is. */
const numberOf = (text: string): number | string =>
  /^[-+]?\d+$/.test(text) && !Number.isSafeInteger(Number(text)) ? text : Number(text);

/** `escapes`: a backslash at the end of a line takes the line's end away. */
function folded(lines: readonly string[], escapes = false): string {
  const goesOn = (part: string) => escapes && /(?:^|[^\\])(?:\\\\)*\\$/.test(part);
  let text = lines[0]!;
  let breaks = 0;
  let escaped = goesOn(text);
  for (const line of lines.slice(1)) {
    const part = line.trim();
    if (part === "") breaks++;
    else {
      text = escaped ? text.slice(0, -1) + part : text.trimEnd() + (breaks === 0 ? " " : "\n".repeat(breaks)) + part;
      breaks = 0;
      escaped = goesOn(part);
    }
  }
  return text;
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ "0": "\0", a: "\x07", b: "\b", t: "\t", n: "\n", v: "\v", f: "\f", r: "\r", e: "\x1b", " ": " ", '"': '"', "/": "/" },
  ...{ "\\": "\\", N: "\u0085", _: "\u00a0", L: "\u2028", P: "\u2029" },
};

const unescaped = (text: string, at: number): string =>
  text.replaceAll(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g, (_, two, four, eight, one: string) => {
    const code = two ?? four ?? eight;
    if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
    const known = ESCAPES[one];
    if (known === undefined) throw new SyntaxError(`a text before line ${at + 1} has an unknown escape`);
    return known;
  });
