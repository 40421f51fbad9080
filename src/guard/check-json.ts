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
export function checkJson(schema: JsonSchema, value: unknown): Mismatch | null {
  if (schema.anyOf) return checkVariants(schema.anyOf, value);
  if (schema.enum) return (schema.enum as readonly unknown[]).includes(value) ? null : mismatch(schema, value);
  if (schema.type === undefined) return null;
  if (!hasType(schema.type, value)) return mismatch(schema, value);
  if (schema.type === "object") return checkFields(schema, value as Record<string, unknown>);
  if (schema.type === "array") return checkItems(schema, value as unknown[]);
  return withinBounds(schema, value) ? null : mismatch(schema, value);
}

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
function checkVariants(variants: readonly JsonSchema[], value: unknown): Mismatch | null {
  if (variants.some((variant) => checkJson(variant, value) === null)) return null;
  const [meant, next] = variants
    .map((variant) => ({ variant, affinity: affinity(variant, value) }))
    .sort((a, b) => b.affinity - a.affinity);
  if (meant && meant.affinity > (next?.affinity ?? 0)) return checkJson(meant.variant, value);
  return { at: "", expected: variants.map(describe).join(" or "), got: show(value) };
}

function affinity({ type, properties }: JsonSchema, value: unknown): number {
  if (type === undefined || !hasType(type, value)) return 0;
  const known = Object.entries(value as object).filter(([name]) => properties && Object.hasOwn(properties, name));
  const met = known.filter(([name, field]) => checkJson(properties![name]!, field) === null);
  return 1 + known.length + met.length;
}

function checkFields(schema: JsonSchema, value: Readonly<Record<string, unknown>>): Mismatch | null {
  const fields = schema.properties ?? {};
  for (const name of schema.required ?? []) {
    if (value[name] === undefined) return within(name, { at: "", expected: describe(fields[name]!), got: "nothing" });
  }
  const others = schema.additionalProperties;
  for (const name of Object.keys(value)) {
    const field = Object.hasOwn(fields, name) ? fields[name]! : undefined;
    if (field === undefined && others === false) return strangerField(name, Object.keys(fields));
    const rule = field ?? (typeof others === "object" ? others : undefined);
    if (rule === undefined || value[name] === undefined) continue;
    const found = checkJson(rule, value[name]);
    if (found) return within(name, found);
  }
  return null;
}

const strangerField = (name: string, known: readonly string[]): Mismatch => ({
  at: `/${pointer(name)}`,
  expected: known.length > 0 ? `one of the fields ${known.join(", ")}` : "no fields",
  got: `the field "${name.slice(0, 60)}"`,
  hint: didYouMean(name.slice(0, 60), known).trim(),
});

function checkItems(schema: JsonSchema, value: readonly unknown[]): Mismatch | null {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, items } = schema;
  if (value.length < minItems || value.length > maxItems)
    return { at: "", expected: describe(schema), got: `${value.length} items` };
  if (items === undefined) return null;
  for (let index = 0; index < value.length; index++) {
    const found = checkJson(items, value[index]);
    if (found) return within(index, found);
  }
  return null;
}

function withinBounds(schema: JsonSchema, value: unknown): boolean {
  if (typeof value === "number") return value >= (schema.minimum ?? -Infinity) && value <= (schema.maximum ?? Infinity);
  if (typeof value !== "string") return true;
  if (value.length > (schema.maxLength ?? Infinity)) return false;
  return schema.pattern === undefined || patternOf(schema.pattern).test(value);
}

const patterns = new Map<string, RegExp>();
function patternOf(source: string): RegExp {
  const known = patterns.get(source) ?? new RegExp(source, "u");
  patterns.set(source, known);
  return known;
}

function hasType(type: NonNullable<JsonSchema["type"]>, value: unknown): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  if (type === "integer") return Number.isSafeInteger(value);
  if (type === "number") return Number.isFinite(value);
  return typeof value === type;
}

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
