/**
 * Principal components: the directions in which the rows spread most, one at right angles to the other. From the covariance of all dimensions; from a triangle
 * (QR) where small components would drown in its rounding; from random directions where there are very many columns and few components are wanted.
 */
import { MillError } from "../../base/index.ts";
import { throwIfCancelled } from "../crew/crew.ts";
import type { ParamSpecs } from "../estimator.ts";
import { completeParams } from "../params.ts";
import { createSpace, spaceOfNumbers } from "../points.ts";
import { checkTransformed, type DefinedTransformer } from "../preprocessing/define.ts";
import type { TransformerTags } from "../transformer.ts";
import { findDirections, HERE_WIDTH_MAX, SOLVERS } from "./directions.ts";
import { covarianceOf } from "./one-pass.ts";
import { projectionTransform, readProjection } from "./projection.ts";

export const componentsParam = {
  type: "number",
  default: 0.95,
  min: 0,
  openMin: true,
  max: 100_000,
  about: "how many; below 1 the share of the variance that they must have",
} as const satisfies ParamSpecs[string];

export const spaceParams = {
  solver: {
    type: "choice",
    choices: SOLVERS,
    default: "auto",
    about:
      "auto takes the covariance, a triangle where small components would be inexact, and random directions beyond 1000 dimensions",
  },
  countMin: { type: "integer", default: 10, min: 1, max: 1_000_000, about: "texts of a column with fewer rows count as one" },
} as const satisfies ParamSpecs;

export const projectionTags: TransformerTags = {
  takes: "both",
  missing: true,
  supervised: false,
  weights: true,
  gives: "numbers",
  fills: true,
  onnx: true,
};

export const pca: DefinedTransformer = {
  name: "pca",
  revision: 2,
  about: "Few columns that hold most of what many say: principal components.",
  params: {
    components: componentsParam,
    standardise: {
      type: "boolean",
      default: true,
      about: "measure numbers in standard deviations, so that all columns count alike",
    },
    ...spaceParams,
  },
  tags: projectionTags,
  async fit(data, given, context) {
    const params = completeParams(pca, given);
    const components = checkComponents(pca.name, params.components as number);
    checkTransformed(pca, data);
    throwIfCancelled(context.signal);
    const { standardise, countMin, solver } = params as {
      standardise: boolean;
      countMin: number;
      solver: (typeof SOLVERS)[number];
    };
    const columns = Object.values(data.X.columns);
    const isPlain = data.weights === undefined && columns.every((column) => column.kind === "number");
    const isOnePass = isPlain && solver !== "randomised" && columns.length <= HERE_WIDTH_MAX;
    let told = 0;
    const progress = (done: number, total: number) => {
      told = (0.9 * done) / total;
      context.progress(told, 1);
    };
    const covariance = isOnePass ? await covarianceOf(data.X, { progress, signal: context.signal }) : null;
    const options = { standardise, countMin, centre: true };
    const space = covariance
      ? spaceOfNumbers(Object.keys(data.X.columns), covariance.columns, options)
      : createSpace(data, options);
    const found = await findDirections(
      data,
      space,
      { isCentred: true, solver, components, covariance },
      {
        ...context,
        progress: (done, total) => context.progress(told + ((1 - told) * done) / total, 1),
      },
    );
    const { means, total, squares, values, vectors } = found;
    const freedom = Math.max(total - 1, Number.MIN_VALUE);
    return projectionTransform({
      ...{ transformer: pca.name, stem: "pca", space, vectors },
      offsets: productsWith(vectors, means),
      variances: values.map((value) => (total > 1 ? value / freedom : 0)),
      shares: values.map((value) => (squares > 0 ? value / squares : 0)),
    });
  },
  read: (json) => projectionTransform(readProjection(pca.name, "pca", json)),
};

/** Error: `learn.bad-parameter` for a count that is no whole number. */
export function checkComponents(name: string, components: number): number {
  if (components < 1 || Number.isInteger(components)) return components;
  throw new MillError(
    "learn.bad-parameter",
    `${name}.components: expected a whole number or a share below 1, got ${components}.`,
    {
      at: `${name}.components`,
      expected: "a whole number or a share below 1",
      got: String(components),
      fix: `Write ${Math.round(components)}, or a share such as 0.95.`,
    },
  );
}

export function productsWith(vectors: Float64Array, point: Float64Array): Float64Array {
  const width = point.length;
  return Float64Array.from({ length: vectors.length / width }, (_, direction) =>
    point.reduce((sum, value, at) => sum + value * vectors[direction * width + at]!, 0),
  );
}
