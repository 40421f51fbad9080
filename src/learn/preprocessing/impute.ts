/** Fills what is missing, and marks where it was. */
import { exactMean } from "../exact-sum.ts";
import type { NumberColumn, TextColumn } from "../frame.ts";
import { badColumn } from "../training-data.ts";
import { defineTransformer, eachColumn } from "./define.ts";
import { DOUBLE, isEmpty, scalar, whereMissing } from "./graph.ts";
import { countTexts } from "./levels.ts";
import type { NumbersPart, Part, TextPart, TextToTextPart } from "./part.ts";
import { mostFrequent, orderedValues, presentValues, quantileOf } from "./quantiles.ts";
import type { RecordOf } from "./records.ts";

const fields = { name: "text", isText: "boolean", number: "number", text: "text", isMarked: "boolean" } as const;
type Filled = RecordOf<typeof fields>;

/** What a text column gets from `constant`. */
const MISSING_TEXT = "missing";

export const impute = defineTransformer({
  name: "impute",
  revision: 1,
  about: "Fills missing values; a column of its own can say where.",
  params: {
    numbers: {
      type: "choice",
      choices: ["mean", "median", "most-frequent", "constant"],
      default: "mean",
      about: "what a missing number becomes",
    },
    texts: {
      type: "choice",
      choices: ["most-frequent", "constant"],
      default: "most-frequent",
      about: `what a missing text becomes; constant is "${MISSING_TEXT}"`,
    },
    constant: { type: "number", default: 0, about: "the number of the choice constant" },
    mark: {
      type: "boolean",
      default: false,
      about: "whether a column that has missing values in training gets another of 1 where it was filled",
    },
  },
  tags: { takes: "both", missing: true, supervised: false, weights: true, gives: "same", fills: true, onnx: true },
  fields,
  async learn(data, params, context) {
    const { weights } = data;
    const records = await eachColumn(data, context, (name, column): Filled => {
      const isMarked = params.mark === true && hasMissing(column);
      if (column.kind === "text") {
        const text = params.texts === "constant" ? MISSING_TEXT : commonest(column, weights);
        return { name, isText: true, number: 0, text, isMarked };
      }
      const number = params.numbers === "constant" ? (params.constant as number) : fillOf(name, column, weights, params.numbers);
      return { name, isText: false, number, text: "", isMarked };
    });
    return { records };
  },
  partsOf: (records) => records.flatMap((filled) => (filled.isText ? textParts(filled) : [numberPart(filled)])),
});

const hasMissing = (column: NumberColumn | TextColumn) =>
  column.kind === "number"
    ? column.values.some(Number.isNaN)
    : column.codes.some((code) => code < 0 || column.texts[code] === "");

function fillOf(name: string, { values }: NumberColumn, weights: Float64Array | undefined, choice: unknown): number {
  if (choice === "most-frequent") return mostFrequent(orderedValues(values, weights));
  if (choice === "median") return quantileOf(orderedValues(values, weights), 0.5);
  const present = presentValues(values, weights);
  const mean = exactMean(present.values, present.weights);
  if (Number.isFinite(mean)) return mean;
  throw badColumn(name, "numbers whose sum fits a double", "larger ones", `Scale "${name}" down, or fill it with the median.`);
}

function commonest(column: TextColumn, weights: Float64Array | undefined): string {
  const counts = countTexts(column, weights);
  return [...counts.byText].reduce((best, other) => (other[1] > best[1] ? other : best))[0];
}

function numberPart({ name, number, isMarked }: Filled): NumbersPart {
  return {
    kind: "numbers",
    inputs: [name],
    outputs: isMarked ? [name, `${name}:missing`] : [name],
    write(values, out) {
      const isMissing = Number.isNaN(values[0]);
      out[0] = isMissing ? number : values[0]!;
      if (isMarked) out[1] = isMissing ? 1 : 0;
    },
    addTo(graph, [given]) {
      const filled = whereMissing(graph, given!, scalar(graph, number), given!);
      return isMarked ? [filled, graph.add("Cast", [graph.add("IsNaN", [given!])], DOUBLE)] : [filled];
    },
    jumps: [[number]],
    back: (value, output) => (output === 0 ? [value] : []),
  };
}

function textParts({ name, text: fill, isMarked }: Filled): Part[] {
  const filled: TextToTextPart = {
    kind: "text-to-text",
    input: name,
    output: name,
    map: (text) => text ?? fill,
    addTo: (graph, given) => graph.add("Where", [isEmpty(graph, given), graph.constant("string", [fill], [1, 1]), given]),
  };
  const mark: TextPart = {
    kind: "text",
    input: name,
    texts: [],
    tries: [fill],
    outputs: [`${name}:missing`],
    write(text, out) {
      out[0] = text === null ? 1 : 0;
    },
    addTo: (graph, given) => [graph.add("Cast", [isEmpty(graph, given)], DOUBLE)],
  };
  return isMarked ? [filled, mark] : [filled];
}
