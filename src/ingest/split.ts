import { type Digest, type Json, MillError, parseMoment } from "../base/index.ts";
import type { Schema } from "../contract/index.ts";
import type { Split } from "../define/index.ts";
import { quoteIdentifier, quoteLiteral } from "../express/index.ts";
import { openDuckDb, stepEngine, type Tables } from "../ports/tables/index.ts";
import { momentText } from "../quality/index.ts";
import type { StepKind } from "../steps/index.ts";
import { type Boundary, beforeSql, partitionSql } from "./boundary.ts";

export interface SplitInput {
  readonly dataset: string;
  /** Parquet parts, in order. */
  readonly parts: readonly Digest[];
  readonly columns: Schema;
  readonly time: string | null;
  readonly entity: readonly string[];
  readonly split: Split;
  /** The boundary that was frozen with an earlier version: it stays, whatever rows came since. */
  readonly frozen?: Boundary | null;
  /** From generation 2 on: the split is chosen anew. */
  readonly generation?: {
    readonly number: number;
    /** Older rows are in no part; null: every row is in one. */
    readonly trainFrom: string | null;
    /** Where the parts of the generation before start, by time: these do not start earlier; null: it was cut by hash. */
    readonly older: OlderParts | null;
  };
}

export interface OlderParts {
  readonly testFrom: string | null;
  readonly holdoutFrom: string | null;
}

/**
 * Chooses the boundary of a data set. By time: moments such that about the asked share of the rows lies behind each, and no moment is on both sides.
 * By hash: the shares themselves. Facts: `boundary`, and `rows` of train, test and holdout; of a generation also its number, `older` rows, which are in
 * no part, and a `note` when a part was kept from starting before the one that it replaces. Errors: `split.too-few`.
 */
export const split: StepKind<SplitInput> = {
  name: "split",
  revision: 1,
  async run(input, context) {
    const tables = openDuckDb(stepEngine(context));
    try {
      const paths = await Promise.all(input.parts.map((part) => context.objects.pathOf(part)));
      const relation = `read_parquet([${paths.map(quoteLiteral).join(", ")}])`;
      const { boundary, note } = input.frozen ? { boundary: input.frozen } : await chooseBoundary(input, relation, tables);
      const { older, ...rows } = await countParts(boundary, input, relation, tables);
      requireRows(rows, input);
      const grown = input.generation ? { generation: input.generation.number, older, ...(note ? { note } : {}) } : {};
      return { objects: {}, facts: { boundary: boundary as unknown as Json, rows, ...grown }, measurements: [] };
    } finally {
      tables.close();
    }
  },
};

async function chooseBoundary(
  input: SplitInput,
  relation: string,
  tables: Tables,
): Promise<{ boundary: Boundary; note?: string }> {
  const { split, time, columns, generation } = input;
  const trainFrom = generation?.trainFrom ?? null;
  const grown = generation ? { trainFrom } : {};
  if (split.split === "hash") return { boundary: { salt: split.salt, test: split.test, holdout: split.holdout, ...grown } };
  const column = quoteIdentifier(time!);
  const { type } = columns[time!]!;
  const younger = trainFrom === null ? "true" : `NOT (${beforeSql(trainFrom, input)})`;
  const [counted] = await tables.rows(`SELECT count(*) AS n FROM ${relation} WHERE ${younger}`);
  const rowCount = Number(counted!.n);
  const startOf = async (share: number, end: string | null, earlierParts: number) => {
    if (share === 0) return end;
    const before = end === null ? younger : `${younger} AND ${beforeSql(end, input)}`;
    const from = await nearestStart(`FROM ${relation} WHERE ${before}`, column, rowCount * share, earlierParts, tables);
    return from === null ? null : momentText(from, type);
  };
  const holdout = notBefore(
    "holdout",
    generation?.older?.holdoutFrom,
    await startOf(split.holdout, null, split.test === 0 ? 1 : 2),
  );
  const test = notBefore("test", generation?.older?.testFrom, await startOf(split.test, holdout.from, 1));
  const note = [holdout.note, test.note].filter((said) => said !== undefined).join("; ");
  return {
    boundary: { ...grown, testFrom: split.test === 0 ? null : test.from, holdoutFrom: holdout.from },
    ...(note !== "" && { note }),
  };
}

/** A part replaces the older one only by newer rows: it never reaches back behind that one's start, to rows that an older model has learnt from. */
function notBefore(part: string, older: string | null | undefined, from: string | null): { from: string | null; note?: string } {
  if (older == null || from === null || parseMoment(from)!.micros >= parseMoment(older)!.micros) return { from };
  return { from: older, note: `${part} would start at ${from}, and stays at ${older}, where the one before it starts` };
}

/**
 * The moment from which on the number of rows comes nearest to `wanted`, the later of two that are equally near. The first moments are spared:
 * one for each part that comes before.
 */
async function nearestStart(
  rows: string,
  column: string,
  wanted: number,
  spared: number,
  tables: Tables,
): Promise<number | null> {
  const [found] = await tables.rows(
    `WITH moments AS (SELECT ${column} AS moment, count(*) AS n ${rows} GROUP BY ${column}),
      starts AS (SELECT moment, sum(n) OVER (ORDER BY moment DESC) AS behind, row_number() OVER (ORDER BY moment) AS nth FROM moments)
    SELECT epoch_us(moment) AS micros FROM starts WHERE nth > ${spared} ORDER BY abs(behind - ${wanted}), moment DESC LIMIT 1`,
  );
  return found ? Number(found.micros) : null;
}

type Counted = { readonly train: number; readonly test: number; readonly holdout: number };

async function countParts(
  boundary: Boundary,
  input: SplitInput,
  relation: string,
  tables: Tables,
): Promise<Counted & { readonly older: number }> {
  const part = partitionSql(boundary, input);
  const [row] = await tables.rows(
    `SELECT ${["train", "test", "holdout"].map((name) => `count(*) FILTER (part = '${name}') AS ${name}`).join(", ")}, count(*) FILTER (part IS NULL) AS older FROM (SELECT ${part} AS part FROM ${relation})`,
  );
  return { train: Number(row!.train), test: Number(row!.test), holdout: Number(row!.holdout), older: Number(row!.older) };
}

function requireRows(rows: Counted, { dataset, split, time, generation }: SplitInput): void {
  const asked = { train: 1 - split.test - split.holdout, test: split.test, holdout: split.holdout };
  const empty = (["train", "test", "holdout"] as const).filter((part) => asked[part] > 0 && rows[part] === 0);
  if (empty.length === 0) return;
  const since = generation?.trainFrom ? ` from ${generation.trainFrom} on` : "";
  const of = split.split === "time" ? `different values of ${time}` : "different rows or entities";
  throw new MillError(
    "split.too-few",
    `The data set "${dataset}" has too few ${of}${since} to be split: ${empty.join(" and ")} would have no rows.`,
    {
      at: `dataset "${dataset}": split`,
      expected: "rows for each part",
      got: `train ${rows.train}, test ${rows.test}, holdout ${rows.holdout}`,
      fix:
        split.split === "time" ? "Split by hash, or bring rows of more moments." : "Bring more rows, or ask for larger shares.",
    },
  );
}
