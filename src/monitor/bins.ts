/**
 * Values counted by bins that were laid once, in one pass over any relation and all its chunks (days) at once: each bin's count is an aggregate of
 * one GROUP BY, so that memory is constant and counts of two relations add up.
 *
 *     number   ..e0 | ..e1 | ... | ..e8 | above | null          a value belongs to the first edge that it does not pass
 *     text     v0 | v1 | ... | v19 | others | null
 */
import type { Row } from "../contract/index.ts";
import { quoteIdentifier as name, quoteDouble, quoteLiteral } from "../express/index.ts";
import type { Tables } from "../ports/tables/index.ts";

/** Where the bins lie; see `Distribution`. */
export interface Bins {
  readonly kind: "number" | "text";
  readonly edges: readonly number[];
  readonly values: readonly string[];
}

/** One column of one chunk. */
export interface Counted {
  readonly rows: number;
  /** By bin; they sum to `rows`. */
  readonly counts: readonly number[];
  /** Of numbers that are not null; null where there is none. */
  readonly min: number | null;
  readonly max: number | null;
  /** About how many different values (HyperLogLog, error of some percent). */
  readonly distinct: number;
}

export interface Counting {
  readonly tables: Tables;
  /** A FROM item with the columns of `columns`: doubles for numbers, texts for texts. */
  readonly relation: string;
  /** SQL of a whole number by which rows are counted apart; `0` for one chunk. */
  readonly chunk: string;
  readonly columns: Readonly<Record<string, Bins>>;
}

/** Columns by chunk. Chunks without a row are not there. */
export async function countBins({ tables, relation, chunk, columns }: Counting): Promise<Map<number, Record<string, Counted>>> {
  const entries = Object.entries(columns);
  const aggregates = entries.flatMap(([column, bins], index) =>
    aggregatesOf(name(column), bins).map((sql, place) => `${sql} AS c${index}_${place}`),
  );
  const rows = await tables.rows(
    `SELECT (${chunk})::BIGINT AS chunk, ${["count(*) AS n", ...aggregates].join(", ")} FROM ${relation} GROUP BY 1 HAVING count(*) > 0 ORDER BY 1`,
  );
  return new Map(
    rows.map((row) => [
      Number(row.chunk),
      Object.fromEntries(entries.map(([column, bins], index) => [column, readCounted(row, index, bins)])),
    ]),
  );
}

/** Of a number, how many do not pass each edge; of a text, how many are each value. NaN counts as null. */
function aggregatesOf(column: string, { kind, edges, values }: Bins): string[] {
  if (kind === "text") {
    const each = values.map((value) => `count_if(${column} = ${quoteLiteral(value)})`);
    return [`count(${column})`, `approx_count_distinct(${column})`, ...each];
  }
  const known = `CASE WHEN NOT isnan(${column}) THEN ${column} END`;
  const upTo = edges.map((edge) => `count_if(${column} <= ${quoteDouble(edge)})`);
  return [`count(${known})`, `approx_count_distinct(${known})`, `min(${known})`, `max(${known})`, ...upTo];
}

function readCounted(row: Row, index: number, { kind, edges, values }: Bins): Counted {
  const at = (place: number) => Number(row[`c${index}_${place}`]);
  const [rows, known, distinct] = [Number(row.n), at(0), at(1)];
  if (kind === "text") {
    const each = values.map((_, place) => at(2 + place));
    const others = known - each.reduce((sum, count) => sum + count, 0);
    return { rows, counts: [...each, others, rows - known], min: null, max: null, distinct };
  }
  const upTo = [...edges.map((_, place) => at(4 + place)), known];
  const counts = upTo.map((count, bin) => count - (upTo[bin - 1] ?? 0));
  const extreme = (place: number) => (known === 0 ? null : at(place));
  return { rows, counts: [...counts, rows - known], min: extreme(2), max: extreme(3), distinct };
}

/** Bins of a distribution, those for others and for null among them. */
export const binCount = ({ kind, edges, values }: Bins) => (kind === "number" ? edges.length + 2 : values.length + 2);

/** The bin of one value. */
export function binOf({ kind, edges, values }: Bins, value: number | string | null): number {
  if (kind === "text") {
    if (value === null) return values.length + 1;
    const found = values.indexOf(String(value));
    return found === -1 ? values.length : found;
  }
  if (value === null || Number.isNaN(value)) return edges.length + 1;
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Number(value) <= edges[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Columns of two chunks put together; of `distinct` the greater, which the whole has at least. */
export const addCounted = (a: Readonly<Record<string, Counted>>, b: Readonly<Record<string, Counted>>): Record<string, Counted> =>
  Object.fromEntries(
    Object.entries(a).map(([column, { rows, counts, min, max, distinct }]) => {
      const other = b[column]!;
      const merged: Counted = {
        rows: rows + other.rows,
        counts: addCounts(counts, other.counts),
        min: min === null || (other.min !== null && other.min < min) ? other.min : min,
        max: max === null || (other.max !== null && other.max > max) ? other.max : max,
        distinct: Math.max(distinct, other.distinct),
      };
      return [column, merged];
    }),
  );

/** Counts of the same bins put together. */
export const addCounts = (a: readonly number[], b: readonly number[]): number[] => a.map((count, bin) => count + b[bin]!);

const DECILES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** Texts beyond this many, the less common ones, share a bin. */
const VALUES_MAX = 20;
/** Numbers with at most so many different values have a bin for each, and one on either side for numbers that were never seen. */
const DISCRETE_MAX = 10;

/** Lays bins over the columns of a relation: tenths of its rows, or its commonest texts. */
export async function layBins(
  tables: Tables,
  relation: string,
  columns: Readonly<Record<string, Bins["kind"]>>,
): Promise<Record<string, Bins>> {
  const laid: Record<string, Bins> = {};
  for (const [column, kind] of Object.entries(columns))
    laid[column] =
      kind === "text" ? await layTexts(tables, relation, name(column)) : await layNumbers(tables, relation, name(column));
  return laid;
}

async function layTexts(tables: Tables, relation: string, column: string): Promise<Bins> {
  const rows = await tables.rows(
    `SELECT ${column} AS value FROM ${relation} WHERE ${column} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, value LIMIT ${VALUES_MAX}`,
  );
  return { kind: "text", edges: [], values: rows.map(({ value }) => String(value)) };
}

async function layNumbers(tables: Tables, relation: string, column: string): Promise<Bins> {
  const known = `FROM ${relation} WHERE ${column} IS NOT NULL AND NOT isnan(${column})`;
  const distinct = await tables.rows(`SELECT DISTINCT ${column} AS value ${known} LIMIT ${DISCRETE_MAX + 1}`);
  if (distinct.length <= DISCRETE_MAX) return discrete(distinct.map(({ value }) => Number(value)));
  const places = DECILES.map((_, at) => `deciles[${at + 1}] AS d${at}`).join(", ");
  const [row] = await tables.rows(
    `SELECT ${places}, greatest FROM (SELECT quantile_disc(${column}, [${DECILES.join(", ")}]) AS deciles, max(${column}) AS greatest ${known})`,
  );
  return quantiles(
    DECILES.map((_, at) => Number(row![`d${at}`])),
    Number(row!.greatest),
  );
}

/** The same over numbers that are here already, NaN left out. */
export function layNumberBins(numbers: Float64Array): Bins {
  const sorted = numbers.filter((value) => !Number.isNaN(value)).sort();
  const distinct = new Set<number>();
  for (const value of sorted) if (distinct.add(value).size > DISCRETE_MAX) break;
  if (distinct.size <= DISCRETE_MAX) return discrete([...distinct]);
  const deciles = DECILES.map((share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!);
  return quantiles(deciles, sorted.at(-1)!);
}

function discrete(values: readonly number[]): Bins {
  const rising = [...values].sort((a, b) => a - b);
  const [least] = rising;
  return { kind: "number", edges: least === undefined ? [] : [below(least), ...rising], values: [] };
}

/** Equal deciles are one edge; one that no value passes is none. */
const quantiles = (deciles: readonly number[], greatest: number): Bins => ({
  kind: "number",
  edges: [...new Set(deciles)].filter((edge) => edge < greatest),
  values: [],
});

/** The greatest double that is less: nothing lies between. */
function below(value: number): number {
  if (value === 0) return -Number.MIN_VALUE;
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setFloat64(0, value);
  bytes.setBigInt64(0, bytes.getBigInt64(0) + (value > 0 ? -1n : 1n));
  return bytes.getFloat64(0);
}
