/**
 * What a data set consists of and how it is cut, one generation after another. A retraining opens the next: rows that came since, trained on from a moment on.
 *
 *     open -> frozen          the newest that was not abandoned stands
 *          -> abandoned       the one before stands again
 *
 * Generation 1 is the files alone, made when the split is frozen for the first time. See decisions/growing-data.md.
 */
import { canonicalJson, type Digest, type Json, MillError, parseMoment } from "../base/index.ts";
import { type Objects, pin, unpin } from "../ports/objects/index.ts";
import type { Records } from "../ports/records/index.ts";
import { type FrozenSplit, frozenSplitOf, requireRule } from "./splits.ts";
import { freedVersion, keptVersion, readManifest, readVersion } from "./versions.ts";

/** The first `rowCount` rows of a version of a journal's data set; each of its rows holds a row of the growing data set as JSON text. */
export interface JournalRows {
  readonly dataset: string;
  readonly version: number;
  readonly rowCount: number;
}

export interface NewGeneration {
  readonly dataset: string;
  /** All of them, those of the generation before among them. */
  readonly journals: readonly JournalRows[];
  /** A moment as text of the time column's type: older rows feed windows and are in no part; null: every row is in a part. */
  readonly trainFrom: string | null;
  /** A moment likewise: journal rows after it are left out, so that a clock that runs ahead does not become the holdout; null: none are. */
  readonly until?: string | null;
  readonly runId: string | null;
}

export interface Generation extends NewGeneration {
  /** From 1; an abandoned one keeps its number. */
  readonly generation: number;
  readonly until: string | null;
  /** The rule that was asked for, the boundary that it gave, and the version whose rows it was chosen by; null: open. */
  readonly spec: Json | null;
  readonly boundary: Json | null;
  readonly version: number | null;
  /** Key of the step that chose the boundary, where it was told. */
  readonly stepKey: Digest | null;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  readonly frozenAt: number | null;
  readonly abandonedAt: number | null;
}

/** The one that counts: the newest that was not abandoned. */
export const standing = (generations: readonly Generation[]): Generation | null =>
  generations.filter(({ abandonedAt }) => abandonedAt === null).at(-1) ?? null;

/** All, oldest first. */
export async function readGenerations(records: Records, dataset: string): Promise<Generation[]> {
  const rows = await records.query<GenerationRow>(
    `SELECT generation, journals, train_from AS "trainFrom", rows_until AS "until", run_id AS "runId", step_key AS "stepKey", spec, boundary, dataset_version AS version,
      opened_at AS "openedAt", frozen_at AS "frozenAt", abandoned_at AS "abandonedAt" FROM generations WHERE dataset = ? ORDER BY generation`,
    [dataset],
  );
  return rows.map((row) => ({
    ...row,
    dataset,
    journals: JSON.parse(row.journals) as JournalRows[],
    spec: row.spec === null ? null : (JSON.parse(row.spec) as Json),
    boundary: row.boundary === null ? null : (JSON.parse(row.boundary) as Json),
  }));
}

interface GenerationRow extends Omit<Generation, "dataset" | "journals" | "spec" | "boundary"> {
  readonly journals: string;
  readonly spec: string | null;
  readonly boundary: string | null;
}

/** Opens the next generation and pins its journals' rows. Errors: `generation.unfrozen`, `generation.rows`, `lake.unknown-version`, `lake.freed`. */
export async function openGeneration(
  { dataset, journals, trainFrom, until = null, runId }: NewGeneration,
  { records, objects }: { readonly records: Records; readonly objects: Objects },
  nowMs: number,
): Promise<number> {
  for (const moment of [trainFrom, until]) if (moment !== null && parseMoment(moment) === null) throw noMoment(dataset, moment);
  const rows = await Promise.all(
    journals.map(async (journal) => ({ ...journal, digests: await digestsOf(journal, records, objects) })),
  );
  const all = await readGenerations(records, dataset);
  const before = standing(all);
  if (before === null || before.frozenAt === null) throw unfrozen(dataset, before);
  const generation = all.at(-1)!.generation + 1;
  const outcome = await records.commit([
    {
      sql: `INSERT INTO generations (dataset, generation, journals, train_from, rows_until, run_id, opened_at)
        SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM generations WHERE dataset = ? AND (generation >= ? OR (frozen_at IS NULL AND abandoned_at IS NULL)))`,
      params: [dataset, generation, JSON.stringify(journals), trainFrom, until, runId, nowMs, dataset, generation],
      rows: 1,
    },
    ...rows.map(keptVersion),
    ...pin(
      holderOf(dataset, generation),
      rows.flatMap(({ digests }) => digests),
    ),
  ]);
  if (outcome.committed) return generation;
  const given = rows[outcome.statement - 1];
  throw given ? freedVersion(given) : unfrozen(dataset, standing(await readGenerations(records, dataset)));
}

const holderOf = (dataset: string, generation: number) => `generation:${dataset}@${generation}`;

async function digestsOf({ dataset, version, rowCount }: JournalRows, records: Records, objects: Objects): Promise<Digest[]> {
  const found = await readVersion(records, dataset, version);
  if (!Number.isInteger(rowCount) || rowCount < 0 || rowCount > found.rowCount)
    throw new MillError("generation.rows", `Version ${version} of "${dataset}" has ${found.rowCount} rows, not ${rowCount}.`, {
      expected: `a number of rows from 0 to ${found.rowCount}`,
      got: String(rowCount),
      fix: "Seal the journal first, and name the version that has these rows.",
    });
  return [found.manifest, ...(await readManifest(objects, found.manifest)).parts.map(({ digest }) => digest)];
}

const noMoment = (dataset: string, got: string) =>
  new MillError("generation.rows", `"${got}" is no moment of the data set "${dataset}".`, {
    expected: "a moment as text of the time column's type, as in 2001-06-01T10:00:00",
    got,
    fix: "Write it as the data set's rows do.",
  });

const unfrozen = (dataset: string, open: Generation | null) =>
  new MillError(
    "generation.unfrozen",
    open
      ? `Generation ${open.generation} of the data set "${dataset}" is not cut yet.`
      : `The data set "${dataset}" has not been cut yet.`,
    {
      at: `dataset "${dataset}"`,
      expected: "a frozen split",
      fix: open ? "Let its run end, or give it up, and try again." : "Run `mill run` first.",
    },
  );

/**
 * Freezes the split of a generation, once; the same rule again changes nothing. Generation 1 is made by it. The rule stays the same in every generation.
 * Errors: `split.frozen`, `generation.abandoned`.
 */
export async function freezeSplit(records: Records, split: Omit<FrozenSplit, "frozenAt">, nowMs: number): Promise<FrozenSplit> {
  const { dataset, generation, spec, boundary, version, stepKey } = split;
  requireRule(await readGenerations(records, dataset), spec);
  const cut = [canonicalJson(spec), canonicalJson(boundary), version, stepKey];
  await records.commit([
    generation === 1
      ? {
          sql: `INSERT INTO generations (dataset, generation, spec, boundary, dataset_version, step_key, journals, opened_at, frozen_at)
            VALUES (?, 1, ?, ?, ?, ?, '[]', ?, ?) ON CONFLICT DO NOTHING`,
          params: [dataset, ...cut, nowMs, nowMs],
        }
      : {
          sql: `UPDATE generations SET spec = ?, boundary = ?, dataset_version = ?, step_key = ?, frozen_at = ?
            WHERE dataset = ? AND generation = ? AND frozen_at IS NULL AND abandoned_at IS NULL`,
          params: [...cut, nowMs, dataset, generation],
        },
  ]);
  const all = await readGenerations(records, dataset);
  requireRule(all, spec);
  const found = all.find((one) => one.generation === generation && one.abandonedAt === null);
  const frozen = frozenSplitOf(found ?? null);
  if (frozen === null) throw givenUp(dataset, generation);
  return frozen;
}

const givenUp = (dataset: string, generation: number) =>
  new MillError("generation.abandoned", `Generation ${generation} of the data set "${dataset}" was given up: it was not cut.`, {
    at: `dataset "${dataset}"`,
    fix: "Run again: the generation before it counts.",
  });

/** Gives a generation up: the one before counts again, and its rows are pinned no longer. The same again changes nothing. Errors: `generation.first`. */
export async function abandonGeneration(records: Records, dataset: string, generation: number, nowMs: number): Promise<void> {
  if (generation <= 1)
    throw new MillError("generation.first", `The first generation of the data set "${dataset}" cannot be given up.`, {
      at: `dataset "${dataset}"`,
      expected: "a generation from 2 on",
      got: String(generation),
      fix: "Give the data set a new name to cut it anew: rows that were once held out must not be trained on.",
    });
  await records.commit([
    {
      sql: "UPDATE generations SET abandoned_at = ? WHERE dataset = ? AND generation = ? AND abandoned_at IS NULL",
      params: [nowMs, dataset, generation],
    },
    ...unpin(holderOf(dataset, generation)),
  ]);
}
