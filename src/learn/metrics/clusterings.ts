/** How far two groupings of the same rows agree, whatever their clusters are called. Labels are whole numbers, one per row. */
import { type Metric, NO_ROWS } from "./metric.ts";

/** The Rand index beyond chance: 1 for equal groupings, about 0 for unrelated ones (Hubert and Arabie, 1985). */
export function adjustedRand(a: ArrayLike<number>, b: ArrayLike<number>): Metric {
  const { cells, rows, columns, total } = contingency(a, b);
  if (total === 0) return NO_ROWS;
  const squares = sumOf(cells.map(({ count }) => count ** 2));
  const [apartInA, apartInB] = [sumOf(columns.map((n) => n ** 2)) - squares, sumOf(rows.map((n) => n ** 2)) - squares];
  if (apartInA === 0 && apartInB === 0) return { value: 1 };
  const together = squares - total;
  const apart = total ** 2 - apartInA - apartInB - squares;
  const possible = (together + apartInB) * (apartInB + apart) + (together + apartInA) * (apartInA + apart);
  return { value: (2 * (together * apart - apartInA * apartInB)) / possible };
}

/** The information that the groupings share, as a part of their mean entropy: 0 to 1. It rises by chance where clusters are many. */
export function normalisedMutualInformation(a: ArrayLike<number>, b: ArrayLike<number>): Metric {
  const table = contingency(a, b);
  if (table.total === 0) return NO_ROWS;
  const mean = (entropy(table.rows, table.total) + entropy(table.columns, table.total)) / 2;
  return { value: mean === 0 ? 1 : mutualInformation(table) / mean };
}

/** Shared information beyond chance: 1 for equal groupings, about 0 for unrelated ones (Vinh, Epps and Bailey, 2010). */
export function adjustedMutualInformation(a: ArrayLike<number>, b: ArrayLike<number>): Metric {
  const table = contingency(a, b);
  const { rows, columns, total } = table;
  if (total === 0) return NO_ROWS;
  const isTrivial = (count: number) => rows.length === count && columns.length === count;
  if (isTrivial(1) || isTrivial(total)) return { value: 1 };
  const expected = expectedInformation(rows, columns, total);
  const mean = (entropy(rows, total) + entropy(columns, total)) / 2;
  const possible = mean - expected;
  const bounded = possible < 0 ? Math.min(possible, -Number.EPSILON) : Math.max(possible, Number.EPSILON);
  return { value: (mutualInformation(table) - expected) / bounded };
}

interface Contingency {
  readonly cells: readonly { readonly row: number; readonly column: number; readonly count: number }[];
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly total: number;
}

function contingency(a: ArrayLike<number>, b: ArrayLike<number>): Contingency {
  const [rowOf, columnOf] = [new Map<number, number>(), new Map<number, number>()];
  const [rows, columns]: [number[], number[]] = [[], []];
  const counts = new Map<string, { row: number; column: number; count: number }>();
  const placeOf = (label: number, places: Map<number, number>, sums: number[]) => {
    if (!places.has(label)) places.set(label, sums.push(0) - 1);
    const place = places.get(label)!;
    sums[place]!++;
    return place;
  };
  for (let at = 0; at < a.length; at++) {
    const [row, column] = [placeOf(a[at]!, rowOf, rows), placeOf(b[at]!, columnOf, columns)];
    const key = `${row} ${column}`;
    const cell = counts.get(key) ?? { row, column, count: 0 };
    cell.count++;
    counts.set(key, cell);
  }
  return { cells: [...counts.values()], rows, columns, total: a.length };
}

const mutualInformation = ({ cells, rows, columns, total }: Contingency) =>
  Math.max(
    0,
    sumOf(cells.map(({ row, column, count }) => (count / total) * Math.log((count * total) / (rows[row]! * columns[column]!)))),
  );

const entropy = (counts: readonly number[], total: number) =>
  -sumOf(counts.map((count) => (count / total) * Math.log(count / total)));

/** Over all ways to deal the rows into clusters of these sizes: a hypergeometric sum for each pair of clusters. */
function expectedInformation(rows: readonly number[], columns: readonly number[], total: number): number {
  const logs = logFactorials(total);
  let sum = 0;
  for (const a of rows)
    for (const b of columns) {
      const fixed = logs[a]! + logs[b]! + logs[total - a]! + logs[total - b]! - logs[total]!;
      for (let n = Math.max(1, a + b - total); n <= Math.min(a, b); n++) {
        const chance = Math.exp(fixed - logs[n]! - logs[a - n]! - logs[b - n]! - logs[total - a - b + n]!);
        sum += (n / total) * Math.log((total * n) / (a * b)) * chance;
      }
    }
  return sum;
}

/** ln 0! to ln count!, the lost digits carried along (Kahan). */
function logFactorials(count: number): Float64Array {
  const logs = new Float64Array(count + 1);
  let lost = 0;
  for (let n = 2; n <= count; n++) {
    const term = Math.log(n) - lost;
    const sum = logs[n - 1]! + term;
    lost = sum - logs[n - 1]! - term;
    logs[n] = sum;
  }
  return logs;
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
