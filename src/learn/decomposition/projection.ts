/** Points seen from a few directions: the outputs are products with unit vectors. */
import type { Json } from "../../base/index.ts";
import type { NumberColumn } from "../frame.ts";
import { badModel, pack, unpackFloat64 } from "../packed.ts";
import { addPoints } from "../point-graph.ts";
import { eachPoints, pointReader } from "../point-rows.ts";
import { columnsOf, type PointSpace, pointEdges, spaceFromJson, spaceToJson } from "../points.ts";
import type { FittedTransform } from "../transformer.ts";

export interface Projection {
  readonly transformer: string;
  /** Outputs are called by it and a number from 1. */
  readonly stem: string;
  readonly space: PointSpace;
  /** A unit vector per row, directions x width. */
  readonly vectors: Float64Array;
  /** Subtracted from each output. */
  readonly offsets: Float64Array;
  /** Variance of each output over the training rows, and its share of that of all dimensions. */
  readonly variances: Float64Array;
  readonly shares: Float64Array;
}

export function projectionTransform(projection: Projection): FittedTransform {
  const { transformer, stem, space, vectors, offsets } = projection;
  const { width } = space;
  const inputs = columnsOf(space);
  const names = Array.from(offsets, (_, at) => `${stem}${at + 1}`);

  const project = (points: Float64Array, first: number, direction: number) => {
    let sum = 0;
    for (let at = 0, k = direction * width; at < width; at++, k++) sum += points[first + at]! * vectors[k]!;
    return sum - offsets[direction]!;
  };

  return {
    transformer,
    inputs,
    outputs: names.map((name) => ({ name, kind: "number", of: inputs.map((input) => input.name) })),
    transform(X) {
      const columns = names.map((): NumberColumn => ({ kind: "number", values: new Float64Array(X.rowCount) }));
      eachPoints(space, X, (points, from, to) => {
        columns.forEach(({ values }, direction) => {
          for (let row = from; row < to; row++) values[row] = project(points, (row - from) * width, direction);
        });
      });
      return { rowCount: X.rowCount, columns: Object.fromEntries(columns.map((column, at) => [names[at]!, column])) };
    },
    rowTransformer() {
      const read = pointReader(space);
      return (row) => {
        const point = read(row);
        return Object.fromEntries(names.map((name, direction) => [name, project(point, 0, direction)]));
      };
    },
    addTo(graph, tensors) {
      const count = offsets.length;
      const turned = Float64Array.from(vectors, (_, at) => vectors[(at % count) * width + Math.floor(at / count)]!);
      const products = graph.add("MatMul", [addPoints(graph, tensors, space), graph.constant("float64", turned, [width, count])]);
      const outputs = graph.add("Sub", [products, graph.constant("float64", offsets, [1, count])]);
      const made = count === 1 ? [outputs] : graph.addMany("Split", [outputs], count, { axis: { int: 1 } });
      return Object.fromEntries(made.map((tensor, at) => [names[at]!, tensor]));
    },
    edges: () => pointEdges(space),
    toJson: () => projectionToJson(projection),
  };
}

export function productsWith(vectors: Float64Array, point: Float64Array): Float64Array {
  const width = point.length;
  return Float64Array.from({ length: vectors.length / width }, (_, direction) =>
    point.reduce((sum, value, at) => sum + value * vectors[direction * width + at]!, 0),
  );
}

const projectionToJson = ({ transformer, space, vectors, offsets, variances, shares }: Projection): Json => ({
  ...{ transformer, columns: spaceToJson(space), vectors: pack(vectors), offsets: pack(offsets) },
  ...{ variances: pack(variances), shares: pack(shares) },
});

/** The way back from `toJson`. Error: `learn.bad-model`. */
export function readProjection(transformer: string, stem: string, json: Readonly<Record<string, unknown>>): Projection {
  const space = spaceFromJson(json.columns);
  const [vectors, offsets, variances, shares] = [json.vectors, json.offsets, json.variances, json.shares].map(unpackFloat64) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const count = offsets.length;
  if (count === 0 || vectors.length !== count * space.width || variances.length !== count || shares.length !== count)
    throw badModel("its directions are incomplete");
  return { transformer, stem, space, vectors, offsets, variances, shares };
}
