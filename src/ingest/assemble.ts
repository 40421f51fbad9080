/**
 * A data set from its partitions. Their parts stay as they are, but for rows that repeat one of an earlier partition.
 *
 *     part of 2024-01-01 ──────────────────────────> part-0
 *     part of 2024-01-02 ── without repeated rows ─> part-1        quarantines of all ──> quarantine
 *     journals, as files are read ─────────────────> part-2
 */
import { join } from "node:path";
import { type Digest, MillError } from "../base/index.ts";
import { quoteIdentifier, quoteLiteral } from "../express/index.ts";
import { openDuckDb, stepEngine, type Tables } from "../ports/tables/index.ts";
import { profileSql, readProfile } from "../quality/index.ts";
import type { StepContext, StepManifest } from "../steps/index.ts";
import type { IngestInput } from "./input.ts";
import { findRepeats } from "./repeats.ts";
import { holdsColumn, isRowCheck } from "./stage.ts";
import { type Counts, factsOf, measurementsOf } from "./summary.ts";
import { takeIn } from "./take-in.ts";

export async function assemble(input: IngestInput, tables: Tables, context: StepContext): Promise<StepManifest> {
  const { partitions = [], columns } = input;
  const say = (done: number, note: string) => {
    context.signal.throwIfAborted();
    context.progress(done, 3, note);
  };
  say(0, "reading journals");
  const grown = await takeInJournals(input, context);
  const made = [...partitions, ...(grown ? [grown.made] : [])];
  const parts = made.map(({ part }) => part);

  say(1, "looking for repeated rows");
  const repeats = await putRepeatsAside(input, parts, tables, context);
  const failed = new Map(repeats.failed);
  for (const one of made)
    for (const [index, count] of Object.entries(one.failed ?? {})) failed.set(+index, (failed.get(+index) ?? 0) + count);
  const sum = (count: (one: (typeof made)[number]) => number) => made.reduce((total, one) => total + count(one), 0);
  const counts: Counts = {
    kept: sum(({ rowCount }) => rowCount) - repeats.count,
    quarantined: sum(({ quarantined }) => quarantined) + repeats.count,
    leftOut: sum(({ leftOut }) => leftOut),
    read: sum(({ read }) => read),
    fitting: sum(({ fitting }) => fitting),
    failed,
    ...{ ahead: grown?.ahead ?? 0, repeated: grown?.repeated ?? 0 },
  };
  if (counts.kept === 0) throw emptyError(input, counts);

  say(2, "counting");
  const paths = await Promise.all(repeats.parts.map((part) => context.objects.pathOf(part)));
  const { profile } = readProfile(columns, (await tables.rows(profileSql(columns, relationOf(paths))))[0]!);
  const quarantines = made.flatMap(({ quarantine = null }) => quarantine ?? []);
  const quarantine = await joinQuarantines([...quarantines, ...repeats.quarantine], tables, context);
  const names = partitions.map(({ partition }) => partition);
  return {
    objects: {
      ...Object.fromEntries(repeats.parts.map((part, index) => [`part-${index}`, part])),
      ...(quarantine && { quarantine }),
    },
    facts: {
      ...factsOf(input, counts, profile, grown?.sources ?? []),
      partitions: { count: names.length, first: names[0] ?? null, last: names.at(-1) ?? null },
    },
    measurements: measurementsOf(input, counts, profile),
  };
}

/** What the data set has grown by, as a partition behind the others; null: it has not. */
async function takeInJournals(input: IngestInput, context: StepContext) {
  if (input.journals === undefined) return null;
  const tables = openDuckDb(stepEngine(context));
  try {
    const { objects, counts, sources } = await takeIn(input, tables, context, { empty: "always" });
    const { kept: rowCount, quarantined, leftOut, read, fitting, ahead, repeated } = counts;
    const failed: Readonly<Record<string, number>> = Object.fromEntries(counts.failed);
    const quarantine = objects.quarantine;
    const made = {
      part: objects["part-0"]!,
      ...{ rowCount, quarantined, leftOut, read, fitting, failed },
      ...(quarantine && { quarantine }),
    };
    return { made, ahead, repeated, sources };
  } finally {
    tables.close();
  }
}

interface WithoutRepeats {
  readonly parts: readonly Digest[];
  readonly count: number;
  /** Rows by index of the check. */
  readonly failed: readonly (readonly [number, number])[];
  readonly quarantine: readonly Digest[];
}

/** Within a part there are none any more: `unique` was held of each. */
async function putRepeatsAside(
  { columns, checks, partitions = [] }: IngestInput,
  parts: readonly Digest[],
  tables: Tables,
  context: StepContext,
): Promise<WithoutRepeats> {
  const unchanged: WithoutRepeats = { parts, count: 0, failed: [], quarantine: [] };
  if (parts.length < 2 || checks.every(isRowCheck)) return unchanged;
  const paths = await Promise.all(parts.map((part) => context.objects.pathOf(part)));
  const holds = checks.filter(isRowCheck).map((check) => `true AS ${holdsColumn(check)}`);
  const rows = `(SELECT ${["file_index::INTEGER AS __source", "file_row_number AS __ordinal", "0 AS __fault", ...holds].join(", ")}, * EXCLUDE (file_row_number)
    FROM ${relationOf(paths, ", file_row_number = true")})`;
  await findRepeats(rows, checks, tables);
  const failed = await tables.rows("SELECT __check AS i, count(*) AS n FROM repeats GROUP BY ALL ORDER BY i");
  if (failed.length === 0) return unchanged;
  const shown = Object.keys(columns).map(quoteIdentifier);
  const changed = await tables.rows("SELECT DISTINCT __source AS i FROM repeats ORDER BY i");
  const kept = [...parts];
  for (const { i } of changed) {
    const path = join(context.scratch, "part.parquet");
    await tables.run(`COPY (SELECT ${shown.join(", ")} FROM read_parquet(${quoteLiteral(paths[Number(i)]!)}, file_row_number = true)
      ANTI JOIN (SELECT __ordinal FROM repeats WHERE __source = ${i}) ON __ordinal = file_row_number ORDER BY file_row_number
    ) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)`);
    kept[Number(i)] = await context.objects.putFile(path, { consume: true });
  }
  const reasons = checks.map(({ index, text }) => `WHEN ${index} THEN ${quoteLiteral(`fails the check: ${text}`)}`);
  const sources = [...changed].map(({ i }) => `WHEN ${i} THEN ${quoteLiteral(partitions[Number(i)]?.partition ?? "journals")}`);
  const aside = join(context.scratch, "repeats.parquet");
  await tables.run(`COPY (
    SELECT ${shown.map((column) => `${column}::VARCHAR AS ${column}`).join(", ")}, CASE __check ${reasons.join(" ")} END AS __reason,
      NULL::VARCHAR AS __column, NULL::VARCHAR AS __value, CASE __source ${sources.join(" ")} END AS __source, __ordinal + 1 AS __row,
      NULL::BIGINT AS __line, NULL::VARCHAR AS __text
    FROM ${rows} JOIN repeats USING (__source, __ordinal) ORDER BY repeats.__source, repeats.__ordinal
  ) TO ${quoteLiteral(aside)} (FORMAT parquet, COMPRESSION zstd)`);
  const byCheck = failed.map(({ i, n }) => [Number(i), Number(n)] as const);
  return {
    parts: kept,
    count: byCheck.reduce((total, [, count]) => total + count, 0),
    failed: byCheck,
    quarantine: [await context.objects.putFile(aside, { consume: true })],
  };
}

async function joinQuarantines(
  all: readonly Digest[],
  tables: Tables,
  { objects, scratch }: StepContext,
): Promise<Digest | null> {
  if (all.length < 2) return all[0] ?? null;
  const path = join(scratch, "quarantine.parquet");
  const paths = await Promise.all(all.map((one) => objects.pathOf(one)));
  await tables.run(
    `COPY (SELECT * FROM ${relationOf(paths, ", union_by_name = true")}) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  return objects.putFile(path, { consume: true });
}

const relationOf = (paths: readonly string[], options = "") => `read_parquet([${paths.map(quoteLiteral).join(", ")}]${options})`;

const emptyError = ({ dataset, partitions = [] }: IngestInput, { leftOut, quarantined }: Counts) =>
  new MillError("dataset.empty", `The data set "${dataset}" has no rows in any of its ${partitions.length} partitions.`, {
    at: `dataset "${dataset}"`,
    expected: "one row or more",
    got: `${leftOut} left out by where, ${quarantined} put into quarantine`,
    fix: "Correct `where`, or `from` and `to` of its partitions, or put the files there.",
  });
