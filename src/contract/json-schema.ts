/**
 * JSON Schema (2020-12) with the type it describes. A schema is plain data, so that HTTP, the CLI, OpenAPI and the checks read one thing;
 * the type rides along and exists for the compiler only.
 *
 * Why not a library: the contract is loaded by every command and every step's process, and the libraries that carry types cost
 * 100 ms and more to load (decisions/own-json-schema.md).
 */
declare const VALUE: unique symbol;

export type JsonType = "object" | "array" | "string" | "number" | "integer" | "boolean" | "null";

export interface JsonSchema<T = unknown> {
  readonly [VALUE]?: T;
  readonly type?: JsonType;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly (string | number | boolean | null)[];
  readonly pattern?: string;
  /** Values that fit, for people. */
  readonly examples?: readonly unknown[];
  readonly maxLength?: number;
  /** A secret: it is answered, logged and audited nowhere. */
  readonly writeOnly?: true;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** The type that a schema describes. */
export type ValueOf<S> = S extends JsonSchema<infer T> ? T : never;

interface Described {
  readonly description?: string;
}

interface TextRules extends Described {
  readonly pattern?: string;
  readonly examples?: readonly string[];
  readonly maxLength?: number;
  readonly writeOnly?: true;
  readonly default?: string;
}

interface NumberRules extends Described {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: number;
}

interface ListRules extends Described {
  readonly minItems?: number;
  readonly maxItems?: number;
}

export const text = (rules: TextRules = {}): JsonSchema<string> => ({ type: "string", ...rules });
export const number = (rules: NumberRules = {}): JsonSchema<number> => ({ type: "number", ...rules });
export const integer = (rules: NumberRules = {}): JsonSchema<number> => ({ type: "integer", ...rules });
export const boolean = (rules: Described & { readonly default?: boolean } = {}): JsonSchema<boolean> => ({
  type: "boolean",
  ...rules,
});
export const anything = (rules: Described = {}): JsonSchema<unknown> => ({ ...rules });
export const oneOf = <const V extends string>(values: readonly V[], rules: Described = {}): JsonSchema<V> => ({
  enum: values,
  ...rules,
});
export const list = <T>(items: JsonSchema<T>, rules: ListRules = {}): JsonSchema<readonly T[]> => ({
  type: "array",
  items,
  ...rules,
});
export const either = <const S extends readonly JsonSchema[]>(...anyOf: S): JsonSchema<ValueOf<S[number]>> => ({ anyOf });
export const orNull = <T>(schema: JsonSchema<T>): JsonSchema<T | null> => ({ anyOf: [schema, { type: "null" }] });

/** Fields by any name, each of one schema. */
export const fieldsOf = <T>(values: JsonSchema<T>, rules: Described = {}): JsonSchema<Readonly<Record<string, T>>> => ({
  type: "object",
  additionalProperties: values,
  ...rules,
});

/** A field that may be left out of `object`. */
export interface Optional<T> {
  readonly optional: JsonSchema<T>;
}
export const optional = <T>(schema: JsonSchema<T>): Optional<T> => ({ optional: schema });

type Fields = Readonly<Record<string, JsonSchema | Optional<unknown>>>;
type Flat<T> = { [K in keyof T]: T[K] };
type ObjectOf<F extends Fields> = Flat<
  { readonly [K in keyof F as F[K] extends Optional<unknown> ? never : K]: ValueOf<F[K]> } & {
    readonly [K in keyof F as F[K] extends Optional<unknown> ? K : never]?: F[K] extends Optional<infer T>
      ? T | undefined
      : never;
  }
>;

/** An object with these fields and no others. */
export function object<const F extends Fields>(fields: F, rules: Described = {}): JsonSchema<ObjectOf<F>> {
  const isOptional = (field: JsonSchema | Optional<unknown>): field is Optional<unknown> => "optional" in field;
  const properties = Object.entries(fields).map(([name, field]) => [name, isOptional(field) ? field.optional : field]);
  const required = Object.keys(fields).filter((name) => !isOptional(fields[name]!));
  return { type: "object", properties: Object.fromEntries(properties), required, additionalProperties: false, ...rules };
}
