import { stat } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "../base/index.ts";
import type { Row } from "../contract/index.ts";
import type { DatasetDefinition } from "../define/index.ts";
import { compileSql, quoteIdentifier, quoteLiteral } from "../express/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { matchColumns } from "./columns.ts";
import { openSource } from "./open-source.ts";
import type { ResolvedSource } from "./sources.ts";

export interface HeldBackAsked {
  readonly dataset: DatasetDefinition & { readonly time: string };
  readonly sources: readonly ResolvedSource[];
  /** Data times in microseconds: rows later than `after`; from `from` on, or known only then; before `to`. */
  readonly after: number | null;
  readonly from: number | null;
  readonly to: number | null;
  /** A folder for what is sorted; it must live as long as the answer is read. */
  readonly scratch: string;
}

export interface HeldBack {
  readonly rowCount: number;
  /** Of the oldest and the newest row, in microseconds; null when there is none. */
  readonly oldest: number | null;
  readonly newest: number | null;
  /** In the order of their times, a page at a time. A value that does not fit its column is null. */
  rows(): AsyncGenerator<HeldBackRow>;
}

export interface HeldBackRow {
  /** The same for the same record of the same file, in every process. */
  readonly id: string;
  readonly row: Row;
}

const PAGE_ROWS = 5000;

/**
 * The rows of the files that a data set's `where` leaves out: what is kept for later, as live traffic. Read with the casts of `ingest`; records that
 * cannot be taken apart, or have no time, are passed over. Errors: those of `openSource` and `matchColumns`.
 */
export async function readHeldBack(asked: HeldBackAsked, tables: Tables): Promise<HeldBack> {
  const { dataset, sources, scratch } = asked;
  const each = await Promise.all(sources.map((source, index) => heldBackSql(source, index, asked, tables)));
  const path = join(scratch, `held-back-${dataset.name}.parquet`);
  const time = quoteIdentifier(dataset.time);
  await tables.run(`COPY (
    SELECT *, row_number() OVER (ORDER BY ${time}, __source, __ordinal) - 1 AS __n FROM (${each.join(" UNION ALL ")}) ORDER BY __n
  ) TO ${quoteLiteral(path)} (FORMAT parquet, ROW_GROUP_SIZE 20480)`);
  const relation = `read_parquet(${quoteLiteral(path)})`;
  const [ends] = await tables.rows(
    `SELECT count(*) AS n, min(epoch_us(${time})) AS oldest, max(epoch_us(${time})) AS newest FROM ${relation}`,
  );
  const rowCount = Number(ends!.n);
  const files = sources.map(({ name }) => digestOf(name).slice("sha256:".length, "sha256:".length + 12));
  return {
    rowCount,
    oldest: ends!.oldest as number | null,
    newest: ends!.newest as number | null,
    async *rows() {
      for (let first = 0; first < rowCount; first += PAGE_ROWS) {
        const page = await tables.rows(
          `SELECT * FROM ${relation} WHERE __n >= ${first} AND __n < ${first + PAGE_ROWS} ORDER BY __n`,
        );
        for (const { __source, __ordinal, __n, ...row } of page) yield { id: `${files[Number(__source)]}-${__ordinal}`, row };
      }
    },
  };
}

async function heldBackSql(
  source: ResolvedSource,
  index: number,
  { dataset, after, from, to, scratch }: HeldBackAsked,
  tables: Tables,
): Promise<string> {
  const { columns, time, where, outcomes } = dataset;
  const { size } = await stat(source.path);
  const wanted = Object.entries(columns).map(([column, { source: named = column }]) => named);
  const { delimiter, encoding } = dataset.from;
  const opened = await openSource({ ...source, delimiter, encoding }, { index, wanted, sizeBytes: size, scratch }, tables);
  const read = matchColumns(opened, columns, time, dataset.name);
  const values = read.map(({ name, value }) => `${value} AS ${quoteIdentifier(name)}`);
  const faulty = [opened.blank, opened.broken?.condition].flatMap((fault) => (fault ? [`(${fault}) IS NOT TRUE`] : []));
  const at = `epoch_us(${quoteIdentifier(time)})`;
  const latest = [at, ...Object.values(outcomes).map((known) => `epoch_us(${compileSql(known, columns)})`)];
  const kept = [
    `${at} IS NOT NULL`,
    where === undefined ? "false" : `(${compileSql(where, columns)}) IS NOT TRUE`,
    ...(after === null ? [] : [`${at} > ${after}`]),
    ...(from === null ? [] : [`greatest(${latest.join(", ")}) >= ${from}`]),
    ...(to === null ? [] : [`${at} < ${to}`]),
  ];
  return `SELECT * FROM (
    SELECT ${index} AS __source, ${opened.ordinal ?? "row_number() OVER () - 1"} AS __ordinal, ${values.join(", ")}
    FROM (SELECT * FROM ${opened.relation("again")}) ${faulty.length > 0 ? `WHERE ${faulty.join(" AND ")}` : ""}
  ) WHERE ${kept.join(" AND ")}`;
}
