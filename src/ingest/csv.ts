import { quoteLiteral } from "../express/index.ts";
import { locateRecords } from "./lines.ts";
import type { OpenedSource } from "./opened.ts";
import type { TextFile } from "./text-file.ts";

const DELIMITERS = [",", ";", "\t", "|"] as const;

/**
 * A CSV file with a header: fields may be quoted by `"`, which is doubled inside. All fields are read as text; an empty field is null.
 * `wanted` are the names looked for when the delimiter has to be found. A file of no bytes has no columns.
 */
export function openCsv(
  file: TextFile,
  { name, index, delimiter, wanted }: { name: string; index: number; delimiter: string | undefined; wanted: readonly string[] },
): OpenedSource {
  const separator = delimiter ?? findDelimiter(file, wanted);
  const [header = []] = splitRecords(file, separator, 1);
  const names = uniqueNames(header);
  const [rejects, scans] = [`rejects_${index}`, `rejected_scans_${index}`];
  const columns = names.map((column, at) => ({ name: column, sql: `c${at}`, type: "VARCHAR" }));
  const options = [
    quoteLiteral(file.path),
    "auto_detect = false",
    "header = true",
    `delim = ${quoteLiteral(separator)}`,
    `quote = '"'`,
    `escape = '"'`,
    "nullstr = ''",
    `compression = '${file.gzip ? "gzip" : "none"}'`,
    `columns = {${columns.map(({ sql }) => `${sql}: 'VARCHAR'`).join(", ")}}`,
  ];
  return {
    name,
    found: { format: "csv", encoding: file.encoding, delimiter: separator },
    columns,
    relation: (reading) =>
      `read_csv(${[...options, reading === "first" ? storeRejects(rejects, scans) : "ignore_errors = true"].join(", ")})`,
    ordinal: null,
    text: null,
    blank: columns.length === 1 ? "c0 IS NULL" : null,
    broken: null,
    // The reader's text of a row may begin with the line ends before it.
    rejects: `SELECT line_byte_position - 1 + strlen(given) - strlen(kept) AS place, kept AS text, strlen(kept) AS size, reason
      FROM (SELECT line_byte_position, any_value(csv_line) AS given, ltrim(given, chr(10) || chr(13)) AS kept, min_by(${REJECT_REASON}, column_idx) AS reason
        FROM ${rejects} GROUP BY line_byte_position)`,
    lines: (ordinals, rejected) => locateRecords(file, { blankLines: columns.length === 1 }, ordinals, rejected),
  };
}

export const storeRejects = (rejects: string, scans: string) =>
  `store_rejects = true, rejects_table = '${rejects}', rejects_scan = '${scans}', rejects_limit = 0`;

/** DuckDB's kinds of rejects, as sentences that say what was expected. */
export const REJECT_REASON = `CASE error_type
  WHEN 'MISSING COLUMNS' THEN replace(replace(error_message, 'Expected Number of Columns: ', 'too few fields: expected '), ' Found:', ', found')
  WHEN 'TOO MANY COLUMNS' THEN replace(replace(error_message, 'Expected Number of Columns: ', 'too many fields: expected '), ' Found:', ', found')
  WHEN 'UNQUOTED VALUE' THEN 'a quote is not closed, or text follows it'
  WHEN 'INVALID ENCODING' THEN 'not text in UTF-8'
  WHEN 'LINE SIZE OVER MAXIMUM' THEN 'longer than 2 MB'
  ELSE error_message END`;

/** The delimiter that finds most of the wanted columns in the header, then the one that cuts the first lines most evenly. */
function findDelimiter(file: TextFile, wanted: readonly string[]): string {
  let [best, bestScore] = [",", -1];
  for (const delimiter of DELIMITERS) {
    const [header = [], ...rows] = splitRecords(file, delimiter, 50);
    const names = new Set(header.map((cell) => cell.trim()));
    const found = wanted.filter((column) => names.has(column)).length;
    const even = header.length < 2 ? 0 : (1 + rows.filter((row) => row.length === header.length).length) / (1 + rows.length);
    const score = found * 1000 + even * 100 + Math.min(header.length, 99);
    if (score > bestScore) [best, bestScore] = [delimiter, score];
  }
  return best;
}

/** The first records of a text, at most `max`; a record that the head cuts off is left out. */
function splitRecords({ head, whole }: TextFile, delimiter: string, max: number): string[][] {
  const records: string[][] = [];
  let [record, cell, quoted]: [string[], string, boolean] = [[], "", false];
  const endRecord = () => {
    record.push(cell);
    if (record.length > 1 || cell !== "") records.push(record);
    [record, cell] = [[], ""];
  };
  for (let at = 0; at < head.length && records.length < max; at++) {
    const character = head[at]!;
    if (character === '"') {
      if (quoted && head[at + 1] === '"') cell += head[at++];
      else quoted = !quoted;
    } else if (quoted) cell += character;
    else if (character === delimiter) {
      record.push(cell);
      cell = "";
    } else if (character === "\n" || character === "\r") endRecord();
    else cell += character;
  }
  if (whole && records.length < max) endRecord();
  return records;
}

/** Names without white space around them; an empty or repeated one gets the number of its column. SQL takes no notice of case. */
function uniqueNames(header: readonly string[]): string[] {
  const taken = new Set<string>();
  return header.map((cell, index) => {
    const trimmed = cell.trim();
    const name = trimmed === "" || taken.has(trimmed.toLowerCase()) ? `${trimmed || "column"}_${index + 1}` : trimmed;
    taken.add(name.toLowerCase());
    return name;
  });
}
