/** Test and holdout evaluation: the only step that opens the holdout. */
import type { Digest } from "../base/index.ts";
import type { Measurement, Task } from "../contract/index.ts";
import { readPart, slicePrefix } from "../features/index.ts";
import { curvesOf, type Evidence, type Frame, type Gain, measure, type TrainingData } from "../learn/index.ts";
import type { StepKind } from "../steps/index.ts";
import { openTrained } from "../train/index.ts";
import { evidenceOf, pickRows } from "./evidence.ts";
import type { AssessmentReport, PartReport, SliceReport } from "./report.ts";

export interface AssessInput {
  /** The data set and the model for which the holdout is opened: the record of its readings names them. */
  readonly dataset: string;
  readonly model: string;
  readonly trained: Digest;
  readonly test: Digest;
  /** Sealed: the ledger opens it for this kind of step only, and records the reading. */
  readonly holdout: { readonly holdout: Digest };
  readonly features: readonly string[];
  readonly task: Task;
  readonly classes: readonly string[];
  /** What a constant would say: class shares, the positive's share, or the mean of the training rows. */
  readonly constant: readonly number[];
  readonly threshold: number | null;
  readonly gain: Gain | null;
  readonly slices: readonly string[];
}

/** Groups of a slice beyond this many, the smallest, are left out of the report. */
const SLICE_GROUPS_MAX = 50;

export const assess: StepKind<AssessInput> = {
  name: "assess",
  revision: 1,
  async run(input, context) {
    await using model = await openTrained(input.trained, context);
    const evaluate = async (part: Digest, name: string, done: number) => {
      context.progress(done, 2, `evaluating ${name}`);
      const data = await readPart(part, input, context);
      return reportPart(data, await model.predict(data.X), input);
    };
    const report: AssessmentReport = {
      task: input.task,
      classes: input.classes,
      threshold: input.threshold,
      holdout: await evaluate(input.holdout.holdout, "holdout", 0),
      test: await evaluate(input.test, "test", 1),
    };
    const digest = await context.objects.put(Buffer.from(JSON.stringify(report)));
    return { objects: { report: digest }, facts: {}, measurements: measurementsOf(report, input.model, digest) };
  },
};

function reportPart(data: TrainingData & { readonly all: Frame }, predictions: Float64Array, input: AssessInput): PartReport {
  const evidence = evidenceOf(input, data.y, predictions);
  const constant = evidenceOf(input, data.y, repeat(input.constant, data.y.length));
  const slices = Object.fromEntries(input.slices.map((slice) => [slice, reportSlice(data.all, slice, evidence, input)]));
  const { confusion, calibration, roc } = curvesOf(input.task, evidence);
  return {
    rows: data.y.length,
    ...measure(input.task, evidence),
    constant: measure(input.task, constant).measures,
    confusion,
    calibration,
    roc: roc.map(({ falsePositiveRate, truePositiveRate }) => ({ falsePositiveRate, truePositiveRate })),
    slices,
  };
}

function repeat(values: readonly number[], rows: number): Float64Array {
  return Float64Array.from({ length: rows * values.length }, (_, at) => values[at % values.length]!);
}

/** Measures of each value of a slice, in the order of the values. */
function reportSlice(frame: Frame, slice: string, evidence: Evidence, { task }: AssessInput): SliceReport[] {
  const rowsOf = Map.groupBy(evidence.y.keys(), (row) => valueAt(frame, slicePrefix + slice, row));
  const largest = [...rowsOf].sort(([, a], [, b]) => b.length - a.length).slice(0, SLICE_GROUPS_MAX);
  largest.sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
  return largest.map(([value, rows]) => ({
    value,
    rows: rows.length,
    measures: measure(task, pickRows(evidence, rows)).measures,
  }));
}

function valueAt(frame: Frame, column: string, row: number): string {
  const found = frame.columns[column]!;
  if (found.kind === "text") return found.texts[found.codes[row]!] ?? "missing";
  return Number.isNaN(found.values[row]) ? "missing" : String(found.values[row]);
}

/** The holdout's first: a bound reads the first measurement of its measure. */
function measurementsOf(report: AssessmentReport, model: string, evidence: Digest): Measurement[] {
  return (["holdout", "test"] as const).flatMap((part) =>
    Object.entries(report[part].measures).map(([measure, value]) => ({
      subject: `model/${model}@${part}`,
      measure,
      value,
      count: report[part].rows,
      evidence,
      ...(report[part].intervals[measure] ? { interval: report[part].intervals[measure] } : {}),
      ...(report[part].notes[measure] ? { note: report[part].notes[measure] } : {}),
    })),
  );
}
