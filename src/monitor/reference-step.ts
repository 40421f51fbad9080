/**
 * The step that makes a model version's reference, once.
 *
 *     test part --model--> predictions --by day--> quality, estimated quality, groups
 *               --bins---> features    --by day--> drift of one day against the whole
 *     raw rows of the same range ----------------> columns and rates of the feed
 */
import type { Digest } from "../base/index.ts";
import type { Schema, Task } from "../contract/index.ts";
import { columnsRead, type Node, quoteIdentifier as name, quoteLiteral, requestColumns } from "../express/index.ts";
import { readPart, TIME, windowSpans } from "../features/index.ts";
import { type Boundary, partitionSql } from "../ingest/index.ts";
import type { Evidence, Frame, Gain } from "../learn/index.ts";
import { openDuckDb, stepEngine, type Tables } from "../ports/tables/index.ts";
import type { StepContext, StepKind } from "../steps/index.ts";
import { openTrained, type Trained } from "../train/index.ts";
import { type Bins, binCount, binOf, countBins, layBins, layNumberBins } from "./bins.ts";
import { bandOf, distributionOf } from "./drift.ts";
import { type Calibration, calibrated, estimateQuality, fitCalibration, type Stated } from "./estimate.ts";
import { pick, pickEvidence, realisedQuality } from "./realised.ts";
import { GROUPS_MAX, groupResiduals, groupsOf } from "./realised-groups.ts";
import type { Band, Distribution, Reference } from "./reference.ts";
import { type ReferenceDays, referenceDays, rowsByDay } from "./reference-days.ts";
import { describeFeed } from "./reference-feed.ts";

export interface ReferenceInput {
  readonly model: string;
  readonly task: Task;
  readonly classes: readonly string[];
  readonly threshold: number | null;
  readonly gain: Gain | null;
  readonly trained: Digest;
  readonly test: Digest;
  /** The data set that the training set was made of. */
  readonly parts: readonly Digest[];
  readonly columns: Schema;
  readonly time: string | null;
  readonly entity: readonly string[];
  readonly outcomes: Readonly<Record<string, Node>>;
  readonly fields: Readonly<Record<string, Node>>;
  readonly boundary: Boundary;
}

export const reference: StepKind<ReferenceInput> = {
  name: "reference",
  revision: 1,
  async run(input, context) {
    context.progress(0, 3, "scoring the test part");
    await using model = await openTrained(input.trained, context);
    const data = await readPart(input.test, { ...input, features: Object.keys(input.fields) }, context);
    const scored = scoredRows(input, await model.predict(data.X), data.y, model);
    const times = data.all.columns[TIME];
    const days = referenceDays(times?.kind === "number" ? times.values : new Float64Array(data.y.length).fill(Number.NaN));

    const tables = openDuckDb(stepEngine(context));
    try {
      context.progress(1, 3, "counting the features by day");
      const features = await describeFeatures(input, days, tables, context);
      context.progress(2, 3, "looking at the feed");
      const feed = await describeFeed({ tables, time: input.time, ...(await feedOf(input, context)) });
      const reads = readsOf(input);
      const made: Reference = {
        format: 1,
        model: input.model,
        task: input.task,
        classes: input.classes,
        threshold: input.threshold,
        gain: input.gain,
        rows: data.y.length,
        days: days.days,
        features,
        prediction: describePredictions(input, scored, days),
        ...feed,
        importance: wholeOf(model.predictor?.importance() ?? {}, Object.keys(input.fields)),
        reads,
        calendar: Object.keys(reads).filter((field) => reads[field]!.every((column) => column === input.time)),
        calibration: scored.calibration,
        ...qualityByDay(input, scored, days, data.X),
      };
      const digest = await context.objects.put(Buffer.from(JSON.stringify(made)));
      return { objects: { reference: digest }, facts: { rows: made.rows, days: made.days }, measurements: [] };
    } finally {
      tables.close();
    }
  },
};

interface Scored {
  readonly evidence: Evidence;
  readonly calibration: Calibration | null;
  /** Probability of the positive or of the likeliest class, or the value; as stated, and calibrated. */
  readonly stated: Float64Array;
  readonly expected: Float64Array;
  /** What `expected` is about: the positive, a right answer, or the number. */
  readonly happened: Float64Array;
  readonly decided: Float64Array;
}

function scoredRows(input: ReferenceInput, predictions: Float64Array, y: Float64Array, { outputs }: Trained): Scored {
  const { task, classes, threshold, gain } = input;
  const evidence: Evidence = {
    ...{ predictions, y, classes },
    ...(threshold === null ? {} : { threshold }),
    ...(gain === null ? {} : { gain }),
  };
  if (task === "regression")
    return { evidence, calibration: null, stated: predictions, expected: predictions, happened: y, decided: predictions };
  const likeliest = Float64Array.from({ length: outputs === 1 ? 0 : y.length }, (_, row) => greatest(predictions, row, outputs));
  const stated = outputs === 1 ? predictions : likeliest.map((k, row) => predictions[row * outputs + k]!);
  const happened = outputs === 1 ? y : likeliest.map((k, row) => (k === y[row] ? 1 : 0));
  const decided = outputs === 1 ? predictions.map((p) => (p >= (threshold ?? 0.5) ? 1 : 0)) : likeliest;
  const calibration = fitCalibration(stated, happened);
  return { evidence, calibration, stated, expected: stated.map((p) => calibrated(calibration, p)), happened, decided };
}

function greatest(values: Float64Array, row: number, width: number): number {
  let best = 0;
  for (let k = 1; k < width; k++) if (values[row * width + k]! > values[row * width + best]!) best = k;
  return best;
}

async function describeFeatures(
  { test, fields }: ReferenceInput,
  days: ReferenceDays,
  tables: Tables,
  context: StepContext,
): Promise<Record<string, Distribution>> {
  const file = `read_parquet(${quoteLiteral(await context.objects.pathOf(test))}, file_row_number = true)`;
  const types = new Map((await tables.describe(`SELECT * FROM ${file}`)).map(({ name, type }) => [name, type]));
  const kinds = Object.fromEntries(Object.keys(fields).map((field) => [field, kindOf(types.get(field)!)]));
  const values = Object.keys(fields).map((field) => `${asNumberOrText(name(field), types.get(field)!)} AS ${name(field)}`);
  await tables.run(
    `CREATE TEMP VIEW test AS SELECT ${[...values, `${TIME} AS "time"`, `file_row_number AS "row"`].join(", ")} FROM ${file}`,
  );
  const bins = await layBins(tables, "test", kinds);
  const counted = await countBins({ tables, relation: "test", chunk: `coalesce(${days.sql}, -1e9)`, columns: bins });
  const describe = (field: string): [string, Distribution] => {
    const countsOf = (isWhole: boolean) =>
      [...counted].filter(([day]) => days.whole.includes(day) === isWhole).map(([, columns]) => columns[field]!.counts);
    return [field, distributionOf(bins[field]!, countsOf(true), countsOf(false))];
  };
  return Object.fromEntries(Object.keys(fields).map(describe));
}

const kindOf = (type: string): Bins["kind"] => (/^(VARCHAR|ENUM)/.test(type) ? "text" : "number");

function asNumberOrText(column: string, type: string): string {
  if (kindOf(type) === "text") return `${column}::VARCHAR`;
  if (/^(DATE|TIMESTAMP)/.test(type)) return `epoch_us(${column})::DOUBLE`;
  return type === "BOOLEAN" ? `${column}::INTEGER::DOUBLE` : `${column}::DOUBLE`;
}

function describePredictions({ task, classes }: ReferenceInput, { stated, decided }: Scored, days: ReferenceDays): Distribution {
  const labels = task === "multiclass-classification";
  const bins = labels ? commonestClasses(classes, decided) : layNumberBins(stated);
  const counts = new Map<number, number[]>();
  for (let row = 0; row < stated.length; row++) {
    const day = counts.get(days.of[row]!) ?? new Array<number>(binCount(bins)).fill(0);
    day[binOf(bins, labels ? classes[decided[row]!]! : stated[row]!)]!++;
    counts.set(days.of[row]!, day);
  }
  const whole = days.whole.map((day) => counts.get(day)!);
  const rest = [...counts].filter(([day]) => !days.whole.includes(day)).map(([, day]) => day);
  return distributionOf(bins, whole, rest);
}

const CLASSES_MAX = 20;

function commonestClasses(classes: readonly string[], decided: Float64Array): Bins {
  const counts = classes.map(() => 0);
  for (const k of decided) counts[k]!++;
  const order = [...classes.keys()].sort((a, b) => counts[b]! - counts[a]! || a - b);
  return { kind: "text", edges: [], values: order.slice(0, CLASSES_MAX).map((k) => classes[k]!) };
}

/** What the model's quality was on each day, with labels and estimated without, and how its errors were spread over groups. */
function qualityByDay(
  { task, gain }: ReferenceInput,
  scored: Scored,
  days: ReferenceDays,
  X: Frame,
): Pick<Reference, "quality" | "estimated" | "groups"> {
  const byDay = [...rowsByDay(days).values()];
  const stated = (rows: Uint32Array): Stated => ({
    stated: pick(scored.stated, rows),
    expected: pick(scored.expected, rows),
    decided: task === "binary-classification" ? pick(scored.decided, rows) : new Float64Array(rows.length).fill(1),
    gain,
  });
  const groups = Object.entries(X.columns).flatMap(([feature, column]) => {
    if (column.kind === "number" || column.texts.length > GROUPS_MAX) return [];
    const found = groupResiduals(
      byDay.map((rows) =>
        groupsOf(column, rows, {
          happened: pick(scored.happened, rows),
          expected: pick(scored.expected, rows),
          chances: task !== "regression",
        }),
      ),
    );
    return found === null ? [] : [[feature, found] as const];
  });
  return {
    quality: bandsOf(byDay.map((rows) => realisedQuality(task, pickEvidence(scored.evidence, rows)) ?? {})),
    estimated: bandsOf(byDay.map((rows) => estimateQuality(task, stated(rows)) ?? {})),
    groups: Object.fromEntries(groups),
  };
}

function bandsOf(days: readonly Readonly<Record<string, { readonly value: number | null }>>[]): Record<string, Band> {
  const measures = new Set(days.flatMap((day) => Object.keys(day)));
  return Object.fromEntries(
    [...measures].flatMap((measure) => {
      const band = bandOf(days.flatMap((day) => day[measure]?.value ?? []));
      return band === null ? [] : [[measure, band]];
    }),
  );
}

/** Rows that a split by hash put into the test part follow each other with gaps: there all rows stand for the feed. */
async function feedOf(input: ReferenceInput, { objects }: StepContext): Promise<{ relation: string; columns: Schema }> {
  const { boundary, columns, time, entity, fields, outcomes } = input;
  const files = await Promise.all(input.parts.map((part) => objects.pathOf(part)));
  const rows = `read_parquet([${files.map(quoteLiteral).join(", ")}], union_by_name = true, file_row_number = true)`;
  const part = partitionSql(boundary, { time, entity, columns });
  const chosen = "salt" in boundary ? `${part} IS NOT NULL` : `${part} = 'test'`;
  const asked = requestColumns(fields, { columns, outcomes, ...(time === null ? {} : { time }) });
  return {
    relation: `(SELECT *, row_number() OVER () AS __row FROM ${rows} WHERE ${chosen})`,
    columns: Object.fromEntries(asked.filter((column) => column !== time).map((column) => [column, columns[column]!])),
  };
}

/** A window reads the time of the row that asks, and knows of others by theirs. */
function readsOf({ fields, time }: ReferenceInput): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(fields).map(([field, node]) => {
      const read = new Set(columnsRead(node));
      if (time !== null && windowSpans(node).length > 0) read.add(time);
      return [field, [...read]];
    }),
  );
}

/** Shares of all features, summing to 1; equal where the model tells none. */
function wholeOf(importance: Readonly<Record<string, number>>, features: readonly string[]): Record<string, number> {
  const total = features.reduce((sum, feature) => sum + (importance[feature] ?? 0), 0);
  return Object.fromEntries(
    features.map((feature) => [feature, total > 0 ? (importance[feature] ?? 0) / total : 1 / features.length]),
  );
}
