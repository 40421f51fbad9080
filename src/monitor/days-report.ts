/** One day's rows made into a report: what was expected of them, what came of them, what they earned. Typed arrays in, values out. */
import type { DayReport, Task } from "../contract/index.ts";
import { type Evidence, type Frame, type Gain, moneyOf, type TextColumn, Z95 } from "../learn/index.ts";
import { calibrated, estimateQuality } from "./estimate.ts";
import { pick, pickEvidence, realisedQuality } from "./realised.ts";
import { type Group, groupsOf } from "./realised-groups.ts";
import type { Reference } from "./reference.ts";

/** Of the predictions of a day, from when on their labels tell how it was: those that come early are not like those that come late. */
export const LABELLED_MIN = 0.95;

export interface DayRows {
  readonly task: Task;
  readonly classes: readonly string[];
  /** As `Log.day` gives it. */
  readonly frame: Frame;
  readonly groups: readonly string[];
  /** Of the version that answered most; null: it has none, and nothing is estimated. */
  readonly reference: Reference | null;
  /** By `MODEL@VERSION`. */
  referenceOf(version: string): Reference | null;
}

export type DayQuality = Pick<DayReport, "labelled" | "estimated" | "realised" | "gain"> & {
  /** By feature; of the labelled rows. */
  readonly groups: Readonly<Record<string, readonly Group[]>>;
};

export function dayQuality(day: DayRows): DayQuality {
  const { task, reference } = day;
  const scored = scoredOf(day);
  const gain = task === "binary-classification" ? (reference?.gain ?? null) : null;
  const labelled = Uint32Array.from(scored.y.keys()).filter((row) => !Number.isNaN(scored.y[row]!));
  const evidence: Evidence = {
    ...{ predictions: scored.predictions, y: scored.y, classes: scored.classes },
    ...(task === "regression" ? {} : { decisions: scored.decided }),
    ...(gain === null ? {} : { gain }),
  };
  const { stated, expected } = scored;
  const ones = new Float64Array(stated.length).fill(1);
  const decided = task === "binary-classification" ? scored.decided : ones;
  return {
    labelled: labelled.length,
    estimated: reference === null ? null : estimateQuality(task, { stated, expected, decided, gain }),
    realised: realisedQuality(task, pickEvidence(evidence, labelled)),
    gain: gain === null ? null : gainOfDay(scored, labelled.length, gain),
    groups: groupsOfDay(day, scored, labelled),
  };
}

interface Scored {
  /** As `Evidence` has them. */
  readonly predictions: Float64Array;
  readonly classes: readonly string[];
  readonly decided: Float64Array;
  /** NaN where the label has not come. */
  readonly y: Float64Array;
  /** Of the positive, of what was decided, or the value; as logged and calibrated. */
  readonly stated: Float64Array;
  readonly expected: Float64Array;
  /** Rows of the frame that these are: one that has no readable prediction is none of them. */
  readonly rows: Uint32Array;
}

function scoredOf({ task, classes, frame, referenceOf }: DayRows): Scored {
  const all = (column: string) => numbers(frame, column);
  const width = task === "multiclass-classification" ? classes.length : 1;
  const outputs = width === 1 && task !== "multiclass-classification" ? [all("stated")] : classes.map((_, k) => all(`k${k}`));
  const checked = task === "regression" ? outputs : [...outputs, all("decided")];
  const rows = Uint32Array.from({ length: frame.rowCount }, (_, row) => row).filter((row) =>
    checked.every((column) => Number.isFinite(column[row]!)),
  );
  const y = pick(all("label"), rows);
  const decided = task === "regression" ? new Float64Array(rows.length) : pick(all("decided"), rows);
  const beyond = task === "multiclass-classification" && y.some((label) => label === classes.length);
  const stride = width + (beyond ? 1 : 0);
  const predictions = new Float64Array(rows.length * stride);
  outputs.forEach((column, k) => {
    for (let at = 0; at < rows.length; at++) predictions[at * stride + k] = column[rows[at]!]!;
  });
  const stated = task === "multiclass-classification" ? decided.map((k, at) => predictions[at * stride + k]!) : predictions;
  return {
    ...{ predictions, decided, y, stated, rows },
    classes: beyond ? [...classes, UNSEEN] : classes,
    expected: task === "regression" ? stated : calibrateRows(frame, rows, stated, referenceOf),
  };
}

/** A label that the model has no class for. */
const UNSEEN = "(unseen)";

/** By the calibration of the version that answered; as stated where that has none. */
function calibrateRows(frame: Frame, rows: Uint32Array, stated: Float64Array, referenceOf: DayRows["referenceOf"]): Float64Array {
  const versions = frame.columns.version as TextColumn;
  const calibrations = versions.texts.map((version) => referenceOf(version)?.calibration ?? null);
  return stated.map((p, at) => {
    const calibration = calibrations[versions.codes[rows[at]!]!];
    return calibration ? calibrated(calibration, p) : p;
  });
}

/**
 * Money of all decisions: what the labelled ones earned, and what is expected of the others. The interval: such days differ by so much, labelled
 * decisions among themselves, the others by what each may come to.
 */
function gainOfDay({ decided, y, expected }: Scored, labelled: number, gain: Gain): NonNullable<DayReport["gain"]> {
  let [value, earned, squares, variance] = [0, 0, 0, 0];
  for (let row = 0; row < y.length; row++) {
    const [yes, no] = [moneyOf(gain, decided[row] === 1, true), moneyOf(gain, decided[row] === 1, false)];
    const chance = expected[row]!;
    if (Number.isNaN(y[row]!)) {
      value += chance * yes + (1 - chance) * no;
      variance += (yes - no) ** 2 * chance * (1 - chance);
    } else {
      const money = y[row] === 1 ? yes : no;
      value += money;
      earned += money;
      squares += money ** 2;
    }
  }
  if (labelled > 0) variance += Math.max(0, squares - earned ** 2 / labelled);
  const margin = Z95 * Math.sqrt(variance);
  return { value, estimated: labelled < LABELLED_MIN * y.length || y.length === 0, interval: [value - margin, value + margin] };
}

function groupsOfDay({ task, frame, groups }: DayRows, { y, decided, expected, rows }: Scored, labelled: Uint32Array) {
  const happened = task === "multiclass-classification" ? y.map((label, row) => (label === decided[row] ? 1 : 0)) : y;
  const outcomes = { happened: pick(happened, labelled), expected: pick(expected, labelled), chances: task !== "regression" };
  const own = labelled.map((row) => rows[row]!);
  return Object.fromEntries(
    groups.flatMap((group, at) => {
      const column = frame.columns[`group${at}`];
      return column?.kind === "text" ? [[group, groupsOf(column, own, outcomes)] as const] : [];
    }),
  );
}

function numbers(frame: Frame, column: string): Float64Array {
  const found = frame.columns[column];
  return found?.kind === "number" ? found.values : new Float64Array(frame.rowCount).fill(Number.NaN);
}
