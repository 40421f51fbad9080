/**
 * The space of a search as a unit cube: each dimension maps [0, 1) onto its values, so that samplers know nothing of scales and kinds. Whole numbers and listed
 * values are cells of the interval, in order. A dimension with `when` counts only where another, defined before it, has one of the values named.
 */
import { canonicalJson, type Json } from "../../base/index.ts";
import { counts, type Dimension, type Point, type Space } from "../../define/index.ts";
import type { ParamValue } from "../../learn/index.ts";

/** The value at `unit`, from 0 up to, not including, 1. */
export function valueAt(dimension: Dimension, unit: number): ParamValue {
  if (dimension.kind === "choice") return dimension.values[Math.floor(unit * dimension.values.length)]!;
  const { from, to } = dimension;
  if (dimension.kind === "number") return within(between(dimension, from, to, unit), from, to);
  if (dimension.scale === "linear") return from + Math.floor(unit * (to - from + 1));
  return within(Math.round(between(dimension, from - 0.5, to + 0.5, unit)), from, to);
}

/** Where in the interval a value is: of a cell its middle. */
export function unitOf(dimension: Dimension, value: ParamValue): number {
  if (dimension.kind === "choice") return (indexOf(dimension, value) + 0.5) / dimension.values.length;
  const { from, to } = dimension;
  const number = value as number;
  if (dimension.kind === "integer" && dimension.scale === "linear") return (number - from + 0.5) / (to - from + 1);
  const [low, high] = dimension.kind === "integer" ? [from - 0.5, to + 0.5] : [from, to];
  if (low === high) return 0.5;
  const share = dimension.scale === "log" ? Math.log(number / low) / Math.log(high / low) : (number - low) / (high - low);
  return within(share, 0, 1);
}

/** The place of a listed value; of objects those are equal that say the same. */
export function indexOf({ values }: Extract<Dimension, { kind: "choice" }>, value: ParamValue): number {
  return values.findIndex((one) => canonicalJson(one as Json) === canonicalJson(value as Json));
}

function between({ scale }: { readonly scale: "linear" | "log" }, from: number, to: number, share: number): number {
  return scale === "log" ? from * (to / from) ** share : from + (to - from) * share;
}

const within = (value: number, from: number, to: number) => Math.min(Math.max(value, from), to);

/** The point that `unitFor` gives, dimension by dimension; those whose condition does not hold are left out. */
export function pointOf(space: Space, unitFor: (name: string, index: number) => number): Point {
  const point: Record<string, ParamValue> = {};
  for (const [index, [name, dimension]] of Object.entries(space).entries())
    if (counts(dimension, point)) point[name] = valueAt(dimension, unitFor(name, index));
  return point;
}

/** Points with equal texts are the same point. */
export const textOf = (point: Point): string => canonicalJson(point as Json);

/** Every point of a grid, the last dimension changing fastest; a range of numbers is cut into `steps` values, both ends included. */
export function* gridOf(space: Space, steps: number): Generator<Point> {
  yield* combine(Object.entries(space), {}, steps);
}

function* combine(dimensions: readonly (readonly [string, Dimension])[], point: Point, steps: number): Generator<Point> {
  const [first, ...rest] = dimensions;
  if (first === undefined) return yield point;
  const [name, dimension] = first;
  if (!counts(dimension, point)) return yield* combine(rest, point, steps);
  for (const value of gridValues(dimension, steps)) yield* combine(rest, { ...point, [name]: value }, steps);
}

function gridValues(dimension: Dimension, steps: number): readonly ParamValue[] {
  if (dimension.kind === "choice") return dimension.values;
  const { kind, from, to } = dimension;
  const values = Array.from({ length: steps }, (_, step) =>
    within(between(dimension, from, to, steps === 1 ? 0 : step / (steps - 1)), from, to),
  );
  return [...new Set(kind === "integer" ? values.map(Math.round) : values)];
}

/** How many points there are; Infinity where a dimension is a range of numbers. Conditions are not counted on, so that it is a bound. */
export function sizeOf(space: Space): number {
  return Object.values(space).reduce((size, dimension) => size * valuesOf(dimension), 1);
}

function valuesOf(dimension: Dimension): number {
  if (dimension.kind === "choice") return dimension.values.length;
  const { kind, from, to } = dimension;
  return from === to ? 1 : kind === "integer" ? to - from + 1 : Infinity;
}
