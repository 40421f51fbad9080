/** The bin of each number, from 0; a number on an edge is in the bin above it. What is missing stays missing, or is in no bin. */
import type { NumberColumn } from "../frame.ts";
import { badColumn } from "../training-data.ts";
import { defineTransformer, eachColumn } from "./define.ts";
import { DOUBLE, scalar, splitColumns, whereMissing } from "./graph.ts";
import type { NumbersPart } from "./part.ts";
import { type Ordered, orderedValues, quantileOf } from "./quantiles.ts";
import type { RecordOf } from "./records.ts";

const fields = { name: "text", edges: "numbers", isOneHot: "boolean" } as const;
type Binned = RecordOf<typeof fields>;

export const bin = defineTransformer({
  name: "bin",
  revision: 1,
  about: "The bin of each number.",
  params: {
    bins: { type: "integer", default: 5, min: 2, max: 1000, about: "bins, at most: quantiles that are alike make fewer" },
    cut: {
      type: "choice",
      choices: ["quantile", "uniform"],
      default: "quantile",
      about: "bins of as many training rows each, or of the same width",
    },
    encode: {
      type: "choice",
      choices: ["index", "one-hot"],
      default: "index",
      about: "the bin's index, or a column of 0 and 1 for each bin",
    },
  },
  tags: { takes: "numbers", missing: true, supervised: false, weights: true, gives: "numbers", fills: false, onnx: true },
  fields,
  learn: async (data, params, context) => ({
    records: await eachColumn(data, context, (name, column): Binned => {
      const ordered = orderedValues((column as NumberColumn).values, data.weights);
      const edges = edgesOf(name, ordered, params.bins as number, params.cut === "quantile");
      return { name, edges, isOneHot: params.encode === "one-hot" };
    }),
  }),
  partsOf: (records) => records.map(binnedPart),
  isSound: ({ edges }) => edges.every((edge, at) => at === 0 || edge > edges[at - 1]!),
});

/** Between the bins, ascending; none for a column of one value. */
function edgesOf(name: string, ordered: Ordered, bins: number, byQuantile: boolean): number[] {
  const [low, high] = [ordered.values[0]!, ordered.values.at(-1)!];
  if (!Number.isFinite(high - low))
    throw badColumn(name, "numbers whose range fits a double", "larger ones", `Scale "${name}" down, or take its logarithm.`);
  const cuts = Array.from({ length: bins - 1 }, (_, at) => (at + 1) / bins);
  const edges = cuts.map((share) => (byQuantile ? quantileOf(ordered, share) : low + (high - low) * share));
  return [...new Set(edges)].filter((edge) => edge > low && edge <= high).sort((a, b) => a - b);
}

function binnedPart({ name, edges, isOneHot }: Binned): NumbersPart {
  const bins = edges.length + 1;
  const binOf = (value: number) => {
    let [low, high] = [0, edges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (edges[middle]! <= value) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    kind: "numbers",
    inputs: [name],
    outputs: isOneHot ? Array.from({ length: bins }, (_, at) => `${name}:${at}`) : [name],
    write(values, out) {
      const isMissing = Number.isNaN(values[0]);
      if (isOneHot) {
        out.fill(0);
        if (!isMissing) out[binOf(values[0]!)] = 1;
      } else out[0] = isMissing ? Number.NaN : binOf(values[0]!);
    },
    addTo(graph, [given]) {
      const above = graph.add("GreaterOrEqual", [given!, graph.constant("float64", [...edges, Infinity], [1, bins])]);
      const axes = graph.constant("int64", [1]);
      const index = graph.add("ReduceSum", [graph.add("Cast", [above], DOUBLE), axes], { keepdims: { int: 1 } });
      const kept = whereMissing(graph, given!, scalar(graph, isOneHot ? -1 : Number.NaN), index);
      if (!isOneHot) return [kept];
      const equal = graph.add("Equal", [kept, graph.constant("float64", [...Array(bins).keys()], [1, bins])]);
      return splitColumns(graph, graph.add("Cast", [equal], DOUBLE), bins);
    },
    jumps: [edges.flatMap((edge) => [edge, edge - step(edge), edge + step(edge)])],
  };
}

const step = (value: number) => Math.max(Math.abs(value) * Number.EPSILON, Number.MIN_VALUE);
