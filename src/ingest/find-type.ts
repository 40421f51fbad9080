/** Which type the values of a column fit: tried on a sample, then on every row for the types that are left. */
import type { TypeName } from "../contract/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { castSql } from "./cast.ts";
import type { SourceColumn } from "./opened.ts";

export interface FoundType {
  /** null: the file's type can be read as none of ours. */
  readonly type: TypeName | null;
  /** Rows whose value fits, and rows whose value does not. */
  readonly values: number;
  readonly misfits: number;
}

/** Where more values than this share do not fit, the column is one of another type; fewer are faults of some rows. */
const MISFIT_SHARE_MAX = 0.05;
const SAMPLE_ROWS = 20_000;

/** Of the columns `c0`, `c1`, ... of the relation `raw`. */
export async function typesOf(columns: readonly SourceColumn[], rowCount: number, tables: Tables): Promise<FoundType[]> {
  const sample = `(SELECT * FROM raw USING SAMPLE reservoir(${SAMPLE_ROWS} ROWS) REPEATABLE (1))`;
  const sampled = await tally(
    columns.map(({ type }) => ({ sourceType: type, types: candidates(type) })),
    sample,
    tables,
  );
  if (rowCount <= SAMPLE_ROWS) return sampled.map(best);
  const left = sampled.map(({ sourceType, tried }) => ({
    sourceType,
    types: tried.filter((one) => misfitShare(one) <= 2 * MISFIT_SHARE_MAX).map(({ type }) => type),
  }));
  return (await tally(left, "raw", tables)).map(best);
}

/** Narrowest first. */
function candidates(sourceType: string): readonly TypeName[] {
  if (sourceType === "VARCHAR") return ["boolean", "int32", "int64", "float64", "date", "timestamp", "instant"];
  const native = ["boolean", "int32", "int64", "float64", "date", "timestamp", "instant", "string"] as const;
  const isFraction = /^(FLOAT|DOUBLE|DECIMAL)/.test(sourceType);
  const unlikely: readonly TypeName[] = isFraction ? ["int32", "int64", "string"] : sourceType === "BOOLEAN" ? [] : ["boolean"];
  return native.filter((type) => !unlikely.includes(type) && castSql("c", sourceType, type) !== null);
}

interface Asked {
  readonly sourceType: string;
  readonly types: readonly TypeName[];
}

interface Tallied {
  readonly sourceType: string;
  readonly given: number;
  /** How texts are written: whole numbers with zeros in front, numbers with a point or exponent, words that mean yes or no. */
  readonly zeros: number;
  readonly points: number;
  readonly yesNo: number;
  readonly tried: readonly (FoundType & { readonly type: TypeName })[];
}

async function tally(asked: readonly Asked[], relation: string, tables: Tables): Promise<Tallied[]> {
  const counts = asked.flatMap(({ sourceType, types }, at) => [
    `count(c${at}) AS given${at}`,
    ...(sourceType === "VARCHAR" ? writing(at) : []),
    ...types.flatMap((type) => {
      const { value, misfit } = castSql(`c${at}`, sourceType, type)!;
      return [`count(${value}) AS ${type}${at}`, `count(*) FILTER (${misfit}) AS misfit_${type}${at}`];
    }),
  ]);
  const [row = {}] = await tables.rows(`SELECT ${counts.join(", ")} FROM ${relation}`);
  const count = (name: string) => Number(row[name] ?? 0);
  return asked.map(({ sourceType, types }, at) => ({
    sourceType,
    given: count(`given${at}`),
    zeros: count(`zeros${at}`),
    points: count(`points${at}`),
    yesNo: count(`yes_no${at}`),
    tried: types.map((type) => ({ type, values: count(`${type}${at}`), misfits: count(`misfit_${type}${at}`) })),
  }));
}

const writing = (at: number) => [
  `count(*) FILTER (regexp_full_match(c${at}, '\\s*[+-]?0\\d.*')) AS zeros${at}`,
  `count(*) FILTER (regexp_matches(c${at}, '[.]\\d|\\d[.eE]')) AS points${at}`,
  `count(*) FILTER (lower(trim(c${at})) IN ('true', 't', 'yes', 'y', 'false', 'f', 'no', 'n')) AS yes_no${at}`,
];

/** The type with the fewest misfits; a text where none fits well, and the narrowest where there is no value to tell by. */
function best({ sourceType, given, tried, ...written }: Tallied): FoundType {
  const isText = sourceType === "VARCHAR";
  const fitting = tried
    .filter((one) => one.values > 0 && misfitShare(one) <= MISFIT_SHARE_MAX && (!isText || isMeant(one.type, written)))
    .sort((a, b) => a.misfits - b.misfits);
  if (fitting.length > 0) return fitting[0]!;
  if (isText) return { type: "string", values: given, misfits: 0 };
  return tried[0] ?? { type: null, values: 0, misfits: 0 };
}

const misfitShare = ({ values, misfits }: FoundType) => misfits / Math.max(1, values + misfits);

/** `007` is a code, not 7; 20 digits are one too; 0 and 1 are numbers; and what is written with a point stays a fraction. */
function isMeant(type: TypeName, { zeros, points, yesNo }: Pick<Tallied, "zeros" | "points" | "yesNo">): boolean {
  if (type === "boolean") return yesNo > 0;
  if (type === "float64") return zeros === 0 && points > 0;
  return type === "int32" || type === "int64" ? zeros === 0 && points === 0 : true;
}
