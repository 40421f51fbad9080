import { type Digest, MillError } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import { quoteLiteral } from "../express/index.ts";
import type { Frame, TrainingData } from "../learn/index.ts";
import { openDuckDb, stepEngine } from "../ports/tables/index.ts";
import type { StepContext } from "../steps/index.ts";
import { LABEL } from "./training-set.ts";

export interface LabelledColumns {
  readonly features: readonly string[];
  readonly task: Task;
  readonly classes: readonly string[];
  /** About this many rows, taken evenly from the whole part; all of them when absent. */
  readonly sampleRows?: number;
}

/** A part of a training set as features and class indices (or numbers); `all` has the slices too. Errors: `features.unseen-class`. */
export async function readPart(
  part: Digest,
  set: LabelledColumns,
  context: StepContext,
): Promise<TrainingData & { readonly all: Frame }> {
  const all = await readFrame(await context.objects.pathOf(part), set.sampleRows, context);
  const columns = Object.fromEntries(set.features.map((feature) => [feature, all.columns[feature]!]));
  return { all, X: { rowCount: all.rowCount, columns }, y: labelsOf(all, set), task: set.task, classes: set.classes };
}

async function readFrame(path: string, sampleRows: number | undefined, context: StepContext): Promise<Frame> {
  const tables = openDuckDb(stepEngine(context));
  try {
    const file = quoteLiteral(path);
    if (sampleRows === undefined) return await tables.frame(`SELECT * FROM read_parquet(${file})`);
    const every = `(SELECT greatest(1, count(*) // ${sampleRows}) FROM read_parquet(${file}))`;
    return await tables.frame(
      `SELECT * EXCLUDE file_row_number FROM read_parquet(${file}, file_row_number = true) WHERE file_row_number % ${every} = 0`,
    );
  } finally {
    tables.close();
  }
}

function labelsOf(frame: Frame, { classes, task }: LabelledColumns): Float64Array {
  const column = frame.columns[LABEL]!;
  if (column.kind === "number" && task !== "multiclass-classification") return column.values;
  const indexOf = new Map(classes.map((label, index) => [label, index]));
  const unknown = new Set<string>();
  const index = (label: string) => {
    const found = indexOf.get(label);
    if (found === undefined) unknown.add(label);
    return found ?? 0;
  };
  const labels =
    column.kind === "number"
      ? Float64Array.from(column.values, (value) => index(String(value)))
      : indexCodes(column.codes, column.texts.map(index));
  if (unknown.size === 0) return labels;
  throw new MillError(
    "features.unseen-class",
    `The rows have labels that no training row has: ${[...unknown].slice(0, 5).join(", ")}.`,
    {
      expected: `one of ${classes.join(", ")}`,
      got: [...unknown].slice(0, 5).join(", "),
      fix: "Give the training part rows of every class: split by hash instead of time, or leave these rows out with `where`.",
    },
  );
}

const indexCodes = (codes: Int32Array, indices: readonly number[]) => Float64Array.from(codes, (code) => indices[code]!);
