/**
 * Principal components: the directions in which the rows spread most, one at right angles to the other. From the covariance of all dimensions; from a triangle
 * (QR) where small components would drown in its rounding; from random directions where there are very many columns and few components are wanted.
 */
import type { FitContext, TrainingData } from "../estimator.ts";
import { createSpace, type PointSpace, spaceOfNumbers } from "../points.ts";
import type { DefinedTransformer } from "../preprocessing/define.ts";
import { checkNumbers } from "../training-data.ts";
import { findDirections, HERE_WIDTH_MAX } from "./directions.ts";
import { type Covariance, covarianceOf } from "./one-pass.ts";
import { checkedParams, componentsParam, type ProjectionParams, projectionTags, spaceParams } from "./params.ts";
import { productsWith, projectionTransform, readProjection } from "./projection.ts";

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
    const { components, solver, ...options } = checkedParams(pca, data, given, context, { numbersLater: true });
    let told = 0;
    const progress = (done: number, total: number) => {
      told = (0.9 * done) / total;
      context.progress(told, 1);
    };
    const { space, covariance } = await spaceOf(data, { solver, ...options }, { ...context, progress });
    const found = await findDirections(
      data,
      space,
      { isCentred: true, solver, components, covariance },
      { ...context, progress: (done, total) => context.progress(told + ((1 - told) * done) / total, 1) },
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

/** With the covariance where one reading gives both; that reading finds what is missing or infinite, and then the numbers are checked. */
async function spaceOf(
  data: TrainingData,
  { solver, standardise, countMin }: Omit<ProjectionParams, "components">,
  context: FitContext,
): Promise<{ readonly space: PointSpace; readonly covariance: Covariance | null }> {
  const { X, weights } = data;
  const options = { standardise, countMin, centre: true };
  const columns = Object.values(X.columns);
  const isPlain = weights === undefined && columns.every((column) => column.kind === "number");
  const isOnePass = isPlain && solver !== "randomised" && columns.length <= HERE_WIDTH_MAX;
  const covariance = isOnePass ? await covarianceOf(X, context) : null;
  if (covariance) return { space: spaceOfNumbers(Object.keys(X.columns), covariance.columns, options), covariance };
  checkNumbers(X);
  return { space: createSpace(data, options), covariance };
}
