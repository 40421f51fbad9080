/**
 * What a search keeps: MLflow's filters, and more.
 *
 *     filter    = [ any ]
 *     any       = all { OR all }
 *     all       = one { AND one }
 *     one       = NOT one | "(" any ")" | field test
 *     field     = entity "." key | attribute          key: a word, `...` or "..."; a word may have _ - . : / in it
 *     test      = ( = | != | <> | < | <= | > | >= ) value | [ NOT ] ( LIKE | ILIKE ) text | [ NOT ] IN "(" value { "," value } ")" | IS [ NOT ] NULL
 *     value     = number | text                        text: '...' or "...", the quote in it twice
 *
 * What an item does not have meets IS NULL alone, so neither `!=` nor NOT IN; `NOT` before a condition turns it round whole. In LIKE, % stands for any
 * characters and _ for one; ILIKE does not tell capitals. A number without quotes compares texts that are numbers as numbers.
 */
import { didYouMean, MillError } from "../../base/index.ts";

/** The fields that there are. */
export interface Vocabulary {
  /** Entities by every name they go by. */
  readonly entities: Readonly<Record<string, Entity>>;
  /** Fields without an entity, or of `attributes`, by every name they go by. */
  readonly attributes: Readonly<Record<string, Field>>;
}

export interface Entity {
  readonly entity: string;
  readonly type: FieldType;
  /** The keys there are; default: any. */
  readonly keys?: readonly string[];
}

export interface Field {
  readonly entity: string;
  readonly key: string;
  readonly type: FieldType;
}

/** Numeric text: text whose numbers compare as such where the filter has one. */
export type FieldType = "number" | "text" | "numeric-text";

export type Filter =
  | { readonly kind: "all" | "any"; readonly of: readonly Filter[] }
  | { readonly kind: "not"; readonly of: Filter }
  | { readonly kind: "test"; readonly field: Field; readonly test: Test };

export type Test =
  | { readonly op: "=" | "!=" | "<" | "<=" | ">" | ">="; readonly value: Value }
  | { readonly op: "like"; readonly pattern: string; readonly anyCase: boolean; readonly negated: boolean }
  | { readonly op: "in"; readonly values: readonly Value[]; readonly negated: boolean }
  | { readonly op: "null"; readonly negated: boolean };

export type Value = number | string;

export interface Order {
  readonly field: Field;
  readonly descending: boolean;
}

const DEPTH_MAX = 100;

/** Errors: `tracking.filter` with the place. */
export function parseFilter(text: string, vocabulary: Vocabulary): Filter {
  const tokens = createTokens(text, "tracking.filter");
  if (tokens.peek().kind === "end") return { kind: "all", of: [] };
  const filter = parseAny(tokens, vocabulary, 0);
  if (tokens.peek().kind !== "end") throw tokens.unexpected("AND, OR or the end");
  return filter;
}

/** Errors: `tracking.order`: no field, one that is not there, or twice the same. */
export function parseOrder(orderBy: readonly string[], vocabulary: Vocabulary): Order[] {
  const seen = new Set<string>();
  return orderBy.map((text) => {
    const tokens = createTokens(text, "tracking.order");
    const field = parseField(tokens, vocabulary);
    const descending = tokens.takeWord("DESC");
    if (!descending) tokens.takeWord("ASC");
    if (tokens.peek().kind !== "end") throw tokens.unexpected("ASC, DESC or the end");
    const name = JSON.stringify([field.entity, field.key]);
    if (!seen.has(name)) {
      seen.add(name);
      return { field, descending };
    }
    throw new MillError("tracking.order", `"${text.slice(0, 200)}" orders by a field that stands there twice.`, {
      at: "order_by",
      expected: "each field once",
      got: text.slice(0, 200),
    });
  });
}

function parseAny(tokens: Tokens, vocabulary: Vocabulary, depth: number): Filter {
  const of = [parseAll(tokens, vocabulary, depth)];
  while (tokens.takeWord("OR")) of.push(parseAll(tokens, vocabulary, depth));
  return of.length === 1 ? of[0]! : { kind: "any", of };
}

function parseAll(tokens: Tokens, vocabulary: Vocabulary, depth: number): Filter {
  const of = [parseOne(tokens, vocabulary, depth)];
  while (tokens.takeWord("AND")) of.push(parseOne(tokens, vocabulary, depth));
  return of.length === 1 ? of[0]! : { kind: "all", of };
}

function parseOne(tokens: Tokens, vocabulary: Vocabulary, depth: number): Filter {
  if (depth > DEPTH_MAX) throw tokens.unexpected(`brackets at most ${DEPTH_MAX} deep`);
  if (tokens.takeWord("NOT")) return { kind: "not", of: parseOne(tokens, vocabulary, depth + 1) };
  if (tokens.takeSign("(")) {
    const inside = parseAny(tokens, vocabulary, depth + 1);
    tokens.requireSign(")");
    return inside;
  }
  const field = parseField(tokens, vocabulary);
  return { kind: "test", field, test: parseTest(tokens, field) };
}

function parseField(tokens: Tokens, { entities, attributes }: Vocabulary): Field {
  const token = tokens.peek();
  if (token.kind !== "word" && token.kind !== "quoted") throw tokens.unexpected("a field");
  tokens.next();
  const dot = token.kind === "word" ? token.text.indexOf(".") : -1;
  const attribute = own(attributes, dot === -1 ? token.text : "");
  if (attribute) return attribute;
  if (dot === -1)
    throw tokens.wrong(token, `one of ${names(attributes)}, or ${names(entities)} with a key`, token.text, attributes);
  const name = token.text.slice(0, dot);
  const isAttribute = ATTRIBUTE_WORDS.includes(name.toLowerCase());
  const found = own(entities, name.toLowerCase());
  if (!found && !isAttribute) throw tokens.wrong(token, `one of ${names(entities)}, attributes`, name, entities);
  const key = token.text.slice(dot + 1) || keyBehind(tokens);
  if (isAttribute) {
    const field = own(attributes, key);
    if (field) return field;
    throw tokens.wrong(token, `one of ${names(attributes)}`, key, attributes);
  }
  const { entity, type, keys } = found!;
  if (keys && !keys.includes(key)) throw tokens.wrong(token, `one of ${keys.join(", ")}`, key);
  return { entity, key, type };
}

const ATTRIBUTE_WORDS = ["attributes", "attribute", "attr", "run"];

function keyBehind(tokens: Tokens): string {
  const token = tokens.peek();
  if (token.kind !== "quoted" || token.quote === "'" || token.text === "") throw tokens.unexpected("a key");
  tokens.next();
  return token.text;
}

function parseTest(tokens: Tokens, field: Field): Test {
  if (tokens.takeWord("IS")) {
    const negated = tokens.takeWord("NOT");
    if (!tokens.takeWord("NULL")) throw tokens.unexpected("NULL");
    return { op: "null", negated };
  }
  const negated = tokens.takeWord("NOT");
  if (tokens.takeWord("IN")) return { op: "in", values: parseValues(tokens, field), negated };
  for (const word of ["LIKE", "ILIKE"]) {
    if (field.type === "number" || !tokens.takeWord(word)) continue;
    const pattern = tokens.peek();
    if (pattern.kind !== "quoted" || pattern.quote === "`") throw tokens.unexpected("a pattern in quotes");
    tokens.next();
    return { op: "like", pattern: pattern.text, anyCase: word === "ILIKE", negated };
  }
  const { kind, text } = tokens.peek();
  const op = text === "<>" ? "!=" : text;
  if (negated || kind !== "sign" || !isComparison(op)) throw tokens.unexpected(testsOf(field));
  tokens.next();
  const at = tokens.peek();
  const value = parseValue(tokens, field);
  if (typeof value === "string" && op !== "=" && op !== "!=")
    throw tokens.wrong(at, "a number without quotes, or = and !=", value);
  return { op, value };
}

function parseValues(tokens: Tokens, field: Field): Value[] {
  tokens.requireSign("(");
  const values = [parseValue(tokens, field)];
  while (tokens.takeSign(",")) values.push(parseValue(tokens, field));
  tokens.requireSign(")");
  return values;
}

function parseValue(tokens: Tokens, { type }: Field): Value {
  const token = tokens.peek();
  const isNumber = token.kind === "number" && type !== "text";
  if (isNumber || (token.kind === "quoted" && token.quote !== "`" && type !== "number")) {
    tokens.next();
    return isNumber ? Number(token.text) : token.text;
  }
  throw tokens.unexpected(
    type === "number" ? "a number without quotes" : type === "text" ? "a text in quotes" : "a text in quotes or a number without",
  );
}

const COMPARISONS = ["=", "!=", "<", "<=", ">", ">="] as const;
const isComparison = (text: string): text is (typeof COMPARISONS)[number] => (COMPARISONS as readonly string[]).includes(text);
const testsOf = ({ type }: Field) =>
  type === "number"
    ? "one of = != < <= > >=, [NOT] IN, IS [NOT] NULL"
    : "one of = !=, [NOT] LIKE, [NOT] ILIKE, [NOT] IN, IS [NOT] NULL";

interface Token {
  readonly kind: "word" | "quoted" | "number" | "sign" | "end";
  readonly text: string;
  readonly quote?: string;
  /** Characters before it. */
  readonly at: number;
}

interface Tokens {
  peek(): Token;
  next(): void;
  takeWord(word: string): boolean;
  takeSign(sign: string): boolean;
  requireSign(sign: string): void;
  unexpected(expected: string): MillError;
  wrong(token: Token, expected: string, got: string, known?: object): MillError;
}

const TOKEN =
  /\s*(?:(?<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])|(?<word>[A-Za-z_][\w.\-/:]*)|'(?<single>[^']*(?:''[^']*)*)'|"(?<double>[^"]*(?:""[^"]*)*)"|`(?<back>[^`]*)`|(?<sign><=|>=|!=|<>|[=<>(),]))/y;

function createTokens(text: string, code: "tracking.filter" | "tracking.order"): Tokens {
  let end = 0;
  let current: Token = read(0);

  function read(from: number): Token {
    TOKEN.lastIndex = from;
    const match = TOKEN.exec(text);
    const rest = text.slice(from);
    const at = from + (rest.length - rest.trimStart().length);
    if (!match) {
      end = at;
      return at === text.length ? { kind: "end", text: "the end", at } : { kind: "sign", text: text[at]!, at };
    }
    end = TOKEN.lastIndex;
    const { number, word, single, double, back, sign } = match.groups!;
    if (single !== undefined) return { kind: "quoted", quote: "'", text: single.replaceAll("''", "'"), at };
    if (double !== undefined) return { kind: "quoted", quote: '"', text: double.replaceAll('""', '"'), at };
    if (back !== undefined) return { kind: "quoted", quote: "`", text: back, at };
    if (number !== undefined) return { kind: "number", text: number, at };
    return word === undefined ? { kind: "sign", text: sign!, at } : { kind: "word", text: word, at };
  }

  const tokens: Tokens = {
    peek: () => current,
    next: () => void (current = read(end)),
    takeWord(word) {
      const found = current.kind === "word" && current.text.toUpperCase() === word;
      if (found) tokens.next();
      return found;
    },
    takeSign(sign) {
      const found = current.kind === "sign" && current.text === sign;
      if (found) tokens.next();
      return found;
    },
    requireSign(sign) {
      if (!tokens.takeSign(sign)) throw tokens.unexpected(sign);
    },
    unexpected: (expected) => tokens.wrong(current, expected, current.text),
    wrong(token, expected, got, known = {}) {
      const where = `character ${token.at + 1}`;
      const shown = got.slice(0, 100);
      const message = `"${text.slice(0, 200)}" cannot be read at ${where}: expected ${expected}, got "${shown}".`;
      const detail = { at: where, expected, got: shown, fix: didYouMean(got, Object.keys(known)).trim() || undefined };
      return code === "tracking.filter"
        ? new MillError("tracking.filter", message, detail)
        : new MillError("tracking.order", message, detail);
    },
  };
  return tokens;
}

const own = <T>(of: Readonly<Record<string, T>>, name: string): T | undefined => (Object.hasOwn(of, name) ? of[name] : undefined);
const names = (of: object) => Object.keys(of).join(", ");
