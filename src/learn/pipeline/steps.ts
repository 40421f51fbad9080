/** Steps before an estimator: in each, transformers side by side on columns of their own; what none of them selects passes through. */
import { MillError } from "../../base/index.ts";
import type { Params, TrainingData } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import type { FeatureRow } from "../inputs.ts";
import { completeParams } from "../params.ts";
import { transformerNamed } from "../preprocessing/transformers.ts";
import { badColumn } from "../training-data.ts";
import type { FittedTransform, Transformer } from "../transformer.ts";

/** All that are there when the step's turn has come, those of one kind, or some by name. A kind that no column is of is passed over. */
export type Columns = "all" | "numbers" | "texts" | readonly string[];

export interface Branch {
  /** A transformer or its name. */
  readonly use: Transformer | string;
  readonly columns: Columns;
  readonly params?: Params;
}

export type Step = Branch | readonly Branch[];

export interface PlannedBranch {
  /** The transformer's name, with a number from the second of the name on: what its parameters begin with. */
  readonly title: string;
  readonly transformer: Transformer;
  readonly columns: Columns;
  /** Complete. */
  readonly params: Params;
}

export interface FittedStep {
  readonly transforms: readonly FittedTransform[];
  /** Columns that pass through. */
  readonly rest: readonly string[];
}

/** Errors: `learn.unknown-transformer`, `learn.bad-parameter`. */
export function planSteps(steps: readonly Step[]): PlannedBranch[][] {
  const counts = new Map<string, number>();
  const titleOf = (name: string) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  };
  return steps.map((step) =>
    [step].flat().map(({ use, columns, params = {} }: Branch): PlannedBranch => {
      const transformer = typeof use === "string" ? transformerNamed(use) : use;
      return { title: titleOf(transformer.name), transformer, columns, params: completeParams(transformer, params) };
    }),
  );
}

/**
 * The names that each branch selects of the frame, none where there is no column of its kind.
 * Error: `learn.bad-column` for one that is absent, or selected by two branches.
 */
export function selectColumns(branches: readonly PlannedBranch[], { columns }: Frame): string[][] {
  const takenBy = new Map<string, string>();
  return branches.map(({ title, columns: wanted }) => {
    const names = namesOf(title, wanted, columns);
    for (const name of names) {
      const other = takenBy.get(name);
      if (other !== undefined)
        throw badColumn(
          name,
          "one transformer for it in a step",
          `"${other}" and "${title}"`,
          `Select "${name}" in one of them, or put them into steps one after the other.`,
        );
      takenBy.set(name, title);
    }
    return names;
  });
}

function namesOf(title: string, wanted: Columns, columns: Frame["columns"]): string[] {
  const present = Object.keys(columns);
  if (wanted === "all") return present;
  if (wanted === "numbers") return present.filter((name) => columns[name]!.kind === "number");
  if (wanted === "texts") return present.filter((name) => columns[name]!.kind === "text");
  if (wanted.length === 0)
    throw new MillError("learn.bad-column", `"${title}" selects no column.`, {
      expected: "at least one name",
      got: "an empty list",
      fix: `Name the columns of "${title}", or take it out of the pipeline.`,
    });
  for (const name of wanted)
    if (!present.includes(name)) throw badColumn(name, `it for "${title}"`, `only ${present.join(", ")}`, "Correct the name.");
  return [...new Set(wanted)];
}

/** The columns of these names. */
export const framePart = ({ rowCount, columns }: Frame, names: readonly string[]): Frame => ({
  rowCount,
  columns: Object.fromEntries(names.map((name) => [name, columns[name]!])),
});

/** What the step makes of a frame; `made` are the branches' own columns. Error: `learn.bad-column` for a name that two of them give. */
export function joinStep({ rest }: FittedStep, X: Frame, made: readonly Frame[]): Frame {
  const columns: Record<string, Frame["columns"][string]> = {};
  for (const part of [...made, framePart(X, rest)])
    for (const [name, column] of Object.entries(part.columns)) {
      if (Object.hasOwn(columns, name))
        throw badColumn(name, "one column of this name", "two after a step", `Rename the column that "${name}" is made of.`);
      columns[name] = column;
    }
  return { rowCount: X.rowCount, columns };
}

export const applyStep = (step: FittedStep, X: Frame): Frame =>
  joinStep(
    step,
    X,
    step.transforms.map((transform) => transform.transform(X)),
  );

/** The same for one row. */
export function rowStep({ transforms, rest }: FittedStep): (row: FeatureRow) => FeatureRow {
  const writers = transforms.map((transform) => transform.rowTransformer());
  return (row) => {
    const made: Record<string, number | string | null> = {};
    for (const write of writers) Object.assign(made, write(row));
    for (const name of rest) made[name] = row[name] ?? null;
    return made;
  };
}

/** The training data of a branch. */
export function branchData({ weights, ...data }: TrainingData, { transformer }: PlannedBranch, names: string[]): TrainingData {
  const weighted = weights !== undefined && transformer.tags.weights ? { weights } : {};
  return { ...data, X: framePart(data.X, names), ...weighted };
}
