/** Files, and rows of journals, to one part of typed rows and what was put aside. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOfFile, MillError } from "../base/index.ts";
import type { Row } from "../contract/index.ts";
import { quoteIdentifier, quoteLiteral } from "../express/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { type Profile, profileSql, readProfile } from "../quality/index.ts";
import type { StepContext } from "../steps/index.ts";
import { matchColumns } from "./columns.ts";
import type { IngestInput, IngestSource } from "./input.ts";
import { type IngestJournal, type OpenedJournal, openJournalRows } from "./journal-rows.ts";
import { openSource } from "./open-source.ts";
import { type StagedSource, writeQuarantine } from "./quarantine.ts";
import { findRepeats } from "./repeats.ts";
import { FAULT, holdsColumn, isRowCheck, passesSql, type RowCheck, stagedSql, stageSql } from "./stage.ts";
import type { Counts, SourceFacts } from "./summary.ts";

export interface TakenIn {
  /** `part-0`, and `quarantine` when any row was put aside. */
  readonly objects: Readonly<Record<string, Digest>>;
  readonly counts: Counts;
  readonly profile: Profile;
  readonly sources: readonly SourceFacts[];
}

/** `empty`: whether it is well that no row is left. Errors: those of `ingest`. */
export async function takeIn(
  input: IngestInput,
  tables: Tables,
  context: StepContext,
  { empty = "never" }: { readonly empty?: "never" | "when none was put aside" | "always" } = {},
): Promise<TakenIn> {
  const { checks, journals = [] } = input;
  const read = input.sources.length + journals.length;
  const steps = read + 4;
  const say = (done: number, note: string) => {
    context.signal.throwIfAborted();
    context.progress(done, steps, note);
  };

  const staged: StagedSource[] = [];
  for (const [index, source] of input.sources.entries()) {
    say(index, `reading ${source.name}`);
    staged.push(await stage(source, index, input, tables, context));
  }
  let repeated = 0;
  for (const journal of journals) {
    say(staged.length, `reading ${journal.dataset}`);
    const source = await stageJournal(journal, staged.length, input, tables, context);
    repeated += source.source.repeated;
    staged.push(source);
  }
  const relation = stagedSql(staged.map((_, index) => stagedPath(context, index)));

  say(read, "checking rows");
  await findRepeats(relation, checks, tables);
  const counts = await countRows(relation, staged, checks, tables);
  if (counts.kept === 0 && (empty === "never" || (empty !== "always" && counts.quarantined > 0)))
    throw await emptyError(input, counts, staged, tables, context, relation);

  say(read + 1, "writing rows");
  const part = join(context.scratch, "part-0.parquet");
  await writePart(input, relation, part, tables);
  const { profile } = readProfile(
    input.columns,
    (await tables.rows(profileSql(input.columns, `read_parquet(${quoteLiteral(part)})`)))[0]!,
  );
  const objects: Record<string, Digest> = { "part-0": await context.objects.putFile(part, { consume: true }) };

  if (counts.quarantined > 0) {
    say(read + 2, "writing the quarantine");
    const path = join(context.scratch, "quarantine.parquet");
    await writeQuarantine(
      { staged: relation, sources: staged, columns: input.columns, checks, scratch: context.scratch },
      path,
      tables,
    );
    objects.quarantine = await context.objects.putFile(path, { consume: true });
  }
  say(steps, "done");
  const sources = staged.map(({ source }, index) => ({ name: source.name, ...source.found, rows: counts.bySource.get(index)! }));
  return { objects, counts: { ...counts, repeated }, profile, sources };
}

const stagedPath = ({ scratch }: StepContext, index: number) => join(scratch, `staged-${index}.parquet`);

async function stage(
  source: IngestSource,
  index: number,
  input: IngestInput,
  tables: Tables,
  context: StepContext,
): Promise<StagedSource> {
  const before = await statOf(source);
  if ((await digestOfFile(source.path)) !== source.digest) throw changed(source);
  const wanted = Object.entries(input.columns).map(([column, { source: named = column }]) => named);
  const opened = await openSource(source, { index, wanted, sizeBytes: Number(before.size), scratch: context.scratch }, tables);
  const read = matchColumns(opened, input.columns, input.time, input.dataset);
  const { columns, where, checks } = input;
  await tables.run(stageSql(opened, read, { columns, where, checks }, stagedPath(context, index))).catch((error: MillError) => {
    throw error.code === "tables.query" ? unreadable(source, error) : error;
  });
  const after = await statOf(source);
  if (before.mtimeNs !== after.mtimeNs || before.size !== after.size) throw changed(source);
  const [rejected] = opened.rejects ? await tables.rows(`SELECT count(*) AS n FROM (${opened.rejects})`) : [];
  return { source: opened, read, rejected: Number(rejected?.n ?? 0) };
}

async function stageJournal(
  journal: IngestJournal,
  index: number,
  { dataset, columns, time, checks, until }: IngestInput,
  tables: Tables,
  context: StepContext,
): Promise<StagedSource & { readonly source: OpenedJournal }> {
  const { objects, scratch } = context;
  const opened = await openJournalRows(journal, { index, columns: Object.keys(columns), objects, scratch }, tables);
  const byName = Object.fromEntries(Object.entries(columns).map(([name, { source: _, ...column }]) => [name, column]));
  const read = matchColumns(opened, byName, time, dataset);
  const staging = { columns, where: null, checks, until: time !== null && until ? { time, moment: until } : null };
  await tables.run(stageSql(opened, read, staging, stagedPath(context, index)));
  return { source: opened, read, rejected: 0 };
}

const statOf = ({ path, name }: IngestSource) =>
  stat(path, { bigint: true }).catch((cause) => {
    throw new MillError("source.missing", `The file "${name}" is not there any more.`, {
      at: name,
      expected: path,
      fix: "Put it back, or correct files(...), and run again.",
      cause,
    });
  });

const changed = ({ name }: IngestSource) =>
  new MillError("source.changed", `The file "${name}" changed while it was being read.`, {
    at: name,
    fix: "Wait until whoever writes it has finished, then run again: nothing was published.",
  });

const unreadable = ({ name }: IngestSource, cause: MillError) =>
  new MillError("source.unreadable", `The file "${name}" cannot be read: ${cause.message}`, {
    at: name,
    fix: "Check that the file is whole, or write it again.",
    cause,
  });

async function countRows(
  relation: string,
  staged: readonly StagedSource[],
  checks: readonly RowCheck[],
  tables: Tables,
): Promise<Omit<Counts, "repeated"> & { readonly bySource: ReadonlyMap<number, number> }> {
  const rowChecks = checks.filter(isRowCheck);
  const failures = rowChecks.map((check) => `count(*) FILTER (${holdsColumn(check)} IS FALSE) AS failed${check.index}`);
  const groups = await tables.rows(
    `SELECT __source, __fault, ${["count(*) AS n", `count(*) FILTER (${passesSql(checks)}) AS good`, ...failures].join(", ")} FROM ${relation} GROUP BY ALL`,
  );
  const repeats = await tables.rows(`SELECT __check, count(*) AS n FROM repeats GROUP BY ALL`);
  const sum = (field: string, among = (_: Row) => true) =>
    groups.filter(among).reduce((total, row) => total + Number(row[field]), 0);
  const repeated = repeats.reduce((total, { n }) => total + Number(n), 0);
  const rejected = staged.reduce((total, source) => total + source.rejected, 0);
  const withFault = (fault: number) => sum("n", (row) => row.__fault === fault);
  const [leftOut, ahead] = [withFault(FAULT.leftOut), withFault(FAULT.ahead)];
  const kept = sum("good") - repeated;
  const read = sum("n") - leftOut - ahead - withFault(FAULT.blank) + rejected;
  return {
    kept,
    leftOut,
    ahead,
    read,
    fitting: sum("n", (row) => row.__fault === FAULT.none),
    quarantined: read - kept,
    failed: new Map([
      ...rowChecks.map(({ index }): [number, number] => [index, sum(`failed${index}`)]),
      ...repeats.map(({ __check, n }): [number, number] => [Number(__check), Number(n)]),
    ]),
    bySource: new Map(
      staged.map((source, index) => [
        index,
        sum("n", (row) => row.__source === index && row.__fault !== FAULT.blank) + source.rejected,
      ]),
    ),
  };
}

async function emptyError(
  input: IngestInput,
  counts: Pick<Counts, "leftOut" | "quarantined">,
  sources: readonly StagedSource[],
  tables: Tables,
  { scratch }: StepContext,
  staged: string,
): Promise<MillError> {
  const { dataset, columns, checks } = input;
  const said = `${counts.leftOut.toLocaleString("en")} left out by where, ${counts.quarantined.toLocaleString("en")} put into quarantine`;
  const worst = counts.quarantined === 0 ? [] : await reasons();
  return new MillError(
    "dataset.empty",
    `The data set "${dataset}" has no rows left: ${said}.${worst.map((reason) => ` ${reason}.`).join("")}`,
    {
      at: `dataset "${dataset}"`,
      expected: "one row or more",
      got: said,
      fix:
        counts.quarantined > 0
          ? "Correct the columns' types, `source` names or checks by these reasons."
          : "Correct `where`, or name files that have rows.",
    },
  );

  async function reasons() {
    const path = join(scratch, "quarantine.parquet");
    await writeQuarantine({ staged, sources, columns, checks, scratch }, path, tables);
    const rows = await tables.rows(
      `SELECT __reason, __column, count(*) AS n, any_value(__value) AS example FROM read_parquet(${quoteLiteral(path)}) GROUP BY ALL ORDER BY n DESC LIMIT 3`,
    );
    return rows.map(
      ({ __reason, __column, n, example }) =>
        `${__column === null ? "" : `${__column}: `}${__reason} (${n} rows${example === null ? "" : `, as ${JSON.stringify(example)}`})`,
    );
  }
}

async function writePart({ columns, time, checks }: IngestInput, relation: string, path: string, tables: Tables): Promise<void> {
  const names = Object.keys(columns).map(quoteIdentifier).join(", ");
  const unique = checks.some((check) => !isRowCheck(check));
  const order = [...(time === null ? [] : [quoteIdentifier(time)]), "__source", "__ordinal"].join(", ");
  await tables.run(`COPY (
    SELECT ${names} FROM ${relation} ${unique ? "ANTI JOIN repeats USING (__source, __ordinal)" : ""} WHERE ${passesSql(checks)} ORDER BY ${order}
  ) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)`);
}
