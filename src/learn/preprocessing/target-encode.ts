/**
 * The mean label of each text's rows, drawn towards the mean of all: (sum + smoothing x mean) / (rows + smoothing). For more than two classes the share of each
 * class. Training rows get what the other folds say, so that no row's own label reaches it (cross-fitting; Micci-Barreca 2001, and scikit-learn's TargetEncoder).
 */
import { createRandom, MillError } from "../../base/index.ts";
import type { TrainingData } from "../estimator.ts";
import { exactSum } from "../exact-sum.ts";
import type { TextColumn } from "../frame.ts";
import { defineTransformer, eachColumn } from "./define.ts";
import { lookUp } from "./graph.ts";
import { countTexts } from "./levels.ts";
import type { TextPart } from "./part.ts";
import type { RecordOf } from "./records.ts";

const fields = {
  name: "text",
  texts: "texts",
  /** None unless there are more than two classes; else an output for each. */
  classes: "texts",
  /** A row of outputs for each text, one for missing and one for unseen texts. */
  means: "numbers",
} as const;
type Encoded = RecordOf<typeof fields>;

export const targetEncode = defineTransformer({
  name: "target-encode",
  revision: 1,
  about: "The mean label of each text's rows, smoothed; training rows get it from other rows.",
  params: {
    smoothing: {
      type: "number",
      default: 10,
      min: 0,
      max: 1e9,
      about: "rows of the overall mean that each text's rows are mixed with",
    },
    folds: {
      type: "integer",
      default: 5,
      min: 2,
      max: 100,
      about: "parts that the training rows are cut into, each encoded by the others",
    },
  },
  tags: { takes: "texts", missing: true, supervised: true, weights: true, gives: "numbers", fills: true, onnx: true },
  fields,
  async learn(data, params, context) {
    const smoothing = params.smoothing as number;
    const classes = data.task === "multiclass-classification" ? data.classes : [];
    const targets = targetsOf(data);
    const foldOf = foldsOf(data.X.rowCount, params.folds as number, context.seed);
    const trained: Float64Array[] = [];
    const records = await eachColumn(data, context, (name, column): Encoded => {
      const texts = [...countTexts(column as TextColumn, data.weights).byText.keys()];
      const levels = levelsOf(column as TextColumn, texts);
      const means = targets.map((target) => meansOf(levels, texts.length, target, data.weights, smoothing));
      trained.push(...targets.map((target, k) => crossFitted(levels, foldOf, target, data.weights, smoothing, means[k]!)));
      return {
        name,
        texts,
        classes,
        means: Array.from({ length: texts.length + 2 }, (_, at) => means.map((m) => m[at]!)).flat(),
      };
    });
    return { records, trained };
  },
  partsOf: (records) => records.map(encodedPart),
  isSound: ({ texts, classes, means }) => means.length === (texts.length + 2) * Math.max(1, classes.length),
});

function targetsOf({ y, task, classes }: TrainingData): Float64Array[] {
  if (task !== "multiclass-classification") return [y];
  return classes.map((_, index) => y.map((label) => (label === index ? 1 : 0)));
}

/** A fold for each row, of as many rows each as can be, by the seed. */
function foldsOf(rowCount: number, folds: number, seed: number): Int32Array {
  const random = createRandom(seed);
  const order = Int32Array.from({ length: rowCount }, (_, row) => row);
  for (let left = rowCount; left > 1; left--) {
    const other = random.below(left);
    [order[left - 1], order[other]] = [order[other]!, order[left - 1]!];
  }
  return order.map((place) => place % folds);
}

/** The level of each row; missing is the one after the last. */
function levelsOf({ codes, texts: given }: TextColumn, texts: readonly string[]): Int32Array {
  const levelBy = new Map(texts.map((text, level) => [text, level] as const));
  const levelOf = Int32Array.from(given, (text) => levelBy.get(text) ?? texts.length);
  return codes.map((code) => (code < 0 ? texts.length : levelOf[code]!));
}

/** For each text, for missing, and for unseen texts: the last is the mean of all. Sums are exact: the order of the rows does not matter. */
function meansOf(
  levels: Int32Array,
  textCount: number,
  target: Float64Array,
  weights: Float64Array | undefined,
  smoothing: number,
): Float64Array {
  const rowsByLevel = Array.from({ length: textCount + 1 }, (): number[] => []);
  levels.forEach((level, row) => {
    rowsByLevel[level]!.push(row);
  });
  const weightOf = (row: number) => weights?.[row] ?? 1;
  const sums = rowsByLevel.map((rows) => exactSum(rows.length, (at) => weightOf(rows[at]!) * target[rows[at]!]!));
  const counts = rowsByLevel.map((rows) => exactSum(rows.length, (at) => weightOf(rows[at]!)));
  const mean = exactSum(sums.length, (level) => sums[level]!) / exactSum(counts.length, (level) => counts[level]!);
  const means = Float64Array.from([...sums.map((sum, level) => smoothed(sum, counts[level]!, mean, smoothing)), mean]);
  if (means.every(Number.isFinite)) return means;
  throw new MillError("learn.bad-label", "The labels are too large: their sums do not fit a double.", {
    expected: "labels whose sum is finite",
    got: "an infinite mean",
    fix: "Scale the label down, or take its logarithm.",
  });
}

const smoothed = (sum: number, count: number, mean: number, smoothing: number) =>
  count > 0 ? (sum + smoothing * mean) / (count + smoothing) : mean;

/** What the rows of all other folds say of each row. */
function crossFitted(
  levels: Int32Array,
  foldOf: Int32Array,
  target: Float64Array,
  weights: Float64Array | undefined,
  smoothing: number,
  overall: Float64Array,
): Float64Array {
  const folds = foldOf.reduce((most, fold) => Math.max(most, fold + 1), 1);
  const width = overall.length - 1;
  const sums = new Float64Array(folds * width);
  const counts = new Float64Array(folds * width);
  for (let row = 0; row < levels.length; row++) {
    const at = foldOf[row]! * width + levels[row]!;
    const weight = weights?.[row] ?? 1;
    sums[at]! += weight * target[row]!;
    counts[at]! += weight;
  }
  const others = (of: Float64Array, fold: number, level: number) => {
    let sum = 0;
    for (let other = 0; other < folds; other++) if (other !== fold) sum += of[other * width + level]!;
    return sum;
  };
  const encoded = Array.from({ length: folds }, (_, fold) => {
    const foldSums = Float64Array.from({ length: width }, (_, level) => others(sums, fold, level));
    const foldCounts = Float64Array.from({ length: width }, (_, level) => others(counts, fold, level));
    const total = foldCounts.reduce((a, b) => a + b, 0);
    const mean = total > 0 ? foldSums.reduce((a, b) => a + b, 0) / total : overall.at(-1)!;
    return foldSums.map((sum, level) => smoothed(sum, foldCounts[level]!, mean, smoothing));
  });
  return Float64Array.from(levels, (level, row) => encoded[foldOf[row]!]![level]!);
}

function encodedPart({ name, texts, classes, means }: Encoded): TextPart {
  const outputs = classes.length === 0 ? [name] : classes.map((label) => `${name}:${label}`);
  const width = outputs.length;
  const levels = new Map(texts.map((text, level) => [text, level] as const));
  const rowAt = (level: number) => means.slice(level * width, (level + 1) * width);
  return {
    kind: "text",
    input: name,
    texts,
    outputs,
    write(text, out) {
      const level = text === null ? texts.length : (levels.get(text) ?? texts.length + 1);
      for (let k = 0; k < width; k++) out[k] = means[level * width + k]!;
    },
    addTo: (graph, given) =>
      lookUp(
        graph,
        given,
        [...texts, ""],
        Array.from({ length: texts.length + 2 }, (_, level) => rowAt(level)),
      ),
  };
}
