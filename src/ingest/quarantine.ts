/**
 * The rows that were put aside, with why. Their sources are read a second time, only when there are any.
 *
 *     | columns of the source, as text | __reason | __column | __value | __source | __row | __line | __text |
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Schema } from "../contract/index.ts";
import { columnsRead, quoteIdentifier, quoteLiteral } from "../express/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { MEANINGS } from "./cast.ts";
import type { ReadColumn } from "./columns.ts";
import type { OpenedSource } from "./opened.ts";
import { FAULT, holdsColumn, isRowCheck, passesSql, type RowCheck } from "./stage.ts";

export interface StagedSource {
  readonly source: OpenedSource;
  readonly read: readonly ReadColumn[];
  /** Records that the reader could not take apart. */
  readonly rejected: number;
}

export interface Quarantining {
  readonly staged: string;
  readonly sources: readonly StagedSource[];
  readonly columns: Schema;
  readonly checks: readonly RowCheck[];
  readonly scratch: string;
}

/** Writes the quarantine to `path`, in the order of the sources. Reads the tables `repeats` and `rejects_*`. */
export async function writeQuarantine(given: Quarantining, path: string, tables: Tables): Promise<void> {
  await tables.run(`CREATE TEMP TABLE aside AS SELECT s.__source, s.__ordinal, s.__fault, ${failedSql(given.checks)} AS __check
    FROM ${given.staged} AS s LEFT JOIN repeats AS r USING (__source, __ordinal)
    WHERE s.__fault NOT IN (${FAULT.leftOut}, ${FAULT.blank}, ${FAULT.ahead}) AND (NOT (${passesSql(given.checks)}) OR r.__check IS NOT NULL)`);
  await tables.run("CREATE TEMP TABLE lines (__source INTEGER, __kind VARCHAR, __place BIGINT, __line BIGINT)");
  for (const [index, staged] of given.sources.entries()) await findLines(index, staged, given, tables);
  const parts = given.sources.flatMap((staged, index) => [asideSql(index, staged, given), ...(rejectedSql(index, staged) ?? [])]);
  await tables.run(`COPY (SELECT * EXCLUDE (__index, __place) FROM (${parts.join(" UNION ALL BY NAME ")}) ORDER BY __index, __line, __place)
    TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION zstd)`);
}

/** The index of the first check that a row fails. */
function failedSql(checks: readonly RowCheck[]): string {
  const cases = checks.map(
    (check) => `WHEN ${isRowCheck(check) ? `${holdsColumn(check)} IS FALSE` : `r.__check = ${check.index}`} THEN ${check.index}`,
  );
  return cases.length === 0 ? "NULL" : `CASE ${cases.join(" ")} END`;
}

/** Fills `lines` for one source. */
async function findLines(
  index: number,
  { source, rejected }: StagedSource,
  { scratch }: Quarantining,
  tables: Tables,
): Promise<void> {
  if (source.lines === null) return;
  const ordinals = (await tables.rows(`SELECT __ordinal AS n FROM aside WHERE __source = ${index} ORDER BY n`)).map(({ n }) =>
    Number(n),
  );
  const rejects = rejected === 0 ? [] : await tables.rows(`SELECT place, size FROM (${source.rejects})`);
  if (ordinals.length === 0 && rejects.length === 0) return;
  const found = await source.lines(
    ordinals,
    rejects.map(({ place, size }) => ({ place: Number(place), sizeBytes: Number(size) })),
  );
  const path = join(scratch, `lines-${index}.csv`);
  const texts = [
    ...[...found.records].map(([place, line]) => `${index},record,${place},${line}`),
    ...[...found.rejects].map(([place, line]) => `${index},reject,${place},${line}`),
  ];
  if (texts.length === 0) return;
  await writeFile(path, `${texts.join("\n")}\n`);
  await tables.run(`INSERT INTO lines SELECT * FROM read_csv(${quoteLiteral(path)}, auto_detect = false, header = false, delim = ',',
    columns = {a: 'INTEGER', b: 'VARCHAR', c: 'BIGINT', d: 'BIGINT'})`);
}

function asideSql(index: number, { source, read }: StagedSource, { columns, checks }: Quarantining): string {
  const ordinal = source.ordinal ?? "row_number() OVER () - 1";
  const raw = source.columns.map(
    (column) => `CASE WHEN __fault <> ${FAULT.broken} THEN ${column.sql}::VARCHAR END AS ${quoteIdentifier(column.name)}`,
  );
  return `SELECT ${[...raw, ...whySql(read, columns, checks, source)].join(", ")},
      ${quoteLiteral(source.name)} AS __source, __ordinal + 1 AS __row, __line, ${source.text ?? "NULL"}::VARCHAR AS __text,
      ${index} AS __index, __ordinal AS __place
    FROM (SELECT *, ${ordinal} AS __ordinal FROM ${source.relation("again")})
    JOIN (SELECT __ordinal, __fault, __check FROM aside WHERE __source = ${index}) USING (__ordinal)
    LEFT JOIN (SELECT __place AS __ordinal, __line FROM lines WHERE __source = ${index} AND __kind = 'record') USING (__ordinal)`;
}

/** Reason, column and value. A reason never holds the value, so that equal faults can be counted. */
function whySql(read: readonly ReadColumn[], columns: Schema, checks: readonly RowCheck[], source: OpenedSource): string[] {
  const [reason, column, value]: [string[], string[], string[]] = [[], [], []];
  if (source.broken) reason.push(`WHEN __fault = ${FAULT.broken} THEN ${quoteLiteral(source.broken.reason)}`);
  read.forEach(({ name, source }, i) => {
    const { type } = columns[name]!;
    reason.push(`WHEN __fault = ${FAULT.misfit(i)} THEN ${quoteLiteral(`not of type ${type}: ${MEANINGS[type]}`)}`);
    reason.push(`WHEN __fault = ${FAULT.absent(i)} THEN 'missing, and the column must have a value'`);
    column.push(`WHEN __fault IN (${FAULT.misfit(i)}, ${FAULT.absent(i)}) THEN ${quoteLiteral(name)}`);
    value.push(`WHEN __fault IN (${FAULT.misfit(i)}, ${FAULT.absent(i)}) THEN ${source.sql}::VARCHAR`);
  });
  for (const check of checks) {
    reason.push(`WHEN __check = ${check.index} THEN ${quoteLiteral(`fails the check: ${check.text}`)}`);
    const named = "unique" in check.holds ? check.holds.unique : [...columnsRead(check.holds)];
    const only = named.length === 1 ? read.find(({ name }) => name === named[0]) : undefined;
    if (!only) continue;
    column.push(`WHEN __check = ${check.index} THEN ${quoteLiteral(only.name)}`);
    value.push(`WHEN __check = ${check.index} THEN ${only.source.sql}::VARCHAR`);
  }
  const chosen = (cases: readonly string[]) => (cases.length === 0 ? "NULL::VARCHAR" : `CASE ${cases.join(" ")} END`);
  return [`${chosen(reason)} AS __reason`, `${chosen(column)} AS __column`, `${chosen(value)} AS __value`];
}

function rejectedSql(index: number, { source, rejected }: StagedSource): string[] | null {
  if (rejected === 0) return null;
  return [
    `SELECT reason AS __reason, NULL::VARCHAR AS __column, NULL::VARCHAR AS __value, ${quoteLiteral(source.name)} AS __source, NULL::BIGINT AS __row, __line, text AS __text,
       ${index} AS __index, place AS __place
     FROM (${source.rejects}) LEFT JOIN (SELECT __place AS place, __line FROM lines WHERE __source = ${index} AND __kind = 'reject') USING (place)`,
  ];
}
