/**
 * The exported graph is the model, shown and not assumed: both score the training sample and rows on every edge of the model
 * (each threshold, one float32 step either side, missing values, unseen texts). A graph that another framework's model was converted to has been held
 * against that framework when it was; what is left to show is that the exported one still says the same. Its edges nobody knows.
 */
import { type Digest, type Json, MillError } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import { readPart } from "../features/index.ts";
import { edgeRowsOf } from "../learn/index.ts";
import { createOnnxruntimeScoring } from "../ports/scoring/index.ts";
import type { StepContext, StepKind, StepManifest } from "../steps/index.ts";
import { openTrained, rowTimesOf } from "../train/index.ts";

export interface ProveInput {
  readonly model: string;
  /** null: there is no graph. */
  readonly onnx: Digest | null;
  readonly trained: Digest;
  readonly train: Digest;
  readonly features: readonly string[];
  readonly task: Task;
  readonly classes: readonly string[];
  readonly threshold: number | null;
  /** Version of the installed ONNX Runtime; null: there is none, and the graph stays unproven. */
  readonly runtime: string | null;
}

/** Scores may differ by this much, and decisions not at all where the score is further than this from the threshold. */
const TOLERANCE = 1e-6;
const SAMPLE_ROWS = 20_000;
const EDGE_ROWS = 20_000;

export const prove: StepKind<ProveInput> = {
  name: "prove",
  revision: 2,
  async run(input, context) {
    await using model = await openTrained(input.trained, context);
    const subject = `model/${input.model}@graph`;
    const data = await readPart(input.train, { ...input, sampleRows: SAMPLE_ROWS }, context);
    const took = (await rowTimesOf(model, data.X)) as unknown as Json; // beside the proof: what is compared here is what answers
    if (input.onnx === null) return unproven(subject, took, `it answers in Python, as it is no graph: ${model.foreign?.why}`);
    const edges = model.predictor && edgeRowsOf(model.predictor, EDGE_ROWS);
    const parts = { sample: data.X, ...(edges && { edges }) };
    const session = await openSession(input.onnx, context);
    if (session === null) return unproven(subject, took, NO_RUNTIME);

    const found = { rows: 0, largest: 0, flips: 0 };
    for (const [name, X] of Object.entries(parts)) {
      context.progress(found.rows, SAMPLE_ROWS + EDGE_ROWS, `comparing ${name}`);
      compare(await model.predict(X), (await session.score(X)).values, input, found);
      found.rows += X.rowCount;
    }
    await session.close();
    const { rows, largest, flips } = found;
    const difference = Number.isFinite(largest) ? { value: largest } : { value: null, note: UNCOUNTABLE };
    const measurements = [
      { subject, measure: "graphDifference", count: rows, ...difference },
      { subject, measure: "graphFlips", count: rows, value: flips },
    ];
    const facts = { proven: true, rows, flips, ...(Number.isFinite(largest) ? { largest } : {}), took };
    return { objects: {}, facts, measurements };
  },
};

const NO_RUNTIME = "onnxruntime-node is not installed";
const UNCOUNTABLE = "the graph or the model alone gives a score that is not a number";

const unproven = (subject: string, took: Json, why: string): StepManifest => ({
  objects: {},
  facts: { proven: false, why, took },
  measurements: ["graphDifference", "graphFlips"].map((measure) => ({ subject, measure, value: null, note: why })),
});

/** One thread: on more, the runtime adds up a forest's trees in an order that depends on their number, and the largest difference with it. */
async function openSession(onnx: Digest, { objects }: StepContext) {
  try {
    return await createOnnxruntimeScoring({ threads: 1 }).open(await objects.get(onnx));
  } catch (error) {
    if (error instanceof MillError && error.code === "scoring.unavailable") return null;
    throw error;
  }
}

/** Numbers must agree to 1e-6 of a probability, or of the value's size in regression; a NaN on one side alone counts as infinite. */
function compare(expected: Float64Array, got: Float64Array, input: ProveInput, found: { largest: number; flips: number }): void {
  const width = input.task === "multiclass-classification" ? input.classes.length : 1;
  const relative = input.task === "regression";
  for (let at = 0; at < expected.length; at++) {
    const scale = relative ? Math.max(1, Math.abs(expected[at]!)) : 1;
    const difference = Math.abs(expected[at]! - got[at]!) / scale;
    found.largest = Math.max(found.largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  if (input.threshold !== null) found.flips += flipsAtThreshold(expected, got, input.threshold);
  if (width > 1) found.flips += flipsOfClass(expected, got, width);
}

function flipsAtThreshold(expected: Float64Array, got: Float64Array, threshold: number): number {
  let flips = 0;
  for (let row = 0; row < expected.length; row++) {
    const clear = Math.abs(expected[row]! - threshold) > TOLERANCE;
    if (clear && expected[row]! >= threshold !== got[row]! >= threshold) flips++;
  }
  return flips;
}

function flipsOfClass(expected: Float64Array, got: Float64Array, width: number): number {
  let flips = 0;
  for (let start = 0; start < expected.length; start += width) {
    const own = likeliest(expected, start, width);
    const other = likeliest(got, start, width);
    if (own !== other && expected[start + own]! - expected[start + other]! > TOLERANCE) flips++;
  }
  return flips;
}

function likeliest(values: Float64Array, start: number, width: number): number {
  let best = 0;
  for (let index = 1; index < width; index++) if (values[start + index]! > values[start + best]!) best = index;
  return best;
}
