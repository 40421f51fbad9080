/** Numbers on a common scale: (value - centre) / spread, in this order of operations everywhere. What is missing stays missing. */
import { MillError } from "../../base/index.ts";
import { exactMean } from "../exact-sum.ts";
import type { NumberColumn } from "../frame.ts";
import { badColumn } from "../training-data.ts";
import type { TransformerTags } from "../transformer.ts";
import { defineTransformer, eachColumn } from "./define.ts";
import { scalar } from "./graph.ts";
import type { NumbersPart } from "./part.ts";
import { orderedValues, presentValues, quantileOf } from "./quantiles.ts";
import type { RecordOf } from "./records.ts";

const fields = { name: "text", centre: "number", spread: "number", isClipped: "boolean" } as const;
type Scaled = RecordOf<typeof fields>;

const tags: TransformerTags = {
  takes: "numbers",
  missing: true,
  supervised: false,
  weights: true,
  gives: "numbers",
  fills: false,
  onnx: true,
};
const isSound = ({ spread }: Scaled) => spread > 0;
const partsOf = (records: readonly Scaled[]) => records.map(scaledPart);

export const standardScale = defineTransformer({
  name: "standard-scale",
  revision: 1,
  about: "Each number less the mean, divided by the standard deviation.",
  params: {
    centre: { type: "boolean", default: true, about: "whether to subtract the mean" },
    scale: { type: "boolean", default: true, about: "whether to divide by the standard deviation" },
  },
  tags,
  fields,
  learn: async (data, params, context) => ({
    records: await eachColumn(data, context, (name, column) => {
      const { mean, deviation } = momentsOf(name, column as NumberColumn, data.weights);
      return scaledOf(name, params.centre ? mean : 0, params.scale ? deviation : 1);
    }),
  }),
  partsOf,
  isSound,
});

export const minMaxScale = defineTransformer({
  name: "min-max-scale",
  revision: 1,
  about: "Each number less the least of training, divided by the range: 0 to 1.",
  params: {
    clip: { type: "boolean", default: false, about: "whether numbers beyond the range of training are put on its ends" },
  },
  tags,
  fields,
  learn: async (data, params, context) => ({
    records: await eachColumn(data, context, (name, column) => {
      const { values } = presentValues((column as NumberColumn).values, data.weights);
      let [low, high] = [Infinity, -Infinity];
      for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
      return scaledOf(name, low, high - low, params.clip as boolean);
    }),
  }),
  partsOf,
  isSound,
});

export const robustScale = defineTransformer({
  name: "robust-scale",
  revision: 1,
  about: "Each number less the median, divided by the distance of two quantiles: outliers do not count.",
  params: {
    centre: { type: "boolean", default: true, about: "whether to subtract the median" },
    scale: { type: "boolean", default: true, about: "whether to divide by the distance of the quantiles" },
    quantileLow: {
      type: "number",
      default: 0.25,
      min: 0,
      max: 1,
      openMax: true,
      about: "share of rows below the lower quantile",
    },
    quantileHigh: {
      type: "number",
      default: 0.75,
      min: 0,
      openMin: true,
      max: 1,
      about: "share of rows below the upper quantile",
    },
  },
  tags,
  fields,
  async learn(data, params, context) {
    const [low, high] = [params.quantileLow as number, params.quantileHigh as number];
    if (low >= high) throw wrongOrder(low, high);
    const records = await eachColumn(data, context, (name, column) => {
      const ordered = orderedValues((column as NumberColumn).values, data.weights);
      const spread = params.scale ? quantileOf(ordered, high) - quantileOf(ordered, low) : 1;
      return scaledOf(name, params.centre ? quantileOf(ordered, 0.5) : 0, spread);
    });
    return { records };
  },
  partsOf,
  isSound,
});

const wrongOrder = (low: number, high: number) =>
  new MillError("learn.bad-parameter", `robust-scale.quantileLow: expected a number below ${high}, got ${low}.`, {
    at: "robust-scale.quantileLow",
    expected: `a number below quantileHigh, ${high}`,
    got: String(low),
    fix: "Exchange quantileLow and quantileHigh.",
  });

/** Mean and standard deviation of the values that are there, by exact sums. */
export function momentsOf(
  name: string,
  column: NumberColumn,
  weights: Float64Array | undefined,
): { mean: number; deviation: number } {
  const present = presentValues(column.values, weights);
  const mean = exactMean(present.values, present.weights);
  const squares = present.values.map((value) => (value - mean) * (value - mean));
  if (!squares.every(Number.isFinite)) throw tooLarge(name);
  const deviation = Math.sqrt(exactMean(squares, present.weights));
  return { mean, deviation: deviation > 1e-12 * Math.abs(mean) ? deviation : 0 };
}

/** A column of one value has the spread 1, as in scikit-learn. */
function scaledOf(name: string, centre: number, spread: number, isClipped = false): Scaled {
  if (!Number.isFinite(centre) || !Number.isFinite(spread)) throw tooLarge(name);
  return { name, centre, spread: spread > 0 ? spread : 1, isClipped };
}

const tooLarge = (name: string) =>
  badColumn(name, "numbers whose range and squares fit a double", "larger ones", `Scale "${name}" down, or take its logarithm.`);

function scaledPart({ name, centre, spread, isClipped }: Scaled): NumbersPart {
  return {
    kind: "numbers",
    inputs: [name],
    outputs: [name],
    write(values, out) {
      const scaled = (values[0]! - centre) / spread;
      out[0] = isClipped ? Math.min(Math.max(scaled, 0), 1) : scaled;
    },
    addTo(graph, [given]) {
      const scaled = graph.add("Div", [graph.add("Sub", [given!, scalar(graph, centre)]), scalar(graph, spread)]);
      if (!isClipped) return [scaled];
      return [graph.add("Clip", [scaled, graph.constant("float64", [0], []), graph.constant("float64", [1], [])])];
    },
    jumps: [[centre, centre - spread, centre + spread, centre - 8 * spread, centre + 8 * spread]],
    back(value) {
      const raw = value * spread + centre;
      const step = Math.max(Math.abs(raw), Math.abs(centre)) * Number.EPSILON;
      return [raw - step, raw, raw + step];
    },
  };
}
