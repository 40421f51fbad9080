/** The words of a search's space, and their reading: which values of an estimator's parameters are tried. */
import { didYouMean } from "../base/index.ts";
import { checkParams, type Estimator, type Params, type ParamValue } from "../learn/index.ts";
import { type Given, number, record, text, wrong } from "./options.ts";

/** A parameter's values; `when`: only where another, defined before it, has one of the values named. */
export type Dimension = (
  | { readonly kind: "number"; readonly from: number; readonly to: number; readonly scale: "linear" | "log" }
  | { readonly kind: "integer"; readonly from: number; readonly to: number; readonly scale: "linear" | "log" }
  | { readonly kind: "choice"; readonly values: readonly ParamValue[] }
) & { readonly when?: Condition };

export interface Condition {
  readonly name: string;
  readonly is: readonly ParamValue[];
}

/** Dimensions by name, in the order of the definition. */
export type Space = Readonly<Record<string, Dimension>>;

/** A value for each dimension that counts. */
export type Point = Readonly<Record<string, ParamValue>>;

/** Whether a dimension counts at a point that has the values of those defined before it. */
export const counts = ({ when }: Dimension, point: Point): boolean =>
  when === undefined || (Object.hasOwn(point, when.name) && when.is.includes(point[when.name]!));

export interface SpaceWords {
  /** Any number from `from` to `to`. */
  uniform(from: number, to: number): Dimension;
  /** Any number from `from` to `to`, equal ratios as likely: for what spans orders of magnitude. Above 0. */
  logUniform(from: number, to: number): Dimension;
  /** A whole number from `from` to `to`, both included. */
  integer(from: number, to: number): Dimension;
  /** A whole number from `from` to `to`, equal ratios as likely. From 1. */
  logInteger(from: number, to: number): Dimension;
  /** One of the values. */
  categorical(...values: readonly ParamValue[]): Dimension;
  /** A dimension that counts only where the one named, defined before it, has one of the values. */
  when(name: string, is: ParamValue | readonly ParamValue[], dimension: Dimension): Dimension;
}

/** What a search tries of a trainer's parameters; those not named keep what the trainer says. */
export type SpaceOptions = (s: SpaceWords) => Readonly<Record<string, Dimension>>;

const range =
  (kind: "number" | "integer", scale: "linear" | "log", lowest: number) =>
  (from: number, to: number): Dimension => {
    const low = number("space: from", from, { atLeast: lowest, ...(kind === "integer" && { integer: true }) });
    const high = number("space: to", to, { atLeast: low, ...(kind === "integer" && { integer: true }) });
    return Object.freeze({ kind, from: low, to: high, scale });
  };

export const SPACE_WORDS: SpaceWords = Object.freeze({
  uniform: range("number", "linear", -Number.MAX_VALUE),
  logUniform: range("number", "log", Number.MIN_VALUE),
  integer: range("integer", "linear", Number.MIN_SAFE_INTEGER),
  logInteger: range("integer", "log", 1),
  categorical: (...values: readonly ParamValue[]) =>
    values.length === 0
      ? wrong("space: categorical", "at least one value", values)
      : Object.freeze({ kind: "choice" as const, values: [...values] }),
  when: (name: string, is: ParamValue | readonly ParamValue[], dimension: Dimension) =>
    Object.freeze({ ...dimension, when: { name: text("space: when", name), is: [is].flat() as ParamValue[] } }),
});

/**
 * The dimensions, each of a parameter that the estimator has, with values that it takes. `fixed` are the trainer's own parameters.
 * Errors: `learn.bad-parameter`, which says what the estimator has; `define.bad-value`.
 */
export function readSpace(at: string, given: unknown, estimator: Estimator, fixed: Params): Space {
  const dimensions = Object.entries(record(at, given)).map(([name, one]) => [name, readDimension(`${at}.${name}`, one)] as const);
  for (const [index, [name, dimension]] of dimensions.entries()) {
    const earlier = dimensions.slice(0, index).map(([other]) => other);
    const { when } = dimension;
    if (when !== undefined && !earlier.includes(when.name))
      wrong(
        `${at}.${name}: when`,
        `one of the dimensions before it (${earlier.join(", ")})`,
        when.name,
        didYouMean(when.name, earlier),
      );
    for (const value of endsOf(dimension)) {
      const checked = checkParams(estimator, { ...fixed, [name]: value });
      if (!checked.ok) throw checked.error;
    }
  }
  return Object.freeze(Object.fromEntries(dimensions));
}

const endsOf = (dimension: Dimension): readonly ParamValue[] =>
  dimension.kind === "choice" ? dimension.values : [dimension.from, dimension.to];

function readDimension(at: string, given: unknown): Dimension {
  const { kind, from, to, scale, values, when } = record(at, given) as Given;
  const made =
    kind === "choice" && Array.isArray(values)
      ? SPACE_WORDS.categorical(...values)
      : kind === "number"
        ? (scale === "log" ? SPACE_WORDS.logUniform : SPACE_WORDS.uniform)(from as number, to as number)
        : kind === "integer"
          ? (scale === "log" ? SPACE_WORDS.logInteger : SPACE_WORDS.integer)(from as number, to as number)
          : wrong(at, "what a word of the space gives, as in s.uniform(0, 1)", given);
  if (when === undefined) return made;
  const { name, is } = record(`${at}: when`, when);
  return SPACE_WORDS.when(name as string, is as ParamValue[], made);
}
