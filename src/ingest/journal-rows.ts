import { join } from "node:path";
import { type Digest, MillError } from "../base/index.ts";
import { quoteLiteral } from "../express/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { NO_OBJECT, withFields } from "./json.ts";
import type { OpenedSource } from "./opened.ts";

/** Rows that came one by one: the first `rowCount` of a journal's data set, with a row of the growing data set as JSON text in each, and the `id` of its coming. */
export interface IngestJournal {
  readonly dataset: string;
  readonly version: number;
  /** Parquet, in order. */
  readonly parts: readonly Digest[];
  readonly rowCount: number;
}

export interface OpenedJournal extends OpenedSource {
  /** Rows whose id had come before: they are no records. */
  readonly repeated: number;
}

interface Opening {
  /** Of the source among those that are read together. */
  readonly index: number;
  /** The data set's columns; what else a record holds is passed over. */
  readonly columns: readonly string[];
  readonly objects: Pick<Objects, "pathOf">;
  readonly scratch: string;
}

/**
 * The rows of a journal as records of JSON, in the order in which they came. What came twice under one id is one record, the first. A journal is no file:
 * its columns are the data set's, so that a record without one of them is a record whose value is missing. Errors: `source.missing`.
 */
export async function openJournalRows(
  { dataset, version, parts, rowCount }: IngestJournal,
  { index, columns, objects, scratch }: Opening,
  tables: Tables,
): Promise<OpenedJournal> {
  const taken: string[] = [];
  let first = 0;
  for (const part of parts) {
    const path = await objects.pathOf(part).catch((cause) => Promise.reject(gone(dataset, version, cause)));
    const relation = `read_parquet(${quoteLiteral(path)}, file_row_number = true)`;
    taken.push(`SELECT *, file_row_number + ${first} AS __nth FROM ${relation}`);
    first += Number((await tables.rows(`SELECT count(*) AS n FROM ${relation}`))[0]!.n);
  }
  if (first < rowCount) throw gone(dataset, version);
  // A part from before ids has none: each of its rows came by itself.
  const rows = `SELECT __nth, "row" AS record, coalesce(id, '#' || __nth) AS came
    FROM (${taken.join(" UNION ALL BY NAME ")} UNION ALL BY NAME SELECT NULL::VARCHAR AS id, NULL::VARCHAR AS "row", NULL::BIGINT AS __nth WHERE false)
    WHERE __nth < ${rowCount}`;
  const path = join(scratch, `journal-${index}.parquet`);
  await tables.run(
    `COPY (SELECT arg_min(record, __nth) AS record FROM (${rows}) GROUP BY came ORDER BY min(__nth)) TO ${quoteLiteral(path)} (FORMAT parquet)`,
  );
  const [kept] = await tables.rows(`SELECT count(*) AS n FROM read_parquet(${quoteLiteral(path)})`);
  return {
    name: dataset,
    found: { format: "journal", version },
    ...withFields(() => `read_parquet(${quoteLiteral(path)}, file_row_number = true)`, columns),
    ordinal: "file_row_number",
    text: "record",
    blank: null,
    broken: { condition: NO_OBJECT, reason: "not a JSON object" },
    rejects: null,
    lines: null,
    repeated: rowCount - Number(kept!.n),
  };
}

const gone = (dataset: string, version: number, cause?: unknown) =>
  new MillError(
    "source.missing",
    `Rows of version ${version} of "${dataset}", which were fed as events, are not there any more.`,
    {
      at: dataset,
      fix: "Bring the workspace's objects back from a backup.",
      cause,
    },
  );
