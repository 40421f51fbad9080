/**
 * From a version of a data set to the rows a model learns from, is tuned on and is judged by.
 *
 *     parts --featureQuery--> fields, __label, __slice_* per row --boundary--> train | test | holdout Parquet
 *
 * Rows without a label stay out and are counted; rows before `trainFrom` are in no part. Windows look across the boundary: a test row may know what happened to earlier training rows.
 */
import { join } from "node:path";
import { canonicalJson, type Digest, formatMoment, type Json, MillError } from "../base/index.ts";
import type { Row, Schema, Task } from "../contract/index.ts";
import { featureQuery, type Node, quoteIdentifier as name, quoteLiteral as text } from "../express/index.ts";
import { type Boundary, beforeSql, partitionSql } from "../ingest/index.ts";
import { openDuckDb, stepEngine, type Tables } from "../ports/tables/index.ts";
import type { StepContext, StepKind, StepManifest } from "../steps/index.ts";

export interface TrainingSetInput {
  /** Parquet parts of the data set's version, in order. */
  readonly parts: readonly Digest[];
  readonly columns: Schema;
  readonly time: string | null;
  readonly entity: readonly string[];
  readonly outcomes: Readonly<Record<string, Node>>;
  readonly fields: Readonly<Record<string, Node>>;
  readonly label: Node;
  readonly slices: Readonly<Record<string, Node>>;
  readonly task: Task;
  readonly boundary: Boundary;
  /** Columns by which rows belong together: the parts carry it as GROUP, for folds that keep a group whole. */
  readonly groups?: readonly string[];
}

/** Columns of a training set beside the features; TIME is the row's data time in microseconds, BIGINT, null without a time column. */
export const LABEL = "__label";
export const TIME = "__time";
/** A number that rows with the same `groups` share. */
export const GROUP = "__group";
export const slicePrefix = "__slice_";
export const PARTS = ["train", "test", "holdout"] as const;

/** Errors: `features.no-labels`. */
export const trainingSet: StepKind<TrainingSetInput> = {
  name: "training-set",
  revision: 2,
  async run(input, context) {
    const tables = openDuckDb(stepEngine(context));
    try {
      await materialise(input, tables, context);
      return await describe(input, tables, context);
    } finally {
      tables.close();
    }
  },
};

/** Fills the table `rows`: one row of features, label and slices for each row of the data set, with the part it belongs to. */
async function materialise(input: TrainingSetInput, tables: Tables, context: StepContext): Promise<void> {
  context.progress(0, PARTS.length + 1, "computing features");
  const paths = await Promise.all(input.parts.map((part) => context.objects.pathOf(part)));
  const part = partitionSql(input.boundary, { time: input.time, entity: input.entity, columns: input.columns });
  const time = input.time === null ? "NULL::BIGINT" : `epoch_us(${name(input.time)})`;
  await tables.run(
    `CREATE TEMP VIEW history AS SELECT *, ${part} AS __part, ${time} AS ${TIME}${groupSql(input)} FROM (${numberedRows(paths)})`,
  );
  await tables.run(`CREATE TEMP VIEW source AS SELECT * FROM history ${reach(input)}`);
  const slices = Object.entries(input.slices).map(([slice, node]) => [slicePrefix + slice, node] as const);
  const query = featureQuery({
    shape: { columns: input.columns, outcomes: input.outcomes, ...(input.time ? { time: input.time } : {}) },
    relation: "source",
    fields: { ...input.fields, ...Object.fromEntries(slices), [LABEL]: input.label },
    rowId: "__row",
    keep: ["__part", TIME, ...groupColumns(input)],
  });
  await tables.run(`CREATE TEMP TABLE labelled AS ${query}`);
}

const groupColumns = ({ groups }: TrainingSetInput) => (groups === undefined ? [] : [GROUP]);

/** 48 bits of the values' MD5: the same in every version of the engine, and exact as a double. */
function groupSql({ groups }: TrainingSetInput): string {
  if (groups === undefined) return "";
  const texts = groups.map((column) => `coalesce(${name(column)}::VARCHAR, chr(30))`);
  return `, ('0x' || left(md5(concat_ws(chr(31), ${texts.join(", ")})), 12))::BIGINT AS ${GROUP}`;
}

/** Leaves out what is older than the rows of all parts by more than any window's span: nothing reads it. */
function reach({ boundary, fields, slices, label, time, columns }: TrainingSetInput): string {
  if (boundary.trainFrom == null) return "";
  const spans = [...Object.values(fields), ...Object.values(slices), label].flatMap(windowSpans);
  return `WHERE NOT (${beforeSql(boundary.trainFrom, { time, columns }, Math.max(0, ...spans))})`;
}

/** The rows of all parts with `__row`, their place in the data set: numbered by file, which costs the engine nothing. */
function numberedRows(paths: readonly string[]): string {
  return `SELECT * EXCLUDE file_row_number, file_row_number + file_index::BIGINT * ${PART_ROWS_MAX} AS __row
    FROM read_parquet([${paths.map(text).join(", ")}], union_by_name = true, file_row_number = true)`;
}

/** Above the rows of any part. */
const PART_ROWS_MAX = 2 ** 40;

async function describe(input: TrainingSetInput, tables: Tables, context: StepContext): Promise<StepManifest> {
  const objects: Record<string, Digest> = {};
  const facts: Record<string, Json> = {};
  const columns = [
    ...Object.keys(input.fields),
    ...Object.keys(input.slices).map((slice) => slicePrefix + slice),
    TIME,
    ...groupColumns(input),
    LABEL,
  ]
    .map(name)
    .join(", ");
  for (const [index, part] of PARTS.entries()) {
    context.progress(index + 1, PARTS.length + 1, `writing ${part}`);
    const rows = `labelled WHERE __part = ${text(part)} AND ${name(LABEL)} IS NOT NULL`;
    if (isAskedFor(part, input.boundary)) await requireRows(part, rows, tables);
    const path = join(context.scratch, `${part}.parquet`);
    await tables.run(
      `COPY (SELECT ${columns} FROM ${rows} ORDER BY __row) TO ${text(path)} (FORMAT parquet, COMPRESSION zstd${nameOf(part, input.boundary)})`,
    );
    objects[part] = await context.objects.putFile(path, { consume: true });
    facts[part] = await spanOf(input, tables, rows);
  }
  const [unlabelled] = await tables.rows(
    `SELECT count(*) AS n FROM labelled WHERE __part IS NOT NULL AND ${name(LABEL)} IS NULL`,
  );
  facts.unlabelled = Number(unlabelled!.n);
  Object.assign(facts, await labelFacts(input.task, tables));
  facts.windows = await windowsSeen(input, tables);
  return { objects, facts, measurements: [] };
}

/**
 * From generation 2 on a part says in the file whose it is: the rows of an older holdout can be exactly those of a newer test part, and with the same bytes
 * they would be one object, which is sealed.
 */
const nameOf = (part: string, boundary: Boundary): string =>
  boundary.trainFrom === undefined ? "" : `, KV_METADATA {part: ${text(`${part} of ${canonicalJson(boundary)}`)}}`;

const isAskedFor = (part: (typeof PARTS)[number], boundary: Boundary): boolean => {
  if (part === "train") return true;
  return "salt" in boundary ? boundary[part] > 0 : boundary[`${part}From`] !== null;
};

/** A part without rows cannot be learnt from or judged by; and two such parts would be one object, sealed as the holdout. */
async function requireRows(part: string, rows: string, tables: Tables): Promise<void> {
  const [labelled] = await tables.rows(`SELECT count(*) AS n FROM ${rows}`);
  if (Number(labelled!.n) > 0) return;
  const [all] = await tables.rows(`SELECT count(*) AS n FROM labelled WHERE __part = ${text(part)}`);
  throw new MillError("features.no-labels", `No row of the ${part} part has a label.`, {
    at: part,
    expected: "at least one row whose label is known",
    got: `${Number(all!.n)} rows, all with a missing label`,
    fix: "Check the label's expression and the columns it reads; `where` can leave out rows whose outcome is not known yet.",
  });
}

/** Rows of a part and, where rows have a time, from when to when. */
async function spanOf(input: TrainingSetInput, tables: Tables, rows: string): Promise<Json> {
  const [found] = await tables.rows(`SELECT count(*) AS n, min(__time) AS first, max(__time) AS last FROM ${rows}`);
  const { n, first, last } = found!;
  return { rows: Number(n), ...(input.time === null ? {} : { from: moment(first!), to: moment(last!) }) };
}

/**
 * The classes, sorted (`["false", "true"]` for binary, none for regression), and what a model would say that knows only the training rows' labels:
 * the share of the positive, the share of each class, or the mean.
 */
async function labelFacts(task: Task, tables: Tables): Promise<{ classes: string[]; constant: number[] }> {
  const trained = `FROM labelled WHERE __part = 'train' AND ${name(LABEL)} IS NOT NULL`;
  if (task !== "multiclass-classification") {
    const [row] = await tables.rows(`SELECT avg(${name(LABEL)}::DOUBLE) AS mean ${trained}`);
    return { classes: task === "regression" ? [] : ["false", "true"], constant: [Number(row!.mean)] };
  }
  const rows = await tables.rows(`SELECT ${name(LABEL)}::VARCHAR AS label, count(*) AS n ${trained} GROUP BY ALL ORDER BY label`);
  const total = rows.reduce((sum, row) => sum + Number(row.n), 0);
  return { classes: rows.map((row) => String(row.label)), constant: rows.map((row) => Number(row.n) / total) };
}

/** For each window its span, and how many rows are so early that the data does not reach back that far. */
async function windowsSeen(input: TrainingSetInput, tables: Tables): Promise<Json> {
  const seen: Record<string, Json> = {};
  for (const [field, node] of Object.entries(input.fields)) {
    for (const spanMicros of windowSpans(node)) {
      const early = `SELECT count(*) AS n FROM labelled WHERE __part IS NOT NULL AND __time < (SELECT min(__time) FROM history) + ${spanMicros}`;
      seen[field] = { spanMicros, shortHistoryRows: Number((await tables.rows(early))[0]!.n) };
    }
  }
  return seen;
}

/** The spans of the windows inside an expression, in microseconds. */
export function windowSpans(node: Node): number[] {
  if (node.op === "window") return [node.spanMicros];
  return "args" in node ? node.args.flatMap(windowSpans) : [];
}

const moment = (value: Row[string]) => (value === null ? null : formatMoment(Number(value)));
