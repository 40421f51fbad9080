/**
 * Training sets as one SQL query: for every row its scalar fields, and its windows as they stood when the row happened.
 *
 * A window is counted by events: a row adds its value when it enters and takes it back when it leaves (see `passes.ts`). Events in the order of
 * their moments, summed up, give the window at any moment; each row looks up the last event before its own moment (ASOF join).
 *
 *     marks    one row per row: block, asks, enters, leaves, values        (the keys of a row are numbered by `codes`)
 *     events   (block, enters, +values) and (block, leaves, -values)
 *     running  sums of the events of a block up to each moment
 *     window   marks, each with the last of `running` before `asks`
 *
 * Key and moment are packed into one BIGINT, in a few blocks of keys, so that sorting and joining compare single integers: three times faster than
 * sorting by two columns (measured). Sums may run on from key to key, for at the end of a key all that entered has left and they are 0. Least and
 * greatest cannot be taken back: for them rows meet the rows of their own and the previous span-long slot of time, which costs in proportion to
 * the rows in the windows.
 */
import { resolve, type Typed, type TypedWindow } from "./infer.ts";
import type { Node } from "./node.ts";
import type { SqlOperand } from "./operations.ts";
import { FIXED_MAGNITUDE_MAX, FIXED_POINT, type Pass, passesOf, windowKey } from "./passes.ts";
import { quoteDouble, quoteIdentifier } from "./quote.ts";
import type { Shape } from "./shape.ts";
import { engineValue, type SqlContext, sqlContext, sqlOf } from "./sql.ts";
import { MOMENT_MICROS_MAX } from "./value-type.ts";

export interface FeatureQuery {
  readonly shape: Shape;
  /** SQL of the relation that holds the columns: a table's quoted name, a function call, a subquery in parentheses. It is read several times. */
  readonly relation: string;
  /** Expressions by the name of the column they become. A label or slice may read outcomes: leaks are refused by `checkFeature`, not here. */
  readonly fields: Readonly<Record<string, Node>>;
  /** A column of the relation that numbers its rows; when left out, rows are numbered as they come, in a column `__row`. */
  readonly rowId?: string;
  /** More columns of the relation to hand on as they are. */
  readonly keep?: readonly string[];
  /** A boolean column of the relation: rows where it is not true ask, but are in no window. When left out, every row is. */
  readonly feeds?: string;
}

/**
 * The query: columns `rowId`, `keep`, then the fields; one row for each row of the relation, in no promised order (sort by `rowId`).
 * Errors: as `typeOf`, and for windows `express.no-time`, `express.span`, `express.known-at`, `express.leak` (a key that is an outcome).
 */
export function featureQuery({ shape, relation, fields, rowId, keep = [], feeds }: FeatureQuery): string {
  const resolved = Object.entries(fields).map(([name, node]) => [name, resolve(node, shape.columns, shape)] as const);
  const passes = passesOf(
    resolved.map(([, typed]) => typed),
    shape,
  ).flatMap(splitByMethod);
  const places = new Map(passes.flatMap((pass, index) => placesOf(pass, index)));
  const id = quoteIdentifier(rowId ?? "__row");
  const numbered = `__numbered AS MATERIALIZED (SELECT *, row_number() OVER () AS __row FROM ${relation})`;
  const source: Source = {
    ...sqlContext({ columnRef: (name) => `__source.${quoteIdentifier(name)}` }, (window) => places.get(windowKey(window))!),
    id: `__source.${id}`,
    feeds: feeds === undefined ? null : `__source.${quoteIdentifier(feeds)}`,
    from: `FROM ${rowId === undefined ? "__numbered" : relation} AS __source`,
  };
  const tables = passes.flatMap((pass, index) => pass.method(pass, index, source));
  const columns = [id, ...keep.map(quoteIdentifier)].map((column) => `__source.${column}`);
  const values = resolved.map(([name, typed]) => `${engineValue(sqlOf(typed, source))} AS ${quoteIdentifier(name)}`);
  const joins = passes.map((_, index) => `LEFT JOIN __window${index} ON __window${index}.id = ${source.id}`);
  const select = `SELECT ${[...columns, ...values].join(", ")}\n${source.from} ${joins.join("\n")}`;
  const before = rowId === undefined ? [numbered, ...tables] : tables;
  return before.length === 0 ? select : `WITH ${before.join(",\n")}\n${select}`;
}

/** How the rows are read, and their columns compiled. */
interface Source extends SqlContext {
  readonly from: string;
  readonly id: string;
  /** Whether a row feeds the windows; null: every row does. */
  readonly feeds: string | null;
}

type Method = (pass: Pass, index: number, source: Source) => string[];
type PlannedPass = Pass & { readonly method: Method };

/** Sums can be taken back, extremes cannot: each gets its own way. */
function splitByMethod(pass: Pass): PlannedPass[] {
  const extremes = pass.windows.filter(({ node }) => EXTREMES.has(node.aggregate));
  const sums = pass.windows.filter((window) => !extremes.includes(window));
  const planned: PlannedPass[] = [
    { ...pass, windows: sums, method: summed },
    { ...pass, windows: extremes, method: searched },
  ];
  return planned.filter(({ windows }) => windows.length > 0);
}

const EXTREMES: ReadonlySet<string> = new Set(["min", "max"]);

/** Where the final select finds each window's value. */
const placesOf = (pass: PlannedPass, index: number): [string, string][] =>
  pass.windows.map((window, column) => {
    const place = `__window${index}.value${column}`;
    return [windowKey(window), window.is.nullable ? place : `coalesce(${place}, 0)`];
  });

// Rows, numbered by key

interface Keyed {
  /** The table of keys, where there are any: each with its `code`, from 0 on. */
  readonly codes: string[];
  /** Rows that have a time and their keys: id, code, moments in microseconds, values. */
  readonly rows: string;
}

function keyed(pass: Pass, index: number, source: Source, values: readonly string[]): Keyed {
  const time = timeOf(pass, source);
  const known = pass.known.map((typed) => within(sqlOf(typed, source).sql));
  const latest = `greatest(${[time, ...known].join(", ")})`;
  const conditions = [...(source.feeds === null ? [] : [source.feeds]), ...known.map((k) => `${k} IS NOT NULL`)];
  const enters = conditions.length === 0 ? time : `CASE WHEN ${conditions.join(" AND ")} THEN ${latest} END`;
  const keys = pass.by.map((typed, key) => `${sqlOf(typed, source).sql} AS key${key}`);
  const columns = [`${source.id} AS id`, `${time} AS asks`, `${enters} AS enters`, ...keys, ...values];
  const rows = `SELECT ${columns.join(", ")} ${source.from}`;
  if (keys.length === 0) return { codes: [], rows: `(SELECT *, 0 AS code FROM (${rows}) WHERE asks IS NOT NULL)` };
  const names = pass.by.map((_, key) => `key${key}`);
  const distinct = `SELECT DISTINCT ${keys.join(", ")} ${source.from}`;
  const present = names.map((key) => `${key} IS NOT NULL`).join(" AND ");
  return {
    codes: [`__codes${index} AS MATERIALIZED (SELECT *, row_number() OVER () - 1 AS code FROM (${distinct}) WHERE ${present})`],
    rows: `(SELECT * FROM (${rows}) JOIN __codes${index} USING (${names.join(", ")}) WHERE asks IS NOT NULL)`,
  };
}

const timeOf = (pass: Pass, source: Source): string => within(sqlOf(pass.time, source).sql);

/** Microseconds, or null where they are beyond what windows reckon with. */
const within = (micros: string): string =>
  `CASE WHEN ${micros} BETWEEN ${-MOMENT_MICROS_MAX} AND ${MOMENT_MICROS_MAX} THEN ${micros} END`;

// Sums, counts, means and shares

/** Of the keys: more blocks sort slower, fewer leave a processor idle. */
const BLOCKS = 8;
/** What a block's packed keys and moments may add up to. */
const PACKED_MAX = 2 ** 62;

function summed(pass: Pass, index: number, source: Source): string[] {
  const sums = sumsOf(pass.windows, source);
  const names = sums.columns.map(({ name }) => name);
  const { codes, rows } = keyed(
    pass,
    index,
    source,
    sums.columns.map(({ name, sql }) => `${sql} AS ${name}`),
  );
  const leaves = `asks + ${pass.spanMicros}`;
  const packed = (moment: string) => `(code % keys) * width + (${moment} - low)`;
  const marks = `SELECT id, (code // keys)::UINTEGER AS block, ${packed("asks")} AS asks,
    CASE WHEN enters < ${leaves} THEN ${packed("enters")} END AS enters, ${names.join(", ")}
    FROM ${rows}, __packing${index}`;
  const events = `SELECT block, enters AS moment, ${names.join(", ")} FROM __marks${index} WHERE enters IS NOT NULL
    UNION ALL SELECT block, ${leaves}, ${names.map((name) => `-${name}`).join(", ")} FROM __marks${index} WHERE enters IS NOT NULL`;
  const totals = sums.columns.map(({ name, small }) => `(sum(${name}) OVER events)${small ? "::BIGINT" : ""} AS ${name}`);
  const running = `SELECT block, moment, lead(moment) OVER events AS next, ${totals.join(", ")} FROM (${events})
    WINDOW events AS (PARTITION BY block ORDER BY moment ROWS UNBOUNDED PRECEDING)`;
  const values = sums.values.map((sql, column) => `${sql} AS value${column}`);
  return [
    ...codes,
    `__packing${index} AS MATERIALIZED (${packing(pass, source, codes.length === 0 ? "1" : `(SELECT count(*) FROM __codes${index})`)})`,
    `__marks${index} AS MATERIALIZED (${marks})`,
    `__running${index} AS (SELECT * FROM (${running}) WHERE next IS DISTINCT FROM moment)`,
    `__window${index} AS (SELECT marks.id, ${values.join(", ")} FROM __marks${index} AS marks
    ASOF LEFT JOIN __running${index} AS running ON marks.block = running.block AND marks.asks > running.moment)`,
  ];
}

/** One row: the earliest moment, how many microseconds there are up to the last that leaves, and how many keys share a block. */
function packing(pass: Pass, source: Source, keyCount: string): string {
  const time = timeOf(pass, source);
  const width = `max(${time}) - min(${time}) + ${pass.spanMicros + 1}`;
  return `SELECT low, width, greatest(1, least((${keyCount} + ${BLOCKS - 1}) // ${BLOCKS}, ${PACKED_MAX} // width)) AS keys
    FROM (SELECT min(${time}) AS low, ${width} AS width ${source.from})`;
}

interface SummedColumn {
  readonly name: string;
  readonly sql: string;
  /** What it adds for a row is below 2^32, so that the sum over four billion rows fits 64 bits. */
  readonly small: boolean;
}

/** The columns to sum up for some windows, each once, and the values that come of the sums. */
function sumsOf(windows: readonly TypedWindow[], source: Source): { columns: SummedColumn[]; values: string[] } {
  const columns: SummedColumn[] = [];
  const sumOf = (sql: string, small = false): string => {
    const known = columns.find((column) => column.sql === sql);
    if (known === undefined) columns.push({ name: `sum${columns.length}`, sql, small });
    return `running.${(known ?? columns.at(-1)!).name}`;
  };
  const countOf = (condition: string): string => sumOf(`coalesce((${condition})::INTEGER, 0)`, true);
  const values = windows.map(({ node: { aggregate }, value }) => {
    if (value === null) return sumOf("1", true);
    const operand = sqlOf(value, source);
    const count = countOf(`${operand.sql} IS NOT NULL`);
    if (aggregate === "count") return count;
    if (aggregate === "share") return mean(`${countOf(operand.sql)}::DOUBLE`, count);
    const total = operand.is.integer ? integerTotal(operand, sumOf) : fixedTotal(operand, sumOf, countOf);
    return aggregate === "mean" ? mean(total, count) : `CASE WHEN ${count} > 0 THEN ${total} END`;
  });
  return { columns, values };
}

const mean = (total: string, count: string): string => `CASE WHEN ${count} > 0 THEN ${total} / ${count}::DOUBLE END`;

/** What a row takes back is the negative of what it adds, which the least of 64 bits does not have. */
function integerTotal({ sql, magnitude }: SqlOperand, sumOf: (sql: string, small?: boolean) => string): string {
  if (magnitude < 2 ** 32) return `${sumOf(`coalesce(${sql}, 0)`, true)}::DOUBLE`;
  return exactDouble(sumOf(`coalesce(${sql}::HUGEINT, 0)`));
}

function fixedTotal({ sql }: SqlOperand, sumOf: (sql: string) => string, countOf: (condition: string) => string): string {
  const fits = `abs(${sql}) < ${quoteDouble(FIXED_MAGNITUDE_MAX)}`;
  const total = sumOf(`CASE WHEN ${fits} THEN floor(${sql} * ${quoteDouble(FIXED_POINT)} + 0.5e0)::HUGEINT ELSE 0 END`);
  return `(CASE WHEN ${countOf(`NOT ${fits}`)} = 0 THEN ${exactDouble(total)} / ${quoteDouble(FIXED_POINT)} END)`;
}

const HALF = 2 ** 52;

/** A HUGEINT as the nearest DOUBLE; the engine's own cast may err in the last bit. */
const exactDouble = (sum: string): string => `((${sum} // ${HALF})::DOUBLE * ${quoteDouble(HALF)} + (${sum} % ${HALF})::DOUBLE)`;

// Least and greatest

function searched(pass: Pass, index: number, source: Source): string[] {
  const entries = pass.windows.map(({ value }, column) => `${sqlOf(value as Typed, source).sql} AS entry${column}`);
  const { codes, rows } = keyed(pass, index, source, entries);
  const slot = `(asks + ${MOMENT_MICROS_MAX}) // ${pass.spanMicros}`;
  const values = pass.windows.map(({ node }, column) => `${node.aggregate}(entries.entry${column}) AS value${column}`);
  return [
    ...codes,
    `__marks${index} AS MATERIALIZED (SELECT *, ${slot} AS slot FROM ${rows})`,
    `__window${index} AS (SELECT askers.id, ${values.join(", ")}
    FROM (SELECT id, code, asks, unnest([slot, slot - 1]) AS slot FROM __marks${index}) AS askers
    JOIN __marks${index} AS entries ON entries.code = askers.code AND entries.slot = askers.slot
    WHERE entries.asks >= askers.asks - ${pass.spanMicros} AND entries.asks < askers.asks AND entries.enters < askers.asks GROUP BY askers.id)`,
  ];
}
