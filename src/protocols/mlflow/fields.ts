/**
 * What a request says, read as MLflow's server reads it: leniently (numbers may be texts, null is nothing, what is not known is passed over), then field by field,
 * with its words for what is wrong.
 */
import type { ForeignRequest } from "../route.ts";
import { MlflowError } from "./mlflow-error.ts";

type Values = Readonly<Record<string, unknown>>;

export class Fields {
  readonly #values: Values;
  readonly #path: string;

  constructor(values: Values, path = "") {
    this.#values = values;
    this.#path = path;
  }

  has(name: string): boolean {
    return this.#at(name) !== undefined;
  }

  /** A text that must be there; an empty one is not. */
  text(name: string): string {
    const found = this.optionalText(name);
    if (found === undefined || found === "") throw missing(this.#path + name);
    return found;
  }

  optionalText(name: string): string | undefined {
    return this.#read(name, (value) => (typeof value === "string" ? value : undefined));
  }

  /** A text that must be there, or a number as one: names that are numbers, and enums, go by either. */
  word(name: string): string {
    const found = this.#read(name, (value) =>
      typeof value === "number" ? String(value) : typeof value === "string" ? value : undefined,
    );
    if (found === undefined || found === "") throw missing(this.#path + name);
    return found;
  }

  optionalFlag(name: string): boolean | undefined {
    return this.#read(name, (value) =>
      value === "true" || value === "false" ? value === "true" : typeof value === "boolean" ? value : undefined,
    );
  }

  /** A whole number that JavaScript holds exactly. */
  whole(name: string): number {
    return this.#required(name, this.optionalWhole(name));
  }

  optionalWhole(name: string): number | undefined {
    return this.#read(name, (value) => {
      const number = asNumber(value);
      return number === undefined || Number.isNaN(number) ? undefined : wholeOf(number);
    });
  }

  /** A number as the verbs take it: what JSON has none for is a text. */
  value(name: string): MetricValue {
    const read = this.#read(name, (value): MetricValue | undefined => {
      const number = asNumber(value);
      return number === undefined || Number.isFinite(number) ? number : (String(number) as MetricValue);
    });
    return this.#required(name, read);
  }

  texts(name: string): readonly string[] {
    const found = this.#list(name);
    if (found.every((item) => typeof item === "string")) return found;
    throw invalid(this.#path + name, found);
  }

  /** Objects in a list, each with its own place in what is said of it. */
  items(name: string): Fields[] {
    return this.#list(name).map((item, index) => {
      const at = `${this.#path}${name}[${index}]`;
      if (isObject(item)) return new Fields(item, `${at}.`);
      throw invalid(at, item);
    });
  }

  item(name: string): Fields {
    const found = this.#required(
      name,
      this.#read(name, (value) => (isObject(value) ? value : undefined)),
    );
    return new Fields(found, `${this.#path}${name}.`);
  }

  #list(name: string): readonly unknown[] {
    return this.#read(name, (value) => (Array.isArray(value) ? value : undefined)) ?? [];
  }

  #required<T>(name: string, found: T | undefined): T {
    if (found === undefined) throw missing(this.#path + name);
    return found;
  }

  #read<T>(name: string, parse: (value: unknown) => T | undefined): T | undefined {
    const value = this.#at(name);
    if (value === undefined) return undefined;
    const read = parse(value);
    if (read === undefined) throw invalid(this.#path + name, value);
    return read;
  }

  #at(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }
}

export type MetricValue = number | "NaN" | "Infinity" | "-Infinity";

/** `lists`: fields that are lists also where the query names them once. */
export function readFields(request: ForeignRequest, method: string, lists: readonly string[] = []): Fields {
  return new Fields({ ...sentFields(request, method, lists), ...request.params });
}

function sentFields({ query, headers, body }: ForeignRequest, method: string, lists: readonly string[]): Values {
  if (method === "GET" && body.byteLength === 0) {
    const entries = Object.entries(query).map(([name, value]) => [
      name,
      lists.includes(name) ? [value].flat() : typeof value === "string" ? value : value[0],
    ]);
    return Object.fromEntries(entries);
  }
  const type = (headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase();
  if (type !== "application/json" && method !== "GET" && !(method === "DELETE" && body.byteLength === 0))
    throw new MlflowError("INVALID_PARAMETER_VALUE", "Bad Request. Content-Type must be one of ['application/json'].");
  if (body.byteLength === 0) return {};
  const sent = parsed(body);
  if (isObject(sent)) return sent;
  throw new MlflowError("BAD_REQUEST", "Bad Request. The body must be a JSON object.");
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new MlflowError("BAD_REQUEST", `Bad Request. The body is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** Also from a text, as queries and some clients have it. */
function asNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || !NUMBER.test(value)) return undefined;
  return Number(value.replace(/^\+/, ""));
}

const NUMBER = /^([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|NaN|-?Infinity)$/;

/** What was given with a fraction loses it, as in Python's `int`; what is no exact number is none. */
function wholeOf(number: number): number | undefined {
  const whole = Math.trunc(number);
  return Number.isSafeInteger(whole) ? whole : undefined;
}

const isObject = (value: unknown): value is Values => typeof value === "object" && value !== null && !Array.isArray(value);

const SEE = " See the API docs for more information about request parameters.";

export const missing = (path: string) =>
  new MlflowError("INVALID_PARAMETER_VALUE", `Missing value for required parameter '${path}'.${SEE}`);

export const invalid = (path: string, value: unknown) =>
  new MlflowError(
    "INVALID_PARAMETER_VALUE",
    `Invalid value ${short(JSON.stringify(value))} for parameter '${path}' supplied:  Hint: Value was of type '${typeOf(value)}'.${SEE}`,
  );

const short = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}...` : text);

/** As Python names it. */
function typeOf(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  if (typeof value === "string") return "str";
  if (typeof value === "boolean") return "bool";
  return Array.isArray(value) ? "list" : "dict";
}
