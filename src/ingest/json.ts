import { MillError } from "../base/index.ts";
import { quoteLiteral } from "../express/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { REJECT_REASON, storeRejects } from "./csv.ts";
import type { OpenedSource } from "./opened.ts";
import type { TextFile } from "./text-file.ts";

interface JsonOptions {
  readonly name: string;
  readonly index: number;
  readonly wanted: readonly string[];
  readonly sizeBytes: number;
}

/**
 * NDJSON (an object on each line) or a JSON file: an array of objects, or objects one after another. A value is read as its text; an object or list inside
 * a record is its JSON. Errors: `source.unreadable`.
 */
export async function openJson(
  file: TextFile,
  format: "ndjson" | "json",
  options: JsonOptions,
  tables: Tables,
): Promise<OpenedSource> {
  const lines = format === "ndjson" || hasObjectsOnLines(file.head);
  const records = lines ? lineRecords(file, options) : valueRecords(file, options);
  const keys = await keysOf(records, options, tables);
  return {
    name: options.name,
    found: { format: lines ? "ndjson" : "json", encoding: file.encoding },
    ...withFields(records.relation, keys),
    ordinal: null,
    text: "record",
    blank: lines ? "record IS NULL" : null,
    broken: { condition: NO_OBJECT, reason: lines ? "the line is not a JSON object" : "not a JSON object" },
    rejects: records.rejects,
    lines: lines ? (ordinals, rejected) => Promise.resolve(linesOf(ordinals, rejected)) : null,
  };
}

/** Records of JSON, the column `record` of `relation`, as columns of text by key. */
export function withFields(
  relation: OpenedSource["relation"],
  keys: readonly string[],
): Pick<OpenedSource, "relation" | "columns"> {
  const shape = JSON.stringify(Object.fromEntries(keys.map((key) => [key, "VARCHAR"])));
  return {
    columns: keys.map((key) => ({ name: key, sql: `fields.${quoteField(key)}`, type: "VARCHAR" })),
    relation: (reading) =>
      `(SELECT *, CASE WHEN is_object THEN json_transform(record, ${quoteLiteral(shape)}) END AS fields
        FROM (SELECT *, ${IS_OBJECT} AS is_object FROM ${relation(reading)}))`,
  };
}

/** A record of `withFields` that is no JSON object, as SQL. */
export const NO_OBJECT = "NOT is_object";

/** CASE, because AND may ask for the type of a text that is no JSON, which is an error. */
const IS_OBJECT = "(CASE WHEN json_valid(record) THEN json_type(record) = 'OBJECT' ELSE false END)";

const quoteField = (key: string) => `"${key.replaceAll('"', '""')}"`;

interface Records {
  readonly relation: OpenedSource["relation"];
  readonly rejects: string | null;
}

/** Each line as one text: the CSV reader with a delimiter and quotes that no text has. */
function lineRecords(file: TextFile, { index }: JsonOptions): Records {
  const [rejects, scans] = [`rejects_${index}`, `rejected_scans_${index}`];
  const options = `auto_detect = false, header = false, delim = chr(1), quote = '', escape = '', columns = {record: 'VARCHAR'},
    compression = '${file.gzip ? "gzip" : "none"}'`;
  return {
    relation: (reading) =>
      `read_csv(${quoteLiteral(file.path)}, ${options}, ${reading === "first" ? storeRejects(rejects, scans) : "ignore_errors = true"})`,
    rejects: `SELECT line AS place, any_value(csv_line) AS text, 0 AS size, any_value(${REJECT_REASON}) AS reason FROM ${rejects} GROUP BY ALL`,
  };
}

function valueRecords(file: TextFile, { sizeBytes }: JsonOptions): Records {
  const format = file.head.trimStart().startsWith("[") ? "array" : "unstructured";
  const compression = file.gzip ? "gzip" : "uncompressed";
  const size = file.gzip ? 64 << 20 : Math.max(sizeBytes + 1024, 1 << 20);
  return {
    relation: () =>
      `(SELECT json AS record FROM read_json_objects(${quoteLiteral(file.path)}, format = '${format}', compression = '${compression}', maximum_object_size = ${size}))`,
    rejects: null,
  };
}

/** A `.json` file that holds an object on its first line is NDJSON by another name. */
function hasObjectsOnLines(head: string): boolean {
  const [first = ""] = head.trimStart().split(/[\r\n]/, 1);
  try {
    return first.startsWith("{") && typeof JSON.parse(first) === "object";
  } catch {
    return false;
  }
}

const SAMPLE = 20_480;

/** The keys of the first records; of all records when a wanted one is not among them. */
async function keysOf(records: Records, { wanted, name }: JsonOptions, tables: Tables): Promise<string[]> {
  const keys = async (limit: string) => {
    const objects = `SELECT record FROM ${records.relation("again")} ${limit}`;
    const sql = `SELECT DISTINCT unnest(CASE WHEN ${IS_OBJECT} THEN json_keys(record) END) AS key FROM (${objects}) WHERE ${IS_OBJECT}`;
    const rows = await tables.rows(sql).catch((cause: MillError) => {
      throw new MillError("source.unreadable", `The file "${name}" is not JSON: ${cause.message}`, {
        at: name,
        expected: "an array of objects, or an object on each line",
        fix: "Check that the file is whole.",
        cause,
      });
    });
    return rows.map(({ key }) => String(key)).sort();
  };
  const sampled = await keys(`LIMIT ${SAMPLE}`);
  return wanted.every((key) => sampled.includes(key)) ? sampled : keys("");
}

/** Every line is a record or a reject: so lines and numbers of records differ by the rejects before. */
function linesOf(ordinals: readonly number[], rejects: readonly { readonly place: number }[]) {
  const rejected = rejects.map(({ place }) => place).sort((a, b) => a - b);
  const records = new Map<number, number>();
  let before = 0;
  for (const ordinal of ordinals) {
    while (before < rejected.length && rejected[before]! <= ordinal + 1 + before) before++;
    records.set(ordinal, ordinal + 1 + before);
  }
  return { records, rejects: new Map(rejected.map((place) => [place, place])) };
}
