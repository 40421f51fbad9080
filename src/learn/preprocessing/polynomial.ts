/** Products of up to some columns: a, b, a^2, a*b, b^2. What is missing makes its products missing. */
import { MillError } from "../../base/index.ts";
import { throwIfCancelled } from "../crew/crew.ts";
import type { NumberColumn } from "../frame.ts";
import { badColumn } from "../training-data.ts";
import { defineTransformer } from "./define.ts";
import type { NumbersPart } from "./part.ts";

const fields = { names: "texts", degree: "number", isInteractionOnly: "boolean" } as const;

/** Each is a dense column. */
const OUTPUTS_MAX = 5000;

export const polynomial = defineTransformer({
  name: "polynomial",
  revision: 1,
  about: "The columns, their squares and their products.",
  params: {
    degree: { type: "integer", default: 2, min: 2, max: 5, about: "columns in a product, at most" },
    interactionOnly: { type: "boolean", default: false, about: "whether products have each column once: no squares" },
  },
  tags: { takes: "numbers", missing: true, supervised: false, weights: true, gives: "numbers", fills: false, onnx: true },
  fields,
  async learn({ X }, params, context) {
    const record = {
      names: Object.keys(X.columns),
      degree: params.degree as number,
      isInteractionOnly: params.interactionOnly as boolean,
    };
    checkSize(record.names.length, record.degree);
    for (const [name, column] of Object.entries(X.columns)) checkRange(name, column as NumberColumn, record.degree);
    context.progress(1, 1);
    throwIfCancelled(context.signal);
    return { records: [record] };
  },
  partsOf: (records) =>
    records.flatMap(({ names, degree, isInteractionOnly }) =>
      productsOf(names.length, degree, isInteractionOnly).map((factors) => productPart(names, factors)),
    ),
  isSound: ({ names, degree }) =>
    new Set(names).size === names.length && [2, 3, 4, 5].includes(degree) && countOf(names.length, degree) <= OUTPUTS_MAX,
});

/** Products of 1 to `degree` of so many columns. */
function countOf(columns: number, degree: number): number {
  let count = 1;
  for (let k = 1; k <= degree; k++) count = (count * (columns + k)) / k;
  return Math.round(count) - 1;
}

function checkSize(columns: number, degree: number): void {
  const count = countOf(columns, degree);
  if (count > OUTPUTS_MAX)
    throw new MillError("learn.too-large", `Products of up to ${degree} of ${columns} columns are ${count} columns.`, {
      expected: `at most ${OUTPUTS_MAX} columns`,
      got: String(count),
      fix: "Lower polynomial.degree, or choose fewer columns.",
    });
}

/** No product of so many numbers is infinite where none is of one of them alone. */
function checkRange(name: string, { values }: NumberColumn, degree: number): void {
  const isTooLarge = (value: number) => Math.abs(value) ** degree === Infinity;
  if (values.some(isTooLarge))
    throw badColumn(
      name,
      `numbers whose power of ${degree} fits a double`,
      "larger ones",
      `Scale "${name}" down before its products.`,
    );
}

/** Ascending lists of columns, the short ones first. */
function productsOf(columns: number, degree: number, isInteractionOnly: boolean): number[][] {
  let last: number[][] = [...Array(columns).keys()].map((column) => [column]);
  const all = [...last];
  for (let length = 2; length <= degree; length++) {
    last = last.flatMap((factors) => {
      const from = factors.at(-1)! + (isInteractionOnly ? 1 : 0);
      return Array.from({ length: Math.max(0, columns - from) }, (_, at) => [...factors, from + at]);
    });
    all.push(...last);
  }
  return all;
}

function productPart(names: readonly string[], factors: readonly number[]): NumbersPart {
  const inputs = [...new Set(factors)].map((column) => names[column]!);
  const places = factors.map((column) => inputs.indexOf(names[column]!));
  return {
    kind: "numbers",
    inputs,
    outputs: [inputs.map((name, at) => power(name, places.filter((place) => place === at).length)).join("*")],
    write(values, out) {
      let product = values[0]!;
      for (let at = 1; at < places.length; at++) product *= values[places[at]!]!;
      out[0] = product;
    },
    addTo: (graph, tensors) => [
      places.map((place) => tensors[place]!).reduce((product, factor) => graph.add("Mul", [product, factor])),
    ],
    ...(inputs.length > 1 ? {} : { back: (value: number) => rootsOf(value, factors.length) }),
  };
}

const power = (name: string, count: number) => (count === 1 ? name : `${name}^${count}`);

function rootsOf(value: number, degree: number): number[] {
  const root = Math.abs(value) ** (1 / degree);
  return degree % 2 === 1 ? [Math.sign(value) * root] : value < 0 ? [] : [-root, root];
}
