/**
 * Groups of rows that the model is wrong about while it is right on the whole: of each value of a text feature, how far labels and predictions fall
 * apart on one day, less how far they do over all rows of that day. A storm makes every group late, and is none of these.
 */
import type { TextColumn } from "../learn/index.ts";
import type { GroupResiduals } from "./reference.ts";

/** Smaller groups say nothing. */
const GROUP_ROWS_MIN = 50;
/** A feature with more values than this is no grouping. */
export const GROUPS_MAX = 1000;

export interface Group {
  readonly value: string;
  readonly rows: number;
  /** Mean of label and of prediction: shares of the positive, of right answers, or values. */
  readonly happened: number;
  readonly expected: number;
  /** `happened - expected`, less the same over all rows. */
  readonly residual: number;
  /** What `residual` varies by chance. */
  readonly sd: number;
}

/** Labels and predictions of one day; `chances`: whether they are 1 or 0 by the chance `expected`. */
export interface Outcomes {
  readonly happened: Float64Array;
  readonly expected: Float64Array;
  readonly chances: boolean;
}

/** Groups of 50 rows or more. `rows`: which rows of `column` the outcomes belong to. */
export function groupsOf(column: TextColumn, rows: Uint32Array, { happened, expected, chances }: Outcomes): Group[] {
  const sums = column.texts.map(() => ({ rows: 0, happened: 0, expected: 0, squares: 0 }));
  const all = { happened: 0, expected: 0 };
  rows.forEach((row, at) => {
    const [y, p] = [happened[at]!, expected[at]!];
    all.happened += y;
    all.expected += p;
    const sum = sums[column.codes[row]!];
    if (sum === undefined) return;
    sum.rows++;
    sum.happened += y;
    sum.expected += p;
    sum.squares += chances ? p * (1 - p) : (y - p) ** 2;
  });
  const mean = (all.happened - all.expected) / rows.length;
  return sums.flatMap((sum, code) => {
    if (sum.rows < GROUP_ROWS_MIN) return [];
    const [y, p] = [sum.happened / sum.rows, sum.expected / sum.rows];
    const value = column.texts[code]!;
    return [{ value, rows: sum.rows, happened: y, expected: p, residual: y - p - mean, sd: Math.sqrt(sum.squares) / sum.rows }];
  });
}

/** What the groups of the reference's days were like; null where there were none. */
export function groupResiduals(days: readonly (readonly Group[])[]): GroupResiduals | null {
  const groups = days.flat();
  if (groups.length === 0) return null;
  const total = groups.reduce((sum, { residual }) => sum + residual ** 2, 0) / groups.length;
  const chance = groups.reduce((sum, { sd }) => sum + sd ** 2, 0) / groups.length;
  return {
    sd: Math.sqrt(Math.max(0, total - chance)),
    worst: groups.reduce((most, { residual }) => Math.max(most, Math.abs(residual)), 0),
    lasting: days.slice(1).reduce((most, day, at) => Math.max(most, ...lastingResiduals(days[at]!, day).map(Math.abs)), 0),
  };
}

/** Of groups that were off to the same side on both days the residual that is nearer to none. */
const lastingResiduals = (before: readonly Group[], day: readonly Group[]): number[] =>
  day.flatMap((group) => {
    const earlier = before.find(({ value }) => value === group.value);
    return earlier === undefined ? [] : [lasting(earlier, group)];
  });

export function lasting(before: Group, now: Group): number {
  if (before.residual * now.residual <= 0) return 0;
  return Math.abs(before.residual) < Math.abs(now.residual) ? before.residual : now.residual;
}
