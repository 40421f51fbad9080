import { type Digest, type Json, MillError } from "../base/index.ts";
import type { Schema } from "../contract/index.ts";
import type { Split } from "../define/index.ts";
import { quoteIdentifier, quoteLiteral } from "../express/index.ts";
import { openDuckDb, stepEngine, type Tables } from "../ports/tables/index.ts";
import { momentText } from "../quality/index.ts";
import type { StepKind } from "../steps/index.ts";
import { type Boundary, momentLiteral, partitionSql } from "./boundary.ts";

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
}

/**
 * Chooses the boundary of a data set. By time: moments such that about the asked share of the rows lies behind each, and no moment is on both sides.
 * By hash: the shares themselves. Facts: `boundary`, and `rows` of train, test and holdout. Errors: `split.too-few`.
 */
export const split: StepKind<SplitInput> = {
  name: "split",
  revision: 1,
  async run(input, context) {
    const tables = openDuckDb(stepEngine(context));
    try {
      const paths = await Promise.all(input.parts.map((part) => context.objects.pathOf(part)));
      const relation = `read_parquet([${paths.map(quoteLiteral).join(", ")}])`;
      const boundary = input.frozen ?? (await chooseBoundary(input, relation, tables));
      const rows = await countParts(boundary, input, relation, tables);
      requireRows(rows, input);
      return { objects: {}, facts: { boundary: boundary as unknown as Json, rows }, measurements: [] };
    } finally {
      tables.close();
    }
  },
};

async function chooseBoundary({ split, time, columns }: SplitInput, relation: string, tables: Tables): Promise<Boundary> {
  if (split.split === "hash") return { salt: split.salt, test: split.test, holdout: split.holdout };
  const column = quoteIdentifier(time!);
  const { type } = columns[time!]!;
  const [counted] = await tables.rows(`SELECT count(*) AS n FROM ${relation}`);
  const rowCount = Number(counted!.n);
  const startOf = async (share: number, end: string | null, earlierParts: number) => {
    if (share === 0) return end;
    const before = end === null ? "true" : `${column} < ${momentLiteral(end, type)}`;
    const from = await nearestStart(`FROM ${relation} WHERE ${before}`, column, rowCount * share, earlierParts, tables);
    return from === null ? null : momentText(from, type);
  };
  const holdoutFrom = await startOf(split.holdout, null, split.test === 0 ? 1 : 2);
  const testFrom = await startOf(split.test, holdoutFrom, 1);
  return { testFrom: split.test === 0 ? null : testFrom, holdoutFrom };
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

async function countParts(boundary: Boundary, input: SplitInput, relation: string, tables: Tables): Promise<Counted> {
  const part = partitionSql(boundary, input);
  const [row] = await tables.rows(
    `SELECT ${["train", "test", "holdout"].map((name) => `count(*) FILTER (part = '${name}') AS ${name}`).join(", ")} FROM (SELECT ${part} AS part FROM ${relation})`,
  );
  return { train: Number(row!.train), test: Number(row!.test), holdout: Number(row!.holdout) };
}

function requireRows(rows: Counted, { dataset, split, time }: SplitInput): void {
  const asked = { train: 1 - split.test - split.holdout, test: split.test, holdout: split.holdout };
  const empty = (["train", "test", "holdout"] as const).filter((part) => asked[part] > 0 && rows[part] === 0);
  if (empty.length === 0) return;
  const of = split.split === "time" ? `different values of ${time}` : "different rows or entities";
  throw new MillError(
    "split.too-few",
    `The data set "${dataset}" has too few ${of} to be split: ${empty.join(" and ")} would have no rows.`,
    {
      at: `dataset "${dataset}": split`,
      expected: "rows for each part",
      got: `train ${rows.train}, test ${rows.test}, holdout ${rows.holdout}`,
      fix:
        split.split === "time" ? "Split by hash, or bring rows of more moments." : "Bring more rows, or ask for larger shares.",
    },
  );
}
