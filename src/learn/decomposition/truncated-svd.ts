/** Singular value decomposition cut off after its first parts: as principal components, but from the origin and not from the mean, so that zeros stay near zero. */
import { createSpace } from "../points.ts";
import type { DefinedTransformer } from "../preprocessing/define.ts";
import { findDirections } from "./directions.ts";
import { checkedParams, componentsParam, projectionTags, spaceParams } from "./params.ts";
import { productsWith, projectionTransform, readProjection } from "./projection.ts";

export const truncatedSvd: DefinedTransformer = {
  name: "truncated-svd",
  revision: 1,
  about: "Few columns that hold most of what counts and frequencies say: singular vectors, not centred.",
  params: {
    components: { ...componentsParam, default: 2, about: "how many; below 1 the share of the squares that they must have" },
    ...spaceParams,
  },
  tags: projectionTags,
  async fit(data, given, context) {
    const { components, solver, countMin } = checkedParams(truncatedSvd, data, given, context);
    const space = createSpace(data, { standardise: false, countMin, centre: false });
    const { means, total, squares, values, vectors } = await findDirections(
      data,
      space,
      { isCentred: false, solver, components },
      context,
    );
    const middles = productsWith(vectors, means);
    const variances = values.map((value, at) => Math.max(0, value / total - middles[at]! ** 2));
    const variance = squares / total - means.reduce((sum, mean) => sum + mean * mean, 0);
    return projectionTransform({
      ...{ transformer: truncatedSvd.name, stem: "svd", space, vectors, variances },
      offsets: new Float64Array(values.length),
      shares: variances.map((part) => (variance > 0 ? part / variance : 0)),
    });
  },
  read: (json) => projectionTransform(readProjection(truncatedSvd.name, "svd", json)),
};
