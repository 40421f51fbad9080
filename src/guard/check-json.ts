/** Holds a value against a JSON Schema of the contract, and says in words what is wrong with it. */
import { didYouMean } from "../base/index.ts";
import type { JsonSchema } from "../contract/index.ts";

export interface Mismatch {
  /** JSON pointer (RFC 6901); empty for the whole value. */
  readonly at: string;
  readonly expected: string;
  readonly got: string;
  readonly hint?: string;
}

/** The first mismatch, or null when the value fits. */
export const checkJson = (schema: JsonSchema, value: unknown): Mismatch | null => checkOf(schema)(value);

type Check = (value: unknown) => Mismatch | null;

/** What a schema asks is found out once: a batch of a thousand metrics is held against one schema a thousand times. */
const checks = new WeakMap<JsonSchema, Check>();
function checkOf(schema: JsonSchema): Check {
  const known = checks.get(schema) ?? compile(schema);
  checks.set(schema, known);
  return known;
}

function compile(schema: JsonSchema): Check {
  const { anyOf, type } = schema;
  if (anyOf) return checkVariants(anyOf);
  if (schema.enum) return fits(schema, (value) => (schema.enum as readonly unknown[]).includes(value));
  if (type === undefined) return () => null;
  if (type === "object") return checkFields(schema);
  if (type === "array") return checkItems(schema);
  const [isType, isWithin] = [TYPES[type], withinBounds(schema)];
  return fits(schema, (value) => isType(value) && isWithin(value));
}

const fits =
  (schema: JsonSchema, holds: (value: unknown) => boolean): Check =>
  (value) =>
    holds(value) ? null : mismatch(schema, value);

/** Where it is becomes known on the way back: what fits, nearly all, needs no words for its place. */
const within = (name: string | number, { at, ...found }: Mismatch): Mismatch => ({
  at: `/${pointer(String(name))}${at}`,
  ...found,
});

/** The value with the defaults of its top fields filled in. */
export function withDefaults(schema: JsonSchema, value: unknown): unknown {
  const missing = Object.entries(schema.properties ?? {}).filter(
    ([name, field]) => field.default !== undefined && (value as Record<string, unknown>)[name] === undefined,
  );
  if (missing.length === 0) return value;
  return { ...(value as object), ...Object.fromEntries(missing.map(([name, field]) => [name, field.default])) };
}

/** When no variant fits, the one that was meant explains why: the one that knows most of the value's fields, and whose rules most of them meet. */
function checkVariants(variants: readonly JsonSchema[]): Check {
  const checks = variants.map(checkOf);
  return (value) => {
    if (checks.some((check) => check(value) === null)) return null;
    const [meant, next] = variants
      .map((variant) => ({ variant, affinity: affinity(variant, value) }))
      .sort((a, b) => b.affinity - a.affinity);
    if (meant && meant.affinity > (next?.affinity ?? 0)) return checkJson(meant.variant, value);
    return { at: "", expected: variants.map(describe).join(" or "), got: show(value) };
  };
}

function affinity({ type, properties }: JsonSchema, value: unknown): number {
  if (type === undefined || !TYPES[type](value)) return 0;
  const known = Object.entries(value as object).filter(([name]) => properties && Object.hasOwn(properties, name));
  const met = known.filter(([name, field]) => checkJson(properties![name]!, field) === null);
  return 1 + known.length + met.length;
}

function checkFields(schema: JsonSchema): Check {
  const { properties = {}, required = [], additionalProperties: others } = schema;
  const rules = new Map(Object.entries(properties).map(([name, field]) => [name, checkOf(field)]));
  const other = typeof others === "object" ? checkOf(others) : others === false ? null : () => null;
  return (given) => {
    if (!TYPES.object(given)) return mismatch(schema, given);
    const value = given as Readonly<Record<string, unknown>>;
    for (const name of required) {
      if (value[name] === undefined) return within(name, { at: "", expected: describe(properties[name]!), got: "nothing" });
    }
    for (const name in value) {
      if (!Object.hasOwn(value, name)) continue;
      const check = rules.get(name) ?? other;
      if (check === null) return strangerField(name, Object.keys(properties));
      const found = value[name] === undefined ? null : check(value[name]);
      if (found) return within(name, found);
    }
    return null;
  };
}

const strangerField = (name: string, known: readonly string[]): Mismatch => ({
  at: `/${pointer(name)}`,
  expected: known.length > 0 ? `one of the fields ${known.join(", ")}` : "no fields",
  got: `the field "${name.slice(0, 60)}"`,
  hint: didYouMean(name.slice(0, 60), known).trim(),
});

function checkItems(schema: JsonSchema): Check {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, items } = schema;
  const check = items === undefined ? () => null : checkOf(items);
  return (value) => {
    if (!Array.isArray(value)) return mismatch(schema, value);
    if (value.length < minItems || value.length > maxItems)
      return { at: "", expected: describe(schema), got: `${value.length} items` };
    for (let index = 0; index < value.length; index++) {
      const found = check(value[index]);
      if (found) return within(index, found);
    }
    return null;
  };
}

function withinBounds({ minimum = -Infinity, maximum = Infinity, maxLength = Infinity, pattern }: JsonSchema) {
  const form = pattern === undefined ? null : new RegExp(pattern, "u");
  return (value: unknown): boolean => {
    if (typeof value === "number") return value >= minimum && value <= maximum;
    return typeof value !== "string" || (value.length <= maxLength && (form === null || form.test(value)));
  };
}

const TYPES: Readonly<Record<NonNullable<JsonSchema["type"]>, (value: unknown) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  string: (value) => typeof value === "string",
  integer: (value) => Number.isSafeInteger(value),
  number: (value) => Number.isFinite(value),
  array: (value) => Array.isArray(value),
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

const mismatch = (schema: JsonSchema, value: unknown): Mismatch => ({
  at: "",
  expected: describe(schema),
  got: schema.writeOnly ? "what is not shown" : show(value),
});

/** A schema in words: `an integer from 1 to 1000`. */
export function describe(schema: JsonSchema): string {
  if (schema.enum)
    return `${schema.enum.length > 1 ? "one of " : ""}${schema.enum.map((value) => JSON.stringify(value)).join(", ")}`;
  if (schema.anyOf) return schema.anyOf.map(describe).join(" or ");
  const { minimum, maximum, minItems, maxItems, maxLength, pattern, examples, required = [] } = schema;
  const range = [minimum === undefined ? "" : `from ${minimum}`, maximum === undefined ? "" : `to ${maximum}`]
    .filter(Boolean)
    .join(" ");
  switch (schema.type) {
    case "integer":
      return `an integer ${range}`.trim();
    case "number":
      return `a finite number ${range}`.trim();
    case "string":
      return ["a text", pattern && `like ${examples?.[0] ?? pattern}`, maxLength && `of at most ${maxLength} characters`]
        .filter(Boolean)
        .join(" ");
    case "array":
      return ["a list", minItems && `of at least ${minItems}`, maxItems && `of at most ${maxItems} items`]
        .filter(Boolean)
        .join(" ");
    case "object":
      return required.length > 0 ? `an object with ${required.join(", ")}` : "an object";
    case "boolean":
      return "true or false";
    case "null":
      return "null";
    default:
      return "any value";
  }
}

function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
  return String(value);
}

const pointer = (name: string) => name.slice(0, 200).replaceAll("~", "~0").replaceAll("/", "~1");
