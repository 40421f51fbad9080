/** What two ways to ask one model answer: on rows that it was trained on, and where it takes them on missing numbers and on texts that it never saw. */
import { MillError } from "../../base/index.ts";
import type { Task } from "../../contract/index.ts";
import type { Frame, NumberColumn, TextColumn } from "../../learn/index.ts";
import type { Session } from "../../ports/scoring/index.ts";

/** Of a probability; of a value in regression by its size where that is above 1. Networks and converters calculate in float32. */
export const TOLERANCE = 1e-4;

const ROWS_MAX = 2000;
const ODD_ROWS_MAX = 64;
const UNSEEN = "\u2400 never seen";

export type Asks = Pick<Session, "score">;

export interface Trials {
  readonly rows: Frame;
  /** Whether the model answers rows in which numbers are missing. */
  readonly takesMissing: boolean;
}

export async function trials(X: Frame, model: Asks): Promise<Trials> {
  const usual = head(X, ROWS_MAX);
  const few = head(X, ODD_ROWS_MAX);
  const [missing, unseen] = [await taken(withNumbersMissing(few), model), await taken(withTextsUnseen(few), model)];
  return { rows: joined([usual, ...missing, ...unseen]), takesMissing: missing.length > 0 };
}

/** The largest difference; a number on one side alone counts as infinite. */
export async function largestDifference(one: Asks, other: Asks, rows: Frame, task: Task): Promise<number> {
  const [expected, got] = [(await one.score(rows)).values, (await other.score(rows)).values];
  if (expected.length !== got.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let at = 0; at < expected.length; at++) {
    const [a, b] = [expected[at]!, got[at]!];
    if (Object.is(a, b)) continue;
    const difference = Math.abs(a - b) / (task === "regression" ? Math.max(1, Math.abs(a)) : 1);
    largest = Math.max(largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return largest;
}

/** The rows, or none where the model raises an error for them. */
async function taken(rows: Frame | null, model: Asks): Promise<Frame[]> {
  if (rows === null) return [];
  try {
    await model.score(rows);
    return [rows];
  } catch (error) {
    if (error instanceof MillError && error.code === "scoring.bad-input") return [];
    throw error;
  }
}

/** In turn each number is missing, and then all of them. Null: there are no numbers. */
function withNumbersMissing(X: Frame): Frame | null {
  const numbers = Object.keys(X.columns).filter((name) => X.columns[name]!.kind === "number");
  if (numbers.length === 0) return null;
  const isGone = (name: string, row: number) => [numbers.indexOf(name), numbers.length].includes(row % (numbers.length + 1));
  return mapped(X, (name, column) =>
    column.kind === "text"
      ? column
      : { kind: "number", values: column.values.map((value, row) => (isGone(name, row) ? Number.NaN : value)) },
  );
}

function withTextsUnseen(X: Frame): Frame | null {
  if (!Object.values(X.columns).some(({ kind }) => kind === "text")) return null;
  return mapped(X, (_, column) =>
    column.kind === "number"
      ? column
      : {
          kind: "text",
          codes: column.codes.map((code, row) => [column.texts.length, -1, code][row % 3]!),
          texts: [...column.texts, UNSEEN],
        },
  );
}

type Column = NumberColumn | TextColumn;

const mapped = ({ rowCount, columns }: Frame, change: (name: string, column: Column) => Column): Frame => ({
  rowCount,
  columns: Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, change(name, column)])),
});

function head(X: Frame, rowsMax: number): Frame {
  const rowCount = Math.min(X.rowCount, rowsMax);
  const cut = mapped(X, (_, column) =>
    column.kind === "number"
      ? { kind: "number", values: column.values.slice(0, rowCount) }
      : { ...column, codes: column.codes.slice(0, rowCount) },
  );
  return { ...cut, rowCount };
}

function joined(frames: readonly Frame[]): Frame {
  const columns = Object.keys(frames[0]!.columns).map((name): [string, Column] => {
    const parts = frames.map((frame) => frame.columns[name]!);
    if (parts[0]!.kind === "number")
      return [name, { kind: "number", values: Float64Array.from(parts.flatMap((part) => [...(part as NumberColumn).values])) }];
    const texts = (parts as TextColumn[]).reduce(
      (longest, part) => (part.texts.length > longest.length ? part.texts : longest),
      [] as readonly string[],
    );
    return [name, { kind: "text", codes: Int32Array.from(parts.flatMap((part) => [...(part as TextColumn).codes])), texts }];
  });
  return { rowCount: frames.reduce((sum, { rowCount }) => sum + rowCount, 0), columns: Object.fromEntries(columns) };
}
