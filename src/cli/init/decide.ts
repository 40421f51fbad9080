/** What a newcomer's file is good for: which column to predict, from which others, split how. Pure; `init.ts` looks at the file. */
import { didYouMean, type Json, MillError } from "../../base/index.ts";
import type { Task, TypeName } from "../../contract/index.ts";
import type { Counted, FoundColumn } from "../../ingest/index.ts";
import { createTaken, upperFirst } from "./names.ts";

export interface NamedColumn extends FoundColumn {
  readonly name: string;
  /** Rows without a value. */
  readonly missing: number;
}

/** Fewer rows of a class than this may all fall into the holdout. */
export const CLASS_ROWS_MIN = 8;
/** More classes than this are no question that a person asks. */
export const CLASSES_MAX = 50;
/** Whole numbers with no more different values than this are classes, such as marks. */
const MARKS_MAX = 10;
const TEXTS_MAX = 1000;
const FEW_ROWS = 500;

export const MOMENTS: readonly TypeName[] = ["date", "timestamp", "instant"];
const isText = ({ type }: FoundColumn) => type === "string" || type === "category";
const isWhole = ({ type }: FoundColumn) => type === "int32" || type === "int64";
const isMoment = ({ type }: FoundColumn) => type !== null && MOMENTS.includes(type);

/** The column that is asked for, or the last one that can be predicted. Errors: `cli.label-unknown`, `cli.label-unfit`. */
export function chooseLabel(columns: readonly NamedColumn[], asked: string | undefined): NamedColumn {
  if (asked !== undefined) {
    const found = findColumn(columns, asked);
    const fault = faultAsLabel(found);
    if (fault === null) return found;
    throw new MillError("cli.label-unfit", `The column "${found.source}" cannot be predicted: ${fault}.`, {
      at: "--label",
      expected: "a column with numbers, with yes and no, or with a few classes",
      got: fault,
      fix: suggestion(columns),
    });
  }
  const last = columns.findLast((column) => faultAsLabel(column) === null);
  if (last !== undefined) return last;
  throw new MillError("cli.label-unfit", "The file has no column that could be predicted.", {
    expected: "a column with numbers, with yes and no, or with a few classes",
    got: columns.map((column) => `${column.source}: ${faultAsLabel(column)}`).join("; "),
    fix: "Give a file with the outcomes that are to be predicted.",
  });
}

function findColumn(columns: readonly NamedColumn[], asked: string): NamedColumn {
  const same = (a: string) => a.trim().toLowerCase() === asked.trim().toLowerCase();
  const found = columns.find(({ source }) => source === asked) ?? columns.find(({ source, name }) => same(source) || same(name));
  if (found !== undefined) return found;
  const names = columns.map(({ source }) => source);
  throw new MillError("cli.label-unknown", `The file has no column "${asked}".${didYouMean(asked, names)}`, {
    at: "--label",
    expected: names.join(", "),
    got: asked,
    fix: "Name one of the file's columns.",
  });
}

function suggestion(columns: readonly NamedColumn[]): string {
  const fit = columns.filter((column) => faultAsLabel(column) === null).map(({ source }) => source);
  return fit.length === 0 ? "Give a file with outcomes." : `Name another one: ${fit.join(", ")}.`;
}

/** Why a column cannot be predicted; null: it can. */
function faultAsLabel(column: FoundColumn): string | null {
  if (column.type === null) return "its values cannot be read";
  if (column.values === 0) return "it has no value in any row";
  if (column.distinct < 2) return "it has the same value in every row";
  if (isMoment(column)) return "it holds moments";
  if (column.numbered) return "it numbers the rows";
  if (isText(column) && column.distinct > CLASSES_MAX) return `it has about ${column.distinct} different texts`;
  return null;
}

/** The type that the label's values are counted as: classes by their texts. */
export const labelType = (label: NamedColumn): TypeName => (isClasses(label) ? "category" : label.type!);

const isClasses = (label: FoundColumn) => isText(label) || (isWhole(label) && label.distinct > 2 && label.distinct <= MARKS_MAX);

export interface Question {
  readonly task: Task;
  /** Of a binary question about something else than a boolean: the value that is a yes. */
  readonly positive: string | number | null;
  /** Classes that are asked about, and those with too few rows; empty where no class is left out. */
  readonly kept: readonly string[];
  readonly rare: readonly Counted[];
}

/** `values`: the label's, most frequent first. Errors: `cli.label-unfit`. */
export function askQuestion(label: NamedColumn, values: readonly Counted[]): Question {
  const none = { positive: null, kept: [], rare: [] };
  if (label.type === "boolean") return { task: "binary-classification", ...none };
  if (!isClasses(label))
    return values.length === 2
      ? { ...none, task: "binary-classification", positive: positiveOf(values) }
      : { task: "regression", ...none };
  const kept = values.filter(({ count }) => count >= CLASS_ROWS_MIN);
  const rare = values.filter(({ count }) => count < CLASS_ROWS_MIN);
  if (kept.length < 2)
    throw new MillError("cli.label-unfit", `The classes of "${label.source}" have too few rows to learn from.`, {
      at: "--label",
      expected: `two classes with at least ${CLASS_ROWS_MIN} rows each`,
      got: values.map(({ value, count }) => `${JSON.stringify(value)}: ${count}`).join(", "),
      fix: "Give a file with more rows, or name another column with --label.",
    });
  const left = rare.length > 0 ? { kept: kept.map(({ value }) => String(value)), rare } : { kept: [], rare: [] };
  return kept.length === 2
    ? { task: "binary-classification", positive: positiveOf(kept), ...left }
    : { task: "multiclass-classification", positive: null, ...left };
}

/** What is worth a yes: a word that says so, the larger number, else the rarer value. */
function positiveOf([frequent, rare]: readonly Counted[]): string | number {
  if (typeof frequent!.value !== "string") return Math.max(Number(frequent!.value), Number(rare!.value));
  const says = [frequent!, rare!].find(({ value }) => /^(1|y|yes|t|true|positive|pos|ja|oui|s[ií])$/i.test(String(value).trim()));
  return String((says ?? rare!).value);
}

/** The column that says when a row happened: the first one with a moment in every row, and many of them. */
export const chooseTime = (columns: readonly NamedColumn[], label: NamedColumn): NamedColumn | null =>
  columns.find(
    (column) => isMoment(column) && column !== label && column.missing + column.misfits === 0 && column.distinct > 20,
  ) ?? null;

export interface SplitChoice {
  readonly by: "time" | "hash";
  readonly test: number;
  readonly holdout: number;
  readonly why: string;
}

export const splitShare = (rowCount: number): number => (rowCount < FEW_ROWS ? 0.2 : 0.15);

/**
 * By time where there is one; but not when the older rows would lack a class, or the newer ones have only one.
 * `classesOverTime`: how many there are in each part, oldest first; null for a regression.
 */
export function chooseSplit(
  rowCount: number,
  label: NamedColumn,
  time: NamedColumn | null,
  classesOverTime: readonly number[] | null,
): SplitChoice {
  const share = splitShare(rowCount);
  const shares = { test: share, holdout: share };
  if (time === null) return { by: "hash", ...shares, why: "a hash of each row decides" };
  const [oldest = 0, ...newer] = classesOverTime ?? [label.distinct];
  if (oldest >= label.distinct && newer.every((count) => count > 1))
    return { by: "time", ...shares, why: `the newest rows by ${time.name} are held out` };
  return { by: "hash", ...shares, why: `a hash of each row decides: by ${time.name}, a part of the time would lack a class` };
}

export interface ProposedFeature {
  readonly name: string;
  /** Over `f`. */
  readonly expression: string;
  readonly column: NamedColumn;
}

export interface LeftOut {
  readonly column: NamedColumn;
  readonly why: string;
}

/** Each other column as a feature, moments by their parts, or why not. Errors: `cli.nothing-to-learn`. */
export function chooseFeatures(
  columns: readonly NamedColumn[],
  label: NamedColumn,
  rowCount: number,
  example: Readonly<Record<string, Json>>,
): { readonly features: readonly ProposedFeature[]; readonly leftOut: readonly LeftOut[] } {
  const others = columns.filter((column) => column !== label);
  const judged = others.map((column) => ({ column, why: faultAsFeature(column, rowCount, example[column.source] ?? null) }));
  const useful = judged.filter(({ why }) => why === null).map(({ column }) => column);
  const take = createTaken();
  for (const column of useful) if (!isMoment(column)) take(column.name);
  const features = useful.flatMap((column) => (isMoment(column) ? partsOf(column, take) : [plainFeature(column)]));
  const leftOut = judged.flatMap(({ column, why }) => (why === null ? [] : [{ column, why }]));
  if (features.length > 0) return { features, leftOut };
  throw new MillError("cli.nothing-to-learn", `No column of the file says anything about "${label.source}".`, {
    expected: "another column with numbers, classes or moments",
    got: leftOut.map(({ column, why }) => `${column.source}: ${why}`).join("; ") || "no other column",
    fix: "Give a file with what is known before the outcome is.",
  });
}

const plainFeature = (column: NamedColumn): ProposedFeature => ({ name: column.name, expression: `f.${column.name}`, column });

function partsOf(column: NamedColumn, take: (name: string) => string): ProposedFeature[] {
  const zone = column.type === "instant" ? '"UTC"' : "";
  const parts = column.type === "date" ? ["weekday", "month"] : ["hour", "weekday", "month"];
  return parts.map((part) => ({
    name: take(`${column.name}${upperFirst(part)}`),
    expression: `f.${column.name}.${part}(${zone})`,
    column,
  }));
}

const IDENTIFIER = /(^|[^A-Za-z])(id|key|uuid|guid|index|nr|no|number|num)$|[a-z](Id|ID|Key|Nr|No|Number)$/;

/** Why a column says nothing; null: it may. */
function faultAsFeature(column: NamedColumn, rowCount: number, example: Json): string | null {
  const { type, values, distinct, unique, numbered, source } = column;
  if (type === null) return "its values cannot be read";
  if (values === 0) return "no value in any row";
  if (distinct < 2) return "one value in all rows";
  if (numbered) return "numbers the rows";
  if (unique && isWhole(column) && IDENTIFIER.test(source.trim())) return "another value in every row";
  if (!isText(column)) return null;
  const tooMany = unique || distinct > TEXTS_MAX || distinct > Math.max(20, rowCount / 2);
  return tooMany ? `${unique ? "another text in every row" : `about ${distinct} different texts`}${hint(example)}` : null;
}

/** Texts that were meant as something else. */
function hint(example: Json): string {
  if (typeof example !== "string") return "";
  const shown = `, as ${JSON.stringify(example.length > 30 ? `${example.slice(0, 30)}...` : example)}`;
  if (/^\s*[+-]?\d[\d.]*,\d+\s*$/.test(example)) return `${shown}: numbers are read with a point, as 1.5`;
  if (/^\s*\d{1,4}[./-]\d{1,2}[./-]\d{1,4}/.test(example)) return `${shown}: moments are read as 2001-06-01T10:00:00`;
  return shown;
}
