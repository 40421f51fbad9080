/**
 * How likely a column's value is in each class: the factors of naive Bayes, as logarithms. Each kind scores, draws itself, knows its edges and its JSON. A
 * missing value and a text that was never seen are left out of the product.
 */
import type { Json } from "../../base/index.ts";
import type { GraphBuilder } from "../../onnx/index.ts";
import { UNSEEN_TEXT } from "../edge-rows.ts";
import { badModel, pack, unpackFloat64 } from "../packed.ts";

/** What is further out is as unlikely: keeps sums and differences finite. */
const FAR = 1e300;

export interface NumberDensity {
  readonly kind: "number";
  /** Adds the logarithm for each class to `scores` from `first` on. */
  add(value: number, scores: Float64Array, first: number): void;
  /** The double tensor [N, classes] of a column [N, 1]. */
  draw(graph: GraphBuilder, column: string): string;
  readonly edges: readonly number[];
  readonly json: Json;
}

export interface TextDensity {
  readonly kind: "text";
  readonly texts: readonly string[];
  /** `level` is the text's place in `texts`, or -1. */
  add(level: number, scores: Float64Array, first: number): void;
  draw(graph: GraphBuilder, column: string): string;
  readonly edges: readonly (string | null)[];
  readonly json: Json;
}

export type Density = NumberDensity | TextDensity;

/** constant - (x - mean)^2 x precision, for each class. */
export function gaussian(means: Float64Array, precisions: Float64Array, constants: Float64Array): NumberDensity {
  const count = means.length;
  const row = (graph: GraphBuilder, values: Float64Array) => graph.constant("float64", values, [1, count]);
  const deviation = Math.sqrt(0.5 / Math.min(...precisions));
  return {
    kind: "number",
    add(value, scores, first) {
      if (Number.isNaN(value)) return;
      for (let k = 0; k < count; k++) {
        const away = value - means[k]!;
        scores[first + k]! += constants[k]! - Math.min(FAR, away * away * precisions[k]!);
      }
    },
    draw(graph, column) {
      const away = graph.add("Sub", [column, row(graph, means)]);
      const square = graph.add("Mul", [graph.add("Mul", [away, away]), row(graph, precisions)]);
      const bounded = graph.add("Min", [square, graph.constant("float64", [FAR], [])]);
      return whereKnown(graph, column, graph.add("Sub", [row(graph, constants), bounded]));
    },
    edges: [NaN, 0, ...[...means].flatMap((mean) => [-8, -1, 0, 1, 8].map((steps) => mean + steps * deviation))],
    json: { kind: "gaussian", means: pack(means), precisions: pack(precisions), constants: pack(constants) },
  };
}

/** x times the logarithm, for each class. */
export function counted(logs: Float64Array): NumberDensity {
  return {
    kind: "number",
    add(value, scores, first) {
      if (Number.isNaN(value)) return;
      for (let k = 0; k < logs.length; k++) scores[first + k]! += Math.max(-FAR, value * logs[k]!);
    },
    draw(graph, column) {
      const product = graph.add("Mul", [column, graph.constant("float64", logs, [1, logs.length])]);
      return graph.add("Max", [product, graph.constant("float64", [-FAR], [])]);
    },
    edges: [0, 1, 2, 10, 1000, 1e6],
    json: { kind: "counted", logs: pack(logs) },
  };
}

/** One logarithm above the threshold and one up to it, for each class. */
export function event(threshold: number, above: Float64Array, below: Float64Array): NumberDensity {
  const count = above.length;
  const step = Math.max(Math.abs(threshold) * 2 ** -23, 2 ** -149);
  return {
    kind: "number",
    add(value, scores, first) {
      if (Number.isNaN(value)) return;
      const logs = value > threshold ? above : below;
      for (let k = 0; k < count; k++) scores[first + k]! += logs[k]!;
    },
    draw(graph, column) {
      const isAbove = graph.add("Greater", [column, graph.constant("float64", [threshold], [])]);
      const logs = [above, below].map((values) => graph.constant("float64", values, [1, count]));
      return whereKnown(graph, column, graph.add("Where", [isAbove, ...logs]));
    },
    edges: [NaN, 0, threshold, threshold + step, threshold - step, threshold + 1, threshold - 1],
    json: { kind: "event", threshold, above: pack(above), below: pack(below) },
  };
}

/** A logarithm for each text and class: texts x classes. */
export function category(texts: readonly string[], logs: Float64Array): TextDensity {
  const count = texts.length === 0 ? 1 : logs.length / texts.length;
  return {
    kind: "text",
    texts,
    add(level, scores, first) {
      if (level >= 0) for (let k = 0; k < count; k++) scores[first + k]! += logs[level * count + k]!;
    },
    draw(graph, column) {
      const row = graph.addMl("LabelEncoder", [column], {
        keys_strings: { strings: [...texts] },
        values_int64s: { ints: texts.map((_, index) => index) },
        default_int64: { int: texts.length },
      });
      const table = graph.constant("float64", [...logs, ...new Float64Array(count)], [texts.length + 1, count]);
      return graph.add("Squeeze", [graph.add("Gather", [table, row], { axis: { int: 0 } }), graph.constant("int64", [1])]);
    },
    edges: [null, UNSEEN_TEXT, ...texts],
    json: { kind: "category", texts, logs: pack(logs) },
  };
}

const whereKnown = (graph: GraphBuilder, column: string, logs: string) =>
  graph.add("Where", [graph.add("IsNaN", [column]), graph.constant("float64", [0], [1, 1]), logs]);

/** The way back from `json`. Error: `learn.bad-model`. */
export function densityFromJson(json: Record<string, unknown>, classCount: number): Density {
  const numbers = (name: string, length = classCount) => {
    const values = unpackFloat64(json[name]);
    if (values.length !== length) throw badModel(`"${name}" of a column has ${values.length} numbers instead of ${length}`);
    return values;
  };
  switch (json.kind) {
    case "gaussian":
      return gaussian(numbers("means"), numbers("precisions"), numbers("constants"));
    case "counted":
      return counted(numbers("logs"));
    case "event":
      if (typeof json.threshold !== "number") throw badModel("a column has no threshold");
      return event(json.threshold, numbers("above"), numbers("below"));
    case "category": {
      const { texts } = json;
      if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string")) throw badModel("a column has no texts");
      return category(texts, numbers("logs", texts.length * classCount));
    }
    default:
      throw badModel("a column is of no kind that is known");
  }
}
